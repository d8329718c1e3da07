"""Cleaning of eROSITA event lists in daxa_wf itself."""
