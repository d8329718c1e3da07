"""The configuration: typed models, checks, messages."""
