"""eROSITA's steps."""
