"""The examples in the documentation of `Archive`, run on a small archive."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from daxa_wf.archive import access
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import FileStamp, Record, Status, stamp_file, write_record
from daxa_wf.units import Band, Unit

PN = Unit("xmm_pointed", "0201903501", "PN")


def add_product(layout: Layout, kind: str, band: Band | None = None) -> FileStamp:
    path = layout.product(PN, kind, band)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(kind)
    return stamp_file(path, layout.relative(path), kind)


def test_examples_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path / "my_archive")
    images = [add_product(layout, "image", Band(low, high)) for low, high in ((0.5, 2.0), (2.0, 10.0))]
    write_record(layout, Record("merge", PN, Status.DONE, products=[add_product(layout, "finalevents")]))
    write_record(layout, Record("images", PN, Status.DONE, products=images))
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(access)
    assert (result.failed, result.attempted) == (0, 6)
