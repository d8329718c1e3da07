"""The embedded observatory: small faithful observations with known truth."""

TRUTH_FILE = "truth.json"
"""Written last: where it is, the simulated observations are complete."""
