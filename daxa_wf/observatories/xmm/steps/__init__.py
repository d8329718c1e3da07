"""XMM-Newton's steps."""
