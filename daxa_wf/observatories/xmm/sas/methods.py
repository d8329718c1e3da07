"""The flare filters of SAS."""

METHODS = {"esas20": "histogram", "esas19": "histogram", "ratio": "ratio"}
"""Flare filter of the configuration -> method of espfilt. Its generation is that of the SAS release."""
