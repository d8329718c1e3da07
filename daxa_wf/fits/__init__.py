"""The FITS room: reading, writing, verifying."""
