"""The steps of eROSITA's engines."""
