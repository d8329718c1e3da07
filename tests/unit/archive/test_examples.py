"""The examples in the documentation of `Archive`, run on a small archive; every public member has one."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from daxa_wf.archive import access, versioned
from daxa_wf.archive.access import Archive
from daxa_wf.archive.versioned import VersionedArchive
from daxa_wf.archive.versions import RunDescription, record_version
from tests.small_archive import write_small_archive


def test_examples_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = write_small_archive(tmp_path / "my_archive")
    record_version(layout, RunDescription("Ada", "first run"))
    monkeypatch.chdir(tmp_path)
    results = [doctest.testmod(module, extraglobs={"Archive": Archive}) for module in (access, versioned)]
    assert [result.failed for result in results] == [0, 0]
    assert [result.attempted > least for result, least in zip(results, (30, 2), strict=True)] == [True, True]


@pytest.mark.parametrize(
    "name", [name for name in (*vars(Archive), *vars(VersionedArchive)) if not name.startswith("_")]
)
def test_every_public_member_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(Archive, name).__doc__ or "")
