"""Releases of the toolkits that several observatories share."""

from __future__ import annotations

import re


def heasoft_version(text: str) -> str:
    """Return the release in the output of HEASoft's `fversion` (`V6.33`) or in the path of $HEADAS; '' if it has none."""
    match = re.search(r"(?:_V|heasoft-)(\d+\.\d+(?:\.\d+)?)", text)
    return match.group(1) if match else ""
