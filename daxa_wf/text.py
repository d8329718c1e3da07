"""Text from outside, made fit for terminals, logs, records and pages."""

from __future__ import annotations

import re

SECRET_KEYS = r"[^=&\s?#]*(?:pwd|passw|secret|token|signature|credential|apikey|api_key|auth)[^=&\s?#]*"
_USER_INFO = re.compile(r"(?<=://)[^/\s?#]*@")
_QUERY_SECRET = re.compile(rf"([?&;]{SECRET_KEYS}=)[^&\s;#'\"<>]*", re.IGNORECASE)
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?", re.DOTALL)
"""Terminal control sequences (ECMA-48): CSI, OSC, and two-byte escapes."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and those that reverse the direction of text."""


def mask_secrets(text: str) -> str:
    """Return text with users, passwords and tokens of all URLs in it replaced by `***`."""
    return _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub("***@", text))


def make_printable(text: str, longest: int = 2000) -> str:
    """Return text from outside without terminal sequences and control characters, at most `longest` characters."""
    clean = _CONTROL.sub("", _ESCAPES.sub("", text[: 4 * longest]))
    return clean if len(clean) <= longest else clean[:longest] + " ..."
