"""Text from outside, made fit for terminals, logs, records and pages."""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import quote, quote_plus

LONGEST_MESSAGE = 20_000
"""Characters of an error's message, or of a line of a log; a message that quotes a damaged file must not flood them."""
WARNINGS_A_LOG = 50
"""Warnings of other packages that a log keeps; a damaged header causes one for each of its cards."""
SECRET_KEYS = r"[^=&\s?#]{0,80}(?:pwd|passw|secret|token|signature|credential|apikey|api_key|auth)[^=&\s?#]{0,80}"
"""Names of parameters that hold secrets. Lengths are bounded, so that no text takes long."""
_USER_INFO = re.compile(r"(?<=://)(?:[^/\s?#]*|[^/\s:@]{1,80}:(?!\d+[/?#])[^\s@]{1,200})@")
"""User and password of a URL; the second form is for a password that holds a `/`, `?` or `#` of its own."""
_QUERY_SECRET = re.compile(rf"([?&;]{SECRET_KEYS}=)[^&\s;#'\"<>]*", re.IGNORECASE)
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?", re.DOTALL)
"""Terminal control sequences (ECMA-48): CSI, OSC, and two-byte escapes."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and those that reverse the direction of text."""


SHORTEST_SECRET = 8
"""Characters; a shorter password is part of too many words to be masked wherever it stands."""
_KNOWN: set[str] = set()


def remember_secret(value: str) -> None:
    """Have a password of this process masked wherever it stands, for servers may quote it in words of their own."""
    if len(value) >= SHORTEST_SECRET:
        _KNOWN.update((value, quote(value, safe=""), quote_plus(value)))


def mask_secrets(text: str) -> str:
    """Return text with known passwords, and users, passwords and tokens of all URLs in it, replaced by `***`."""
    for known in sorted(_KNOWN, key=len, reverse=True):
        text = text.replace(known, "***")
    return _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub("***@", text))


def make_printable(text: str, longest: int = 2000) -> str:
    """Return text from outside without terminal sequences and control characters, at most `longest` characters."""
    clean = _CONTROL.sub("", _ESCAPES.sub("", text[: 4 * longest]))
    return clean if len(clean) <= longest else clean[:longest] + " ..."


def fit_to_show(text: str) -> str:
    """Return text as terminals, logs, records and pages may hold it: secrets masked, no control characters, not endless."""
    return mask_secrets(make_printable(text, LONGEST_MESSAGE))


class FitToShow(logging.Filter):
    """A filter of log records: secrets masked, no control characters, and not one warning for each card of a header.

    Warnings of other packages (`logging.captureWarnings`) beyond the first WARNINGS_A_LOG are left out, after a line
    that announces it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.warnings = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record's message in place; False if it is to be left out."""
        text = record.getMessage()
        if record.name == "py.warnings":
            self.warnings += 1
            if self.warnings > WARNINGS_A_LOG + 1:
                return False
            if self.warnings == WARNINGS_A_LOG + 1:
                text = f"more than {WARNINGS_A_LOG} warnings: further ones are left out"
        record.msg, record.args = fit_to_show(text), ()
        return True


def shown(value: Any) -> str:
    """Return a value as a configuration has it, cut off where it is long."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str, skipkeys=True)
    return text if len(text) <= 60 else f"{text[:57]}..."
