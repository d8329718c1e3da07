"""The command daxa-wf."""
