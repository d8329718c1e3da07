"""Archives of X-ray observations, selected, downloaded, cleaned and organised from one config file."""

__version__ = "0.2.0"
