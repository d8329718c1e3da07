"""Fetching and checking of raw data; the manifest."""
