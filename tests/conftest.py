"""What every test may use."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.download.store import locked
from tests.genuine import COLLECTIONS, WHOLE, is_whole
from tests.standins import Standins, make_standins


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with whole runs, because they take longest: the short tests then keep every worker busy to the end."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def signals_as_on_a_terminal() -> None:
    """Under nohup or in the background signals are ignored, by whatever the tests start too."""
    for each, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(each) is signal.SIG_IGN:
            signal.signal(each, usual)


@pytest.fixture(scope="session", autouse=True)
def bytecode_is_kept() -> None:
    """What the tests start compiles no module twice, also where the environment forbids Python to keep bytecode."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session", autouse=True)
def no_defaults_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The defaults of whoever runs the tests do not apply, in processes that tests start neither."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config_home")))
        yield


@pytest.fixture(scope="session", params=COLLECTIONS, ids=lambda root: "whole" if is_whole(root) else "extract")
def real_data(request: pytest.FixtureRequest) -> Path:
    """A folder of genuine files: the extracts; then the whole files, where they are."""
    return request.param


@pytest.fixture(scope="session")
def whole_data() -> Path:
    """The folder of whole genuine files, for what no extract may show; skips where it is absent."""
    if not WHOLE.is_dir():
        pytest.skip(f"no whole genuine files: {WHOLE} does not exist (set DAXA_WF_REAL_DATA)")
    return WHOLE


@pytest.fixture(scope="session")
def exod(whole_data: Path) -> Path:
    """ObsID 0001730201: PPS lists and what SAS made of them. Its licence does not allow an extract."""
    return whole_data / "xmm" / "exod" / "0001730201"


@pytest.fixture(scope="session")
def chain_lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists that stand-ins for the chains made: the same for the same exposure, so made once."""
    return tmp_path_factory.mktemp("lists")


@pytest.fixture
def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain_lists: Path) -> Standins:
    """Stand-ins for SAS 20 and eSASS in a shell that is initialised for them."""
    made = make_standins(tmp_path / "standins", lists=chain_lists)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The simulator's tree: a mirror, tables and the truth. The first of xdist's workers makes it; no test changes it."""
    from daxa_wf_simulator import TRUTH_FILE
    from daxa_wf_simulator.tree import make_tree

    own = tmp_path_factory.getbasetemp()
    root = (own if worker_id == "master" else own.parent) / "simulated"
    with locked(root.with_name("making_simulated")):
        if not (root / TRUTH_FILE).exists():
            make_tree(root)
    return root


@pytest.fixture(scope="session")
def observatory(simulated: Path) -> Path:
    """The mirror of the simulator's tree."""
    return simulated / "mirror"


@pytest.fixture(scope="session")
def truth(simulated: Path) -> dict[str, dict[str, Any]]:
    """The truth of the simulated EPIC exposures, by unit; the paths in it start at the mirror."""
    exposures = json.loads((simulated / "truth.json").read_text())["exposures"]
    return {exposure["unit"]: exposure for exposure in exposures}
