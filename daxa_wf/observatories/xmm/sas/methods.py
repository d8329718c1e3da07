"""The flare filters that SAS has."""

METHODS = {"esas20": "histogram", "esas19": "histogram", "ratio": "ratio"}
"""Flare filter of the configuration -> method of espfilt, whose generation is that of the SAS release."""
