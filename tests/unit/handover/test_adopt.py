"""Archives of DAXA are adopted: products, verdicts, warnings, logs, regions; what is left out is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive
from daxa_wf.archive.history import read_history
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.verification import verify
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.events.examples import write_example
from daxa_wf.handover.adopt import adopt
from tests.small_archive import image_hdu

XMM, GOOD, BAD = "xmm_pointed", "0201903501", "0404910601"
INFO: dict[str, Any] = {
    "version": "0.1.0", "mission_names": [XMM],
    "process_success": {XMM: {
        "epchain": {f"{GOOD}PNS003": True, f"{BAD}PNS003": False},
        "merge_subexposures": {f"{GOOD}PN": True},
        "cif_build": {GOOD: True, BAD: True},
    }},
    "final_process_success": {XMM: {GOOD: True, BAD: False}},
    "process_errors": {XMM: {"epchain": {f"{BAD}PNS003": ["epevents: no events"]}}},
    "process_warnings": {XMM: {"epchain": {f"{GOOD}PNS003": [{"name": "SharpNoise", "message": "noisy row"}]}}},
    "obs_summaries": {XMM: {GOOD: {"PN": {"active": True}}}},
    "process_extra_info": {}, "use_this_obs": {}, "process_run_config": {},
}  # fmt: skip
"""The form of process_info.json that DAXA 0.3 writes."""


@pytest.fixture
def daxa(tmp_path: Path) -> Path:
    """An archive with DAXA's own names: one processed observation, and one that it judged useless."""
    root = tmp_path / "daxa_output" / "archives" / "clusters"
    folder = root / "processed_data" / XMM / GOOD
    for name in ("events", "images", "cleaning", "logs"):
        (folder / name).mkdir(parents=True)
    write_example(folder / "events" / f"obsid{GOOD}-instPN-subexpALL-en-finalevents.fits")
    write_example(folder / "events" / f"obsid{GOOD}-instPN-subexpS003-en-cleanevents.fits")
    image_hdu(BUNIT="count").writeto(folder / "images" / f"obsid{GOOD}-instPN-subexpALL-en0.5_2.0keV-image.fits")
    image_hdu(BUNIT="s").writeto(folder / "images" / f"obsid{GOOD}-instPN-subexpALL-en0.5_2.0keV-expmap.fits")
    (folder / "ccf.cif").write_bytes(b"x")
    (folder / "logs" / f"epchain_{GOOD}PNS003_stdout.log").write_text("epchain has ended")
    (root / "failed_data" / XMM / BAD / "logs").mkdir(parents=True)
    (root / "failed_data" / XMM / BAD / "logs" / f"epchain_{BAD}PNS003_stderr.log").write_text("no events")
    (root / "processed_data" / "hitomi" / "100050020").mkdir(parents=True)
    (root / ".save_info").mkdir()
    (root / ".save_info" / "process_info.json").write_text(json.dumps(INFO, indent=4))
    regions = root / "regions" / XMM / GOOD
    regions.mkdir(parents=True)
    (regions / "source_regions_radec.reg").write_text('# Region file format: DS9\nfk5\ncircle(150,2,30")\n')
    return root


def test_products_verdicts_logs_and_regions_are_adopted(daxa: Path, tmp_path: Path) -> None:
    target = tmp_path / "adopted"
    done = CliRunner().invoke(app, ["adopt", str(daxa), "--to", str(target)])
    assert done.exception is None, done.exception
    assert done.stdout.splitlines() == [
        f"{XMM} {GOOD}: 1 files without the name of a product were left out",
        "1 directories of hitomi were left out",
        f"{target}: 4 products",
    ]
    archive = Archive(target)
    assert archive.missions == [XMM]
    assert archive.final_process_success == {XMM: {GOOD: True, BAD: False}}
    success = archive.process_success[XMM]
    assert success["daxa_epchain"] == {f"{GOOD}PNS003": True, f"{BAD}PNS003": False}
    assert success["daxa_merge_subexposures"] == {f"{GOOD}PN": True}
    assert archive.process_errors[XMM]["daxa_epchain"][f"{BAD}PNS003"] == [
        "failedInDaxa: DAXA recorded a failure", "noted: epevents: no events",
    ]  # fmt: skip
    assert archive.process_warnings[XMM]["daxa_epchain"][f"{GOOD}PNS003"] == ["SharpNoise: noisy row"]
    assert archive.process_logs[XMM]["daxa_epchain"][f"{GOOD}PNS003"] == "epchain has ended"
    assert [path.name for path in archive.regions(GOOD)] == ["source_regions_radec.reg"]


def test_adopted_products_are_found_read_verified_and_shown(daxa: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "adopted")
    adopt(daxa, layout)
    archive = Archive(layout.root)
    assert archive.event_list(GOOD, "PN").name == f"obsid{GOOD}-instPN-subexpALL-en-finalevents.fits"
    assert len(archive.read(archive.event_list(GOOD, "PN"), "table")) == 1000
    assert archive.read(archive.image(GOOD, "PN", (0.5, 2.0))).data[9, 9] == 99
    assert set(archive.products()["step"]) == {"adopted"}
    assert all(archive.products()["requested"])
    assert verify(layout) == []
    (version,) = read_history(layout).versions
    assert (version.products.added, version.message) == (4, f"adopted from an archive of DAXA: {daxa}")
    page = (layout.root / "processed_data" / XMM / GOOD / "report.html").read_text()
    assert "0.5-2 keV" in page
    assert GOOD in layout.report.read_text()
    info = CliRunner().invoke(app, ["info", str(layout.root)]).stdout
    assert "Adopted from an archive of DAXA" in info
    assert CliRunner().invoke(app, ["status", str(layout.root)]).exit_code == 0


def test_links_leave_the_products_where_they_are(daxa: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "adopted")
    adopt(daxa, layout, link=True)
    path = Archive(layout.root).event_list(GOOD, "PN")
    assert path.is_symlink()
    assert path.resolve().is_relative_to(daxa.resolve())


def test_an_archive_without_saved_state_is_adopted_with_a_note(daxa: Path, tmp_path: Path) -> None:
    (daxa / ".save_info" / "process_info.json").unlink()
    notes = adopt(daxa, Layout(tmp_path / "adopted"))
    assert any(note.startswith(".save_info/process_info.json does not exist") for note in notes)
    assert Archive(tmp_path / "adopted").final_process_success == {XMM: {GOOD: True, BAD: False}}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("process_success", {XMM: {"../../evil": {GOOD: True}}}, "has a name that is not plain"),
        ("process_success", {XMM: {"epchain": {f"{GOOD}/../../x": True}}}, "has a name that is not plain"),
        ("process_success", {XMM: []}, "is not DAXA's saved state"),
        ("final_process_success", {XMM: {GOOD: "yes"}}, "is not DAXA's saved state"),
    ],
)
def test_hostile_saved_states_are_refused(daxa: Path, tmp_path: Path, name: str, value: Any, message: str) -> None:
    (daxa / ".save_info" / "process_info.json").write_text(json.dumps({**INFO, name: value}))
    with pytest.raises((ConfigError, CorruptFileError), match=message):
        adopt(daxa, Layout(tmp_path / "adopted"))
    assert not (tmp_path / "evil").exists()


def test_mistakes_are_named(daxa: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not an archive of DAXA: it has neither processed_data nor failed_data"):
        adopt(daxa / "regions", Layout(tmp_path / "adopted"))
    with pytest.raises(ConfigError, match="which is not changed; choose another directory"):
        adopt(daxa, Layout(daxa / "adopted"))
    adopt(daxa, Layout(tmp_path / "adopted"))
    with pytest.raises(ConfigError, match="is an archive already; adopt into a new directory"):
        adopt(daxa, Layout(tmp_path / "adopted"))


@pytest.mark.parametrize("own", ["records/xmm_pointed", "manifest.tsv"])
def test_an_archive_of_daxa_wf_is_not_taken_for_one_of_daxa(daxa: Path, tmp_path: Path, own: str) -> None:
    (daxa / own).mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"clusters is an archive of daxa_wf, not of DAXA.*'daxa-wf status"):
        adopt(daxa, Layout(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
