"""The flare filters of SAS."""

METHODS = ("histogram", "ratio")
"""Methods of espfilt. The generation of the algorithm is that of the SAS release."""
