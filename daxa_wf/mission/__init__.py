"""What a mission is, as data."""
