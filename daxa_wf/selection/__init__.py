"""Pure functions that select observations from tables."""
