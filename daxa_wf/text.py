"""Clean text from outside for terminals, logs, records and pages."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

LONGEST_MESSAGE = 20_000
"""Largest number of characters of a message or of a line of a log, because a message may quote a damaged file."""
WARNINGS_A_LOG = 50
"""Largest number of warnings of other packages in a log; a damaged header causes one for each of its cards."""
SECRET_KEYS = r"[^=&\s?#]{0,80}(?:pwd|passw|secret|token|signature|credential|apikey|api_key|auth)[^=&\s?#]{0,80}"
"""Names of parameters that hold secrets. Lengths are bounded, so that every text is searched quickly."""
_USER_INFO = re.compile(r"(?<=://)(?:[^/\s?#]*|[^/\s:@]{1,80}:(?!\d+[/?#])[^\s@]{1,200})@")
"""User and password of a URL. The second form is for a password that holds a `/`, `?` or `#`."""
_QUERY_SECRET = re.compile(rf"([?&;]{SECRET_KEYS}=)[^&\s;#'\"<>]*", re.IGNORECASE)
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?", re.DOTALL)
"""Terminal control sequences (ECMA-48): CSI, OSC, and two-byte escapes."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters except tab and newline, and characters that reverse the direction of text."""


SHORTEST_SECRET = 8
"""Smallest number of characters of a masked password; a shorter one is part of too many words."""
_KNOWN: set[str] = set()


def remember_secret(value: str) -> None:
    """Remember a password of this process, so that it is masked in all texts. Servers may quote it in their messages."""
    if len(value) >= SHORTEST_SECRET:
        _KNOWN.update((value, quote(value, safe=""), quote_plus(value)))


def mask_secrets(text: str) -> str:
    """Replace remembered passwords, and the users, passwords and tokens of all URLs in a text, by `***`.

    >>> mask_secrets("https://me:secret@mirror.edu/file?token=1")
    'https://***@mirror.edu/file?token=***'
    """
    for known in sorted(_KNOWN, key=len, reverse=True):
        text = text.replace(known, "***")
    return _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub("***@", text))


def make_printable(text: str, longest: int = 2000) -> str:
    """Remove terminal sequences and control characters from a text, and cut it to `longest` characters."""
    clean = _CONTROL.sub("", _ESCAPES.sub("", text[: 4 * longest]))
    return clean if len(clean) <= longest else clean[:longest] + " ..."


def printable_name(name: object) -> str:
    """Return the name of a file on one line, for terminals.

    >>> printable_name("two\\nlines")
    'two\\\\nlines'
    """
    return make_printable(str(name)).replace("\n", "\\n")


def fit_to_show(text: str) -> str:
    """Mask secrets in a text, remove control characters, and limit its length, for terminals, logs, records and pages."""
    return mask_secrets(make_printable(text, LONGEST_MESSAGE))


class FitToShow(logging.Filter):
    """A filter of log records that masks secrets, removes control characters, and limits warnings.

    Warnings of other packages (`logging.captureWarnings`) beyond the first WARNINGS_A_LOG are dropped, after one line that
    announces it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.warnings = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record's message in place. Return False if the record must be dropped."""
        text = record.getMessage()
        if record.name == "py.warnings":
            self.warnings += 1
            if self.warnings > WARNINGS_A_LOG + 1:
                return False
            if self.warnings == WARNINGS_A_LOG + 1:
                text = f"more than {WARNINGS_A_LOG} warnings: further ones are dropped"
        record.msg, record.args = fit_to_show(text), ()
        return True


def some_of(names: Iterable[str], most: int = 5) -> str:
    """Return names as a list for a message: at most `most` of them, and the number of the others.

    >>> some_of(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def shown(value: Any) -> str:
    """Return a value in the form of a configuration, cut to 60 characters."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str, skipkeys=True)
    return text if len(text) <= 60 else f"{text[:57]}..."


def shown_bytes(size: float) -> str:
    """Return a number of bytes as text for people, such as `3.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
