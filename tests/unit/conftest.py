"""The small archives, served on loopback; a fetcher for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.spec import Route
from daxa_wf.tables.http import session
from daxa_wf_simulator.mirror_server import ServedMirror, serve_mirror
from tests.archives import SMALL, calpv_file, make_archives

FACTS: dict[str, dict[str, Any]] = {"integral_pointed": {"scw_ver": "001"}}


@pytest.fixture(scope="session")
def small_archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_archives(tmp_path_factory.mktemp("archives"))


@pytest.fixture
def archives(small_archives: Path) -> Iterator[ServedMirror]:
    with serve_mirror(small_archives) as served:
        yield served


@pytest.fixture
def own_archives(small_archives: Path, tmp_path: Path) -> Iterator[ServedMirror]:
    """A copy that a test may change: Chandra's."""
    shutil.copytree(small_archives / "heasarc" / "chandra", tmp_path / "served" / "heasarc" / "chandra")
    with serve_mirror(tmp_path / "served") as served:
        yield served


@pytest.fixture
def fetcher(archives: ServedMirror, tmp_path: Path) -> Fetcher:
    return fetcher_of(archives, tmp_path / "store")


def fetcher_of(archives: ServedMirror, store: Path, *names: str, **options: Any) -> Fetcher:
    """A fetcher that asks these archives (all, if none is named), quickly."""
    bases = {name: archives.bases[name] for name in names or archives.bases}
    return Fetcher(store, session(retries=2, backoff=0.0, read=1.0), bases, pause=0.0, **options)


def wish(
    mission: str, *instruments: str, routes: tuple[Route, ...] = ("preprocessed",), obsid: str = ""
) -> FileRequest:
    """A wish for the small observation of a mission."""
    import datetime

    spec, small = MISSIONS[mission], SMALL[mission]
    facts = {"obsid": obsid or small.obsid, "start": datetime.datetime(2010, 12, 10), **FACTS.get(mission, {})}
    if mission == "erosita_calpv":
        facts["archive_file"] = calpv_file()
    chosen = instruments or tuple(each.name for each in spec.instruments if each.default)
    return FileRequest(spec, facts, routes, chosen)


Change = Callable[[Any, str], bool]
