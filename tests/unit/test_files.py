"""The one check of paths from outside, atomic writes, and text made fit for terminals."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_wf.errors import UnsafePathError
from daxa_wf.files import LEDGER, checked_relative, resolve_inside, why_unwritable, write_atomically
from daxa_wf.text import make_printable, mask_secrets


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "",
        ".",
        "a\0b",
        "a\x1b[31m",
        "a\nb",
        "a\\b",
        LEDGER,
        f"a/{LEDGER}",
        "a/.x.fits.part",
        ".x.fits.part.json",
        "\udcff",
        "x" * 256,
    ],
)
def test_a_path_that_is_not_plain_is_refused(name: str) -> None:
    with pytest.raises(UnsafePathError, match="listing"):
        checked_relative(name, "listing")


def test_a_link_cannot_lead_out_of_the_directory(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "door").symlink_to(tmp_path)
    with pytest.raises(UnsafePathError, match="leads out of"):
        resolve_inside(inside, "door/x", "a tar file")


@given(st.text(max_size=40))
def test_what_passes_stays_inside(name: str) -> None:
    try:
        path = resolve_inside(Path("/tmp/some/where"), name, "a fuzzer")
    except UnsafePathError:
        return
    assert path.resolve().is_relative_to("/tmp/some/where")
    assert path.resolve() != Path("/tmp/some/where").resolve()


def test_an_atomic_write_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b.txt", "text")
    assert (tmp_path / "a" / "b.txt").read_text() == "text"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_secrets_of_urls_are_masked() -> None:
    text = "get https://me:pa%26ss@host/x?AIOUSER=me&AIOPWD=s3cret&obsno=1 and http://h/?token=abc#f failed"
    assert mask_secrets(text) == "get https://***@host/x?AIOUSER=me&AIOPWD=***&obsno=1 and http://h/?token=***#f failed"


def test_terminal_sequences_are_removed() -> None:
    assert make_printable("\x1b]0;title\x07a\x1b[2Jb\x00c\u202ed\te\n") == "abcd\te\n"
    assert make_printable("x" * 10, longest=4) == "xxxx ..."


def test_an_error_of_writing_names_the_file_and_not_its_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as is_directory:
        write_atomically(tmp_path / "folder", "text")
    assert is_directory.value.filename == str(tmp_path / "folder")
    assert is_directory.value.strerror == "it is a directory; choose the path of a file"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    for kind, number, reason in (
        (PermissionError, errno.EACCES, f"Permission denied: its directory {tmp_path} is not writable for you; choose"),
        (OSError, errno.ENOSPC, "No space left on device"),
    ):

        def refuse(path: Path, _content: bytes, number: int = number) -> int:
            raise OSError(number, os.strerror(number), str(path))

        monkeypatch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(kind) as refused:
            write_atomically(tmp_path / "table.csv", "text")
        assert (refused.value.filename, refused.value.errno) == (str(tmp_path / "table.csv"), number)
        assert str(refused.value.strerror).startswith(reason)


def test_a_place_that_cannot_be_written_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert why_unwritable(tmp_path / "new" / "archive") == ""
    (tmp_path / "file").touch()
    assert why_unwritable(tmp_path / "file" / "a").startswith(f"{tmp_path / 'file'} is not a directory")
    monkeypatch.setattr(os, "access", lambda *_given: False)
    assert why_unwritable(tmp_path).startswith(f"{tmp_path} is not writable for you; choose another path")
