"""The examples in docstrings of functions that a notebook uses give the results that they show."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = (
    "daxa_wf.limits",
    "daxa_wf.mission.spec",
    "daxa_wf.near",
    "daxa_wf.observatories.xmm.epic_units",
    "daxa_wf.options",
    "daxa_wf.selection.filters",
    "daxa_wf.selection.matching",
    "daxa_wf.selection.options",
    "daxa_wf.selection.positions",
    "daxa_wf.selection.query",
    "daxa_wf.selection.query_tokens",
    "daxa_wf.selection.select",
    "daxa_wf.selection.sky_regions",
    "daxa_wf.tables.names",
    "daxa_wf.tables.observation_table",
    "daxa_wf.tables.tap",
    "daxa_wf.tables.urls",
    "daxa_wf.text",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
