"""The examples in the documentation of `Archive`, run on a small archive; every public member has one."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from daxa_wf.archive import access
from daxa_wf.archive.access import Archive
from tests.small_archive import write_small_archive


def test_examples_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_small_archive(tmp_path / "my_archive")
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(access)
    assert result.failed == 0
    assert result.attempted > 30


@pytest.mark.parametrize("name", [name for name in vars(Archive) if not name.startswith("_")])
def test_every_public_member_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(Archive, name).__doc__ or "")
