"""Keeps an observation's files where its verdict puts them: `processed_data`, or `failed_data` if nothing is usable."""

from __future__ import annotations

from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.units import Unit


def settle_observation(layout: Layout, unit: Unit, usable: bool) -> Path:
    """Move every file of an observation to the tree it belongs in; where that is.

    Files that are already there are newer and stay. Records follow by themselves (Layout.find).
    """
    good, bad = layout.observation(unit), layout.failed_observation(unit)
    source, target = (bad, good) if usable else (good, bad)
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        if path.is_dir():
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            path.unlink()
        else:
            path.replace(place)
    _remove_empty(source)
    return target


def _remove_empty(directory: Path) -> None:
    if directory.is_dir():
        for folder in sorted((path for path in directory.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()
        directory.rmdir()
