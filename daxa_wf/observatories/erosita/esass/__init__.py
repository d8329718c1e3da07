"""Tasks of eSASS as data."""
