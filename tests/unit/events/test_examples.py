"""The examples in docstrings of the rooms that a notebook would use do what they show."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "events.event_list", "events.gti", "events.gti_files", "events.image", "events.in_out", "events.light_curve",
    "events.rewrite", "events.sky_grid", "events.sky_plane", "fits.blocks",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name: str) -> None:
    module = import_module(f"daxa_wf.{name}")
    result = doctest.testmod(module, extraglobs={"np": import_module("numpy")})
    assert result.attempted > 0
    assert result.failed == 0
