"""What a misspelt word may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """' - did you mean ...?' if something known is nearly the word, whatever its case; '' if nothing is."""
    lowered = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), lowered, n=1)
    return f" - did you mean {lowered[close[0]]!r}?" if close else ""
