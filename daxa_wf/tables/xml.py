"""Refuse XML from outside that is more than data."""

from __future__ import annotations

import re

from daxa_wf.errors import ServiceError

STREAM_ELSEWHERE = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?STREAM\b[^>]{0,2000}\bhref", re.IGNORECASE)
"""Data of a VOTable that are kept in another file or URL, which astropy would open."""


def refuse_entities(body: bytes, what: str) -> None:
    """Raise ServiceError if XML defines entities, which can multiply or read files, or hides them in another encoding."""
    if b"<!ENTITY" in body or b"\0" in body[:1000]:
        raise ServiceError(f"{what} defines entities, or is not UTF-8; expected plain data: refused", body)


def refuse_more_than_data(body: bytes, what: str) -> None:
    """Raise ServiceError if a VOTable defines entities, or refers to data in another file, which astropy would open."""
    refuse_entities(body, what)
    if STREAM_ELSEWHERE.search(body):
        raise ServiceError(f"{what} has its data in another file (a STREAM with 'href'): refused", body)
