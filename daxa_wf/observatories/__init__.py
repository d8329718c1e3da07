"""The observatories, one file or folder each."""
