"""One file per workflow step: chooses the engine, returns what becomes the record."""
