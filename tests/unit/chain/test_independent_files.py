"""Products, final lists and raw files: a change of one never changes another."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from daxa_wf import files
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status
from daxa_wf.chain import preprocessed
from daxa_wf.chain.runner import Inputs, run_step
from daxa_wf.download.data_centres import RemoteFile
from daxa_wf.download.download import download
from daxa_wf.files import clone_file, copy_file, link_read_only
from daxa_wf.mission.registry import MISSIONS, STEPS
from daxa_wf.tables.http import session
from daxa_wf.units import Unit
from tests.archives import SMALL, content
from tests.damaged_lists import put, small_list
from tests.xmm_chain import Chain

OBSID = "0999991001"


@pytest.fixture(params=["with clones", "without clones"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file system that can clone, as far as the caller sees, or one that cannot."""

    def clone(target: int, request_code: int, source: int) -> int:
        assert request_code == files.FICLONE
        if request.param == "without clones":
            raise OSError(95, "Operation not supported")
        os.write(target, os.pread(source, 1 << 20, 0))
        return 0

    monkeypatch.setattr(fcntl, "ioctl", clone)
    return str(request.param)


def test_a_copy_is_a_clone_where_the_disk_can_and_shares_nothing_that_is_written(disk: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"events")
    target.symlink_to(source)
    copy_file(source, target)
    assert (target.read_bytes(), target.is_symlink()) == (b"events", False)
    assert clone_file(source, tmp_path / "other") == (disk == "with clones")
    assert (tmp_path / "other").exists() == (disk == "with clones")
    target.write_bytes(b"edited")
    assert source.read_bytes() == b"events"


def test_the_genuine_file_system_gives_independent_copies(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"events")
    copy_file(source, target)
    target.write_bytes(b"edited")
    assert (source.read_bytes(), target.read_bytes()) == (b"events", b"edited")


def test_a_file_behind_a_link_cannot_be_written_to(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"events")
    assert link_read_only(source, target, "source")
    assert target.read_bytes() == b"events"
    assert source.stat().st_mode & files.WRITABLE == 0


def test_a_file_of_others_that_we_may_write_to_is_not_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "source").write_bytes(b"events")
    monkeypatch.setattr(Path, "chmod", refused)
    assert not link_read_only(tmp_path / "source", tmp_path / "target", "source")
    assert not (tmp_path / "target").exists()


def test_editing_the_final_list_leaves_the_clean_one_alone(tmp_path: Path) -> None:
    put(tmp_path / "lists", OBSID, small_list(OBSID))
    chain = Chain(tmp_path, tmp_path / "lists", engine="native").make("inventory", "espfilt", "evselect", "merge")
    (final,) = chain.layout.root.rglob("*finalevents.fits")
    (clean,) = chain.layout.root.rglob("*cleanevents.fits")
    before = clean.read_bytes()
    assert final.read_bytes() == before
    assert (final.stat().st_nlink, clean.stat().st_nlink) == (1, 1)
    with final.open("r+b") as stream:
        stream.write(b"EDITED")
    assert clean.read_bytes() == before


def delivered(place: str, tmp_path: Path) -> tuple[list[Path], Path]:
    """The products of ASCA's small observation, and its directory in the raw store."""
    names, unit, layout = list(SMALL["asca"].files), Unit("asca", SMALL["asca"].obsid), Layout(tmp_path / "archive")
    store = tmp_path / "store"
    for name in names:
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_bytes(content(name.rsplit("/", 1)[-1]))
    layout.raw(unit).parent.mkdir(parents=True)
    layout.raw(unit).symlink_to(store)
    fetched = Record("acquire", unit, Status.DONE, results={"files": [{"path": name} for name in names]})
    options = {
        "place": place,
        "observed_with": [],
        "instruments": tuple(each.name for each in MISSIONS["asca"].instruments),
    }
    record = run_step(STEPS["preprocessed"], unit, Inputs({"acquire": [fetched]}), options, layout, preprocessed.run)
    return [layout.root / stamp.path for stamp in record.products], store


@pytest.mark.parametrize("place", ["link", "copy", "move"])
def test_editing_a_delivered_product_leaves_the_raw_store_and_other_products_alone(
    place: str, disk: str, tmp_path: Path
) -> None:
    products, store = delivered(place, tmp_path)
    raw = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    assert len(products) == 8
    assert {path.stat().st_nlink for path in products} == {1}
    links = [path for path in products if path.is_symlink()]
    assert len(links) == (8 if (place, disk) == ("link", "without clones") else 0)
    assert not [path for path in links if path.stat().st_mode & files.WRITABLE]
    for path in links:
        assert path.readlink().parts[:5] == ("..", "..", "..", "..", "raw")
        assert path.resolve().is_relative_to(store)
    for path in set(products) - set(links):
        path.write_bytes(b"EDITED")
    assert {path: path.read_bytes() for path in raw} == raw


def test_an_archive_that_is_moved_keeps_its_linked_products(disk: str, tmp_path: Path) -> None:
    products, _ = delivered("link", tmp_path)
    before = products[0].read_bytes()
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / products[0].relative_to(tmp_path / "archive")
    assert moved.read_bytes() == before


def test_a_change_of_the_raw_store_leaves_a_mirror_alone(tmp_path: Path) -> None:
    mirror, target = tmp_path / "mirror.fits", tmp_path / "store" / "mirror.fits"
    data = small_list(OBSID)
    mirror.write_bytes(data)
    download(RemoteFile("mirror.fits", mirror.as_uri()), target, session())
    assert target.read_bytes() == data
    target.write_bytes(b"EDITED")
    assert mirror.read_bytes() == data
