"""The embedded observatory: small faithful observations with known truth."""
