"""Missions, steps and pipelines as data."""
