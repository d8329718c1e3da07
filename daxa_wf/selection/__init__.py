"""Pure functions that select observations from tables. They can be used from a notebook."""
