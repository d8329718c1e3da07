"""Versions of the software that products follow from, for records."""

from __future__ import annotations

import platform
from contextlib import suppress
from functools import cache
from importlib import metadata

SOFTWARE = ("numpy", "astropy", "snakemake")
"""Packages whose versions records hold, beside those of Python and daxa_wf: products follow from them."""


@cache
def software_versions() -> dict[str, str]:
    """Return the versions of Python and of SOFTWARE, of what is installed."""
    installed = {"python": platform.python_version()}
    for name in SOFTWARE:
        with suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return installed
