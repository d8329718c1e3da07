"""The examples in docstrings give the results that they show, and the classes for notebooks have examples."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import daxa_wf

PACKAGE = Path(daxa_wf.__file__).parent
OWN_TEST = ("daxa_wf.archive.access", "daxa_wf.archive.versioned")
"""Modules whose examples need files that another test makes (archive/test_examples.py)."""


def modules_with_examples() -> list[str]:
    """Return every module of the package with an example."""
    paths = (path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text())
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if name not in OWN_TEST]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_give_what_they_show(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    "reference",
    [
        "archive.access:Archive", "events.event_list:EventList", "events.gti_files:write_gti", "events.image:bin_images",
        "events.light_curve:light_curves", "events.rewrite:rewrite", "events.sky_grid:SkyGrid",
        "events.sky_plane:TangentPlane", "selection.positions:positions", "selection.select:select",
    ],
)  # fmt: skip
def test_what_a_notebook_uses_has_an_example(reference: str) -> None:
    module, _, name = reference.partition(":")
    documented = getattr(importlib.import_module(f"daxa_wf.{module}"), name)
    assert ">>> " in (documented.__doc__ or "")
