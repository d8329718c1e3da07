"""What an archive shows of itself: one pass over its records, damaged records, faults, and how it looks in a notebook."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData
from astropy.table import Table

from daxa_wf.archive.access import Archive, NoSuchProductError
from daxa_wf.archive.contents import read_contents
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest, write_manifest
from daxa_wf.archive.records import Record, Status, read_record, record_paths, write_record
from daxa_wf.archive.state import ArchiveState
from daxa_wf.archive.status import read_verdicts
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.files import PLAIN_PATH
from daxa_wf.units import Unit
from tests.small_archive import M1_EXPOSURE, MISSION, OBSID, PN, image_hdu, write_small_archive


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return write_small_archive(tmp_path / "archive")


@pytest.fixture
def archive(layout: Layout) -> Archive:
    return Archive(layout.root)


def test_opening_reads_no_file(layout: Layout) -> None:
    script = (
        "import sys, os, builtins, pathlib\n"
        "from daxa_wf.archive.access import Archive\n"
        "def refuse(*_, **__): raise AssertionError('read')\n"
        "pathlib.Path.open = pathlib.Path.read_text = pathlib.Path.glob = os.listdir = builtins.open = refuse\n"
        "Archive(sys.argv[1])\n"
        "assert 'pydantic' not in sys.modules and 'astropy' not in sys.modules and 'snakemake' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, str(layout.root)], check=True)


def test_views_agree_with_the_verdicts_that_a_run_shows(archive: Archive, layout: Layout) -> None:
    expected = {(each.step, each.unit): str(each.status) for each in read_verdicts(layout)}
    rows = {
        (row["step"], Unit(row["mission"], row["obsid"], row["instrument"], row["exposure"])): row["status"]
        for row in archive.status
    }
    assert rows == expected
    assert {(each.step, each.unit): str(each.status) for each in archive.verdicts} == expected


def test_a_damaged_record_is_a_fault_and_hides_nothing_else(layout: Layout) -> None:
    paths = {path.parent.name: path for path in record_paths(layout)}
    values = json.loads(paths["merge"].read_text())
    for damage in ("{", "[]", json.dumps({**values, "message": 5}), json.dumps({**values, "logs": [None]}),
                   json.dumps({**values, "warnings": [{"name": 1}]}), json.dumps({**values, "results": []}),
                   json.dumps({**values, "products": [{**values["products"][0], "path": "../../secret"}]})):  # fmt: skip
        paths["merge"].write_text(damage)
        archive = Archive(layout.root)
        assert read_contents(layout).damaged == [paths["merge"]]
        assert {row["step"]: row["status"] for row in archive.status if row["step"] in ("merge", "images")} == {
            "merge": "fault", "images": "done",
        }  # fmt: skip
        (failed,) = archive.failed("merge")
        assert (failed["reason"], failed["instrument"]) == ("DamagedRecord", "PN")
        assert list(archive.status["step"]).count("merge") == 1
        with pytest.raises(CorruptFileError):
            archive.event_list(OBSID, "PN")
        assert len(archive.products()) == 5


def test_products_in_failed_data_are_found_there(layout: Layout) -> None:
    unit = Unit(MISSION, OBSID)
    layout.failed_observation(unit).parent.mkdir(parents=True)
    layout.observation(unit).rename(layout.failed_observation(unit))
    paths = [Path(path) for path in Archive(layout.root).products()["path"]]
    assert len(paths) == 6
    assert all(path.is_file() and path.is_relative_to(layout.failed_observation(unit)) for path in paths)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "a/../b", "../a", "a//b", "a/", ".daxa_wf.lock", "a\n", "a/" * 20 + "b", "é/a"]
)
def test_only_plain_paths_skip_the_examination(path: str) -> None:
    assert PLAIN_PATH.fullmatch(path) is None


def test_records_of_the_fast_reader_are_those_of_the_checked_one(layout: Layout) -> None:
    outcomes = read_contents(layout).outcomes
    records = [read_record(path) for path in record_paths(layout)]
    facts = [[(item.path, item.size, item.kind) for item in each.products] for each in outcomes]
    assert facts == [[(item.path, item.size, item.kind) for item in each.products] for each in records]
    assert [each.verdict.unit for each in outcomes] == [each.unit for each in records]
    assert record_paths(layout) == sorted((layout.root / "records").glob("*/*/*/*.json"))


def test_a_fault_and_an_unfinished_observation_show_in_every_view(layout: Layout) -> None:
    other = "0001730201"
    rows = [*read_manifest(layout.manifest), ManifestRow(MISSION, other, "PN", "S001")]
    write_manifest(layout.manifest, rows)
    archive = Archive(layout.root)
    assert list(archive.observations["status"]) == ["pending", "usable"]
    assert archive.final_process_success == {MISSION: {OBSID: True}}
    assert archive.observation_summaries[MISSION][other]["usable"] is None
    unit = Unit(MISSION, other, "PN", "S001")
    values = {"mission": MISSION, "obsid": other, "instrument": "PN", "exposure": "S001", "step": "espfilt"}
    layout.fault("espfilt", unit).parent.mkdir(parents=True)
    layout.fault("espfilt", unit).write_text(json.dumps({**values, "error": "OSError", "message": "disk full"}))
    assert list(archive.observations["status"]) == ["pending", "usable"]
    archive.refresh()
    assert list(archive.observations["status"]) == ["fault", "usable"]
    assert archive.process_success[MISSION]["espfilt"][unit.identifier] is False
    assert archive.process_errors[MISSION]["espfilt"][unit.identifier] == ["OSError: disk full"]
    assert archive.process_logs[MISSION]["espfilt"][unit.identifier] == ""


def test_blocked_units_have_no_success_and_no_error_of_their_own(layout: Layout) -> None:
    blocked = Unit(MISSION, OBSID, "M1", "S001")
    errors = [{"name": "NoGti", "text": "no good time"}]
    write_record(layout, Record("evselect", blocked, Status.BLOCKED, "espfilt rejected"))
    write_record(layout, Record("espfilt", blocked, Status.FAILED, "toolFailed", "exit code 1", errors=errors))
    archive = Archive(layout.root)
    assert archive.process_success[MISSION]["evselect"] == {blocked.identifier: False}
    assert "evselect" not in archive.process_errors[MISSION]
    expected = ["toolFailed: exit code 1", "NoGti: no good time"]
    assert archive.process_errors[MISSION]["espfilt"] == {blocked.identifier: expected}
    assert list(archive.failed()["step"]) == ["espfilt"]


def test_filters_of_products(archive: Archive) -> None:
    def names(**filters: Any) -> list[str]:
        return [f"{row['kind']} {row['energy_low']:g}" for row in archive.products(**filters)]

    assert names(kind="image", band=(2.0, 10.0)) == ["image 2"]
    assert names(kind="exposure map") == ["expmap 0.5"]
    assert names(instrument="M1") == []
    assert names(instrument="epn", exposure="S003") == ["gti nan"]
    assert names(obsid=[OBSID], mission=MISSION, kind="event list") == ["finalevents nan"]
    assert len(archive.products()) == 6
    assert all(Path(row["path"]).stat().st_size == row["size"] for row in archive.products())
    empty = archive.products(instrument="M1")
    assert empty.colnames == archive.products().colnames


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"mission": "xmm_pointd"}, "did you mean 'xmm_pointed'"),
        ({"kind": "imag"}, "did you mean 'image'"),
        ({"instrument": "P"}, r"instrument 'P': unknown; there are .*PN"),
    ],
)
def test_unknown_filters_are_named(archive: Archive, filters: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        archive.products(**filters)


def test_unknown_observations_and_steps_are_named(archive: Archive) -> None:
    with pytest.raises(NoSuchProductError, match="no observation 1"):
        archive.products("1")
    with pytest.raises(ConfigError, match="step espfil: no such step"):
        archive.failed("espfil")


def test_products_are_read_as_people_use_them(archive: Archive, layout: Layout) -> None:
    path = archive.event_list(OBSID, "PN")
    table = archive.read(path, form="table")
    assert isinstance(table, Table)
    assert table.colnames == ["TIME", "X", "Y", "PI"]
    events = archive.read(layout.relative(path))
    assert np.array_equal(events.time, table["TIME"])
    assert events.gti.tolist() == [[1000.0, 1600.0], [1700.0, 2000.0]]
    exposure = archive.read(archive.find_products(kind="expmap")[0])
    assert (type(exposure), str(exposure.unit)) == (CCDData, "s")
    assert exposure.wcs.pixel_to_world(4.5, 4.5).ra.deg == pytest.approx(150.0)
    background = archive.read(archive.find_products(kind="backmap")[0])
    assert (type(background), background.unit, background.data.shape) == (NDData, None, (10, 10))


@pytest.mark.parametrize(("bunit", "unit"), [("counts", "ct"), ("cts/s", "ct / s"), ("", "ct"), ("cm**2 s", "cm2 s")])
def test_units_of_images(archive: Archive, tmp_path: Path, bunit: str, unit: str) -> None:
    path = tmp_path / "obsid1-instPN-subexpALL-image.fits"
    image_hdu(**({"BUNIT": bunit} if bunit else {})).writeto(path)
    assert archive.read(path).unit.to_string() == unit


def test_a_packed_image_is_an_image(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "obsid1-instPN-subexpALL-image.fits"
    hdu = image_hdu()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(hdu.data, hdu.header)]).writeto(path)
    assert archive.read(path).data.tolist() == hdu.data.tolist()


def test_without_stingray_event_lists_are_tables(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "stingray":
            raise ImportError(name)
        return real(name, *arguments, **options)

    path = archive.event_list(OBSID, "PN")
    monkeypatch.setattr(builtins, "__import__", without)
    assert isinstance(archive.read(path), Table)
    with pytest.raises(ConfigError, match=r"stingray is not installed.*daxa-wf\[stingray\].*form='table'"):
        archive.read(path, form="stingray")


def test_what_cannot_be_read_is_named(archive: Archive, tmp_path: Path) -> None:
    text = tmp_path / "obsid1-instPN-subexpS001-hist.qdp"
    text.write_text("read serr 1")
    broken = tmp_path / "obsid1-instPN-subexpALL-image.fits"
    broken.write_bytes(b"not FITS")
    with pytest.raises(ConfigError, match=r"hist.qdp is not a FITS file"):
        archive.read(text)
    with pytest.raises(CorruptFileError, match="cannot be read"):
        archive.read(broken)
    with pytest.raises(ConfigError, match="does not exist"):
        archive.read("nosuch.fits")
    with pytest.raises(ConfigError, match="is not a product"):
        archive.read(5)
    with pytest.raises(ConfigError, match="expected 'stingray' or 'table'"):
        archive.read(archive.event_list(OBSID, "PN"), form="pandas")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="stingray reads event lists only"):
        archive.read(archive.image(OBSID, "PN", band=(0.5, 2.0)), form="stingray")


def test_notebooks_and_terminals_show_an_overview(tmp_path: Path) -> None:
    layout = write_small_archive(tmp_path / "<b>&amp")
    archive = Archive(layout.root)
    page = archive._repr_html_()
    assert "&lt;b&gt;&amp;amp" in page
    assert "<b>" not in page
    assert "<td>xmm_pointed</td><td>1</td><td>2</td><td>1</td>" in page
    assert repr(archive).endswith("1 observation of xmm_pointed (1 usable)>")
    assert archive.__rich__().row_count == 1


def test_logs_of_external_tasks_follow_the_steps_own(layout: Layout) -> None:
    record = read_record(layout.record("espfilt", M1_EXPOSURE))
    log = layout.root / "logs" / "tool.out"
    log.write_text("from the tool")
    record.logs.append(layout.relative(log))
    write_record(layout, record)
    logs = Archive(layout.root).process_logs[MISSION]["espfilt"]
    assert logs[M1_EXPOSURE.identifier] == "no counts in the field of viewfrom the tool"
    assert len(logs) == 2
    assert PN.identifier not in logs


def test_the_state_around_a_unit_reads_its_observation_alone(layout: Layout) -> None:
    other = Unit(MISSION, "0001730201", "PN")
    write_record(layout, Record("merge", other, Status.FAILED, "toolFailed", "exit code 1"))
    near = ArchiveState.around(layout, PN.identifier)
    whole = ArchiveState(layout)
    assert near.verdicts == [verdict for verdict in whole.verdicts if verdict.obsid == OBSID]
    assert {verdict.obsid for verdict in ArchiveState.around(layout, other.identifier).verdicts} == {other.obsid}
    assert ArchiveState.around(layout, "nosuch").verdicts == whole.verdicts
