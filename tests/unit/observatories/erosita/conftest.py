"""eROSITA event files with known content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.observatories.erosita.native.event_list import ALL_MODULES, ErositaEventList
from daxa_wf.observatories.erosita.native.selection import EvtoolParameters
from daxa_wf.observatories.erosita.options import EvtoolOptions
from daxa_wf_simulator.erosita import make_erosita
from daxa_wf_simulator.erosita_targets import TARGETS, ErositaTruth


def default_parameters(**changes: Any) -> EvtoolParameters:
    """Return the parameters of a configuration without options of evtool, with some changes."""
    return replace(EvtoolOptions().parameters(ALL_MODULES), **changes)


NAMES = {target.obsid: target.file for target in TARGETS}


@pytest.fixture(scope="session")
def erosita(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, ErositaTruth]]:
    root = tmp_path_factory.mktemp("erosita")
    return root, {truth.obsid: truth for truth in make_erosita(root)}


@pytest.fixture(scope="session")
def event_file(erosita: tuple[Path, dict[str, ErositaTruth]]) -> Callable[[str], ErositaEventList]:
    return lambda obsid: ErositaEventList.open(erosita[0] / NAMES[obsid])


@pytest.fixture(scope="session")
def sha256() -> Callable[[Path], str]:
    return lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
