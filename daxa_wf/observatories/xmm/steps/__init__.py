"""The steps of XMM-Newton's engines."""
