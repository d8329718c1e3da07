"""Read the messages that tasks print, in the form that SAS and eSASS share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MESSAGE = re.compile(r"^\*\* (\S+): (message|warning|error|fatal)(?: \(([^)]*)\))?,? ?(.*)$")
_SUMMARISED = re.compile(r"warning (\S+) silently occurred ([0-9]{1,18}) times")
SUMMARY = "SummaryOfWarnings"
LONGEST_LINE = 4000
"""Characters that are searched in each line of a log; tasks print some 200."""


@dataclass(frozen=True)
class Message:
    """One message: the task that printed it, its level, its name ('' if it has none), its text, how often it occurred."""

    task: str
    level: str
    name: str
    text: str
    count: int = 1

    @property
    def is_error(self) -> bool:
        """Return True if the task gave up because of it."""
        return self.level in ("error", "fatal")

    @property
    def as_record(self) -> dict[str, str]:
        """Return the message in the form of records."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        return {"task": self.task, "name": self.name, "text": self.text + times}


def task_messages(text: str) -> list[Message]:
    """Return the messages in a task's output, in order. Unknown names are kept.

    Indented lines continue the message before them. A summary of warnings becomes one warning for each of its entries.
    Source: SAS Users Guide, 'Error handling'; formats of genuine logs.
    """
    messages: list[Message] = []
    for task, level, name, words in _joined(log_lines(text)):
        listed = _SUMMARISED.findall(words) if name == SUMMARY else []
        if listed:
            messages += [
                Message(task, level, warning, "further ones, not printed", int(count)) for warning, count in listed
            ]
        else:
            messages.append(Message(task, level, name, words))
    return messages


def log_lines(text: str) -> list[str]:
    """Split a log into lines, each cut to a length in which patterns are searched quickly."""
    return [line[:LONGEST_LINE] for line in text.splitlines()]


def _joined(lines: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    current: list[str] | None = None
    for line in lines:
        match = _MESSAGE.match(line)
        if match is not None:
            if current:
                yield current[0], current[1], current[2], current[3].strip()
            current = [group or "" for group in match.groups()]
        elif current and line[:1].isspace() and line.strip():
            current[3] += f" {line.strip()}"
        elif current:
            yield current[0], current[1], current[2], current[3].strip()
            current = None
    if current:
        yield current[0], current[1], current[2], current[3].strip()


def ends_with(text: str, done_line: str) -> bool:
    """Return True if the last line of a task's output is the one that reports success, such as `TASK: DONE`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bool(lines) and lines[-1] == done_line
