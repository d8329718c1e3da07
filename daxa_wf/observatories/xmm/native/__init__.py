"""Cleaning of EPIC event lists in daxa_wf itself."""
