"""Tasks of SAS as data."""
