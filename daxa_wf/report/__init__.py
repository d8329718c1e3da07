"""Pages for people: one for each observation and one for the archive, self-contained files that need no network."""
