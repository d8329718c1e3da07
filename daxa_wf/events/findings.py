"""Findings: what a user should know about data that were processed nevertheless."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A doubt about data or results: a short name that programs can rely on, and a sentence for people."""

    name: str
    text: str

    def warning(self, task: str) -> dict[str, str]:
        """Return the finding as a record lists it among the warnings of a task."""
        return {"task": task, "name": self.name, "text": self.text}
