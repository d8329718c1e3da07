"""Mission facts: one file per mission, each a MissionSpec."""
