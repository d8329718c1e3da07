"""Downloads from data centres into the raw store, verified."""
