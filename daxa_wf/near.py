"""Suggest the nearest known word for a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """Return ' - did you mean ...?' with the nearest known word, in upper or lower case, or '' if no word is near.

    >>> closest("chandrra", ["chandra", "swift"])
    " - did you mean 'chandra'?"
    """
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), lowered, n=1)
    return f" - did you mean {lowered[close[0]]!r}?" if close else ""
