"""What an earlier configuration requested is marked wherever it shows: status, summary, pages, Archive."""

from __future__ import annotations

import csv
import json
from html import unescape
from pathlib import Path

import pytest

from daxa_wf.archive.access import Archive, NoSuchProductError
from daxa_wf.archive.dropping import drop_failed_records
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, write_manifest
from daxa_wf.archive.origin import Origin, write_origin
from daxa_wf.archive.records import (
    Record,
    Status,
    read_record,
    stamp_file,
    write_record,
)
from daxa_wf.archive.requested import NOT_REQUESTED, read_requested
from daxa_wf.archive.state import ArchiveState
from daxa_wf.archive.status import print_summary, read_verdicts, root_causes, warnings_by_name, write_status
from daxa_wf.report.archive_page import write_archive_page
from daxa_wf.report.observation_page import write_observation_page
from daxa_wf.units import Unit

FIRST, SECOND = "0201903501", "0404910601"
STEPS = {"xmm_pointed": ("espfilt", "evselect", "merge", "report")}


def planned(obsid: str, inst: str, exposure: str) -> ManifestRow:
    return ManifestRow("xmm_pointed", obsid, inst, exposure)


WIDE = [planned(FIRST, "M1", "S001"), planned(FIRST, "M2", "S002"), planned(SECOND, "M1", "S001")]
NARROW = [planned(FIRST, "M1", "S001")]


def record(layout: Layout, step: str, unit: Unit, kind: str = "", status: Status = Status.DONE) -> Record:
    made = Record(step, unit, status, message="said", warnings=[{"name": "notSettled", "text": "the fit still moved"}])
    if kind:
        path = layout.product(unit, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.identifier)
        made.products = [stamp_file(path, layout.relative(path), kind)]
    write_record(layout, made)
    return made


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An archive of two observations, complete."""
    layout = Layout(tmp_path / "archive")
    for row in WIDE:
        record(layout, "espfilt", row.unit)
        record(layout, "evselect", row.unit, "cleanevents")
        record(layout, "merge", Unit(row.mission, row.obsid, row.inst), "finalevents")
    for obsid in (FIRST, SECOND):
        record(layout, "report", Unit("xmm_pointed", obsid))
    request(layout, WIDE)
    for obsid in (FIRST, SECOND):
        draw(layout, obsid)
    return layout


def request(
    layout: Layout,
    rows: list[ManifestRow],
    steps: dict[str, tuple[str, ...]] = STEPS,
    unasked: tuple[str, ...] = (),
    instruments: tuple[str, ...] = (),
) -> None:
    options = {"xmm_pointed": {"instruments": list(instruments)}} if instruments else {}
    origin = Origin(steps={name: list(each) for name, each in steps.items()}, unasked=list(unasked), options=options)
    write_origin(layout, origin)
    write_manifest(layout.manifest, rows)


def draw(layout: Layout, obsid: str) -> str:
    unit = Unit("xmm_pointed", obsid)
    records = [read_record(path) for path in sorted(layout.records(unit).glob("*/*.json"))]
    return write_observation_page(layout, unit, [each for each in records if each.step != "espfilt"]).read_text()


def statuses(layout: Layout) -> dict[tuple[str, str], str]:
    return {(each.step, each.unit.identifier): each.status for each in read_verdicts(layout)}


def test_dropped_instruments_and_obsids_are_no_longer_requested_in_status(layout: Layout) -> None:
    assert set(statuses(layout).values()) == {"done"}
    request(layout, NARROW)
    found = statuses(layout)
    dropped = {unit for (_, unit), status in found.items() if status == NOT_REQUESTED}
    assert dropped == {f"{FIRST}M2S002", f"{FIRST}M2", f"{SECOND}M1S001", f"{SECOND}M1", SECOND}
    assert found["merge", f"{FIRST}M1"] == found["report", FIRST] == "done"
    write_status(layout, read_verdicts(layout))
    with layout.status.open() as stream:
        rows = {(row["step"], row["obsid"], row["inst"]): row for row in csv.DictReader(stream, delimiter="\t")}
    assert rows["merge", SECOND, "M1"]["status"] == "no longer requested"
    assert rows["merge", SECOND, "M1"]["reason"] == "was done"
    assert rows["merge", FIRST, "M1"]["warnings"] == "notSettled"
    request(layout, WIDE)
    assert set(statuses(layout).values()) == {"done"}, "requested again, nothing is marked"


def test_what_is_no_longer_requested_is_neither_a_cause_nor_a_warning(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    record(layout, "espfilt", Unit("xmm_pointed", SECOND, "M1", "S001"), status=Status.FAILED)
    fault = layout.fault("evselect", Unit("xmm_pointed", FIRST, "M2", "S002"))
    fault.parent.mkdir(parents=True, exist_ok=True)
    fault.write_text(
        f'{{"step": "evselect", "mission": "xmm_pointed", "obsid": "{FIRST}", "instrument": "M2", "exposure": "S002", '
        '"error": "OSError", "message": "disk full"}'
    )
    assert len(root_causes(read_verdicts(layout))) == 2
    request(layout, NARROW)
    verdicts = read_verdicts(layout)
    assert root_causes(verdicts) == []
    assert len(warnings_by_name(verdicts)["merge", "notSettled"]) == 1
    assert {unit.obsid + unit.inst for unit in verdicts if unit.warnings} == {f"{FIRST}M1", FIRST}
    print_summary(layout, verdicts, stderr=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "no longer requested" in printed
    assert "disk full" not in printed
    assert f"warning notSettled: merge of xmm_pointed {FIRST}M1: the fit still moved" in printed


def test_the_cause_is_named_wherever_units_are_no_longer_requested(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown() -> tuple[dict[tuple[str, str], str], str]:
        verdicts = read_verdicts(layout)
        print_summary(layout, verdicts, stderr=False)
        return {(each.step, each.unit.identifier): each.message for each in verdicts}, capsys.readouterr().out

    request(layout, NARROW, instruments=("M1", "PN"))
    messages, printed = shown()
    gone = "the observation is no longer selected, or no longer in the source"
    without_m2 = "the configuration's instruments no longer include M2"
    assert messages["merge", f"{FIRST}M2"] == f"{without_m2}; its files stay as they are. said"
    assert messages["merge", f"{SECOND}M1"].startswith(f"{gone}; its files")
    assert f"no longer requested: {without_m2}: 3 records of xmm_pointed {FIRST}\n" in printed
    assert f"no longer requested: {gone}: 4 records of xmm_pointed {SECOND}\n" in printed
    assert f"<li>{FIRST}M2 (merge): {without_m2}</li>" in unescape(draw(layout, FIRST))
    with pytest.raises(NoSuchProductError, match=rf"is no longer requested: {without_m2}; there is M1"):
        Archive(layout.root).event_list(FIRST, "M2")

    request(layout, NARROW, instruments=("M1", "M2"))
    assert shown()[0]["merge", f"{FIRST}M2"].startswith(
        "the source no longer has such an exposure, or the configuration leaves it out; its files"
    )
    request(layout, WIDE, {"xmm_pointed": ("espfilt", "evselect", "report")})
    assert shown()[0]["merge", f"{FIRST}M2"].startswith("the configuration no longer runs this step; its files")
    request(layout, [ManifestRow("chandra", "12812", "", "")], {"chandra": ("report",)})
    assert shown()[0]["merge", f"{FIRST}M2"].startswith("the configuration no longer processes xmm_pointed; its files")


def test_a_step_that_the_configuration_no_longer_goes_through_is_marked(layout: Layout) -> None:
    request(layout, WIDE, {"xmm_pointed": ("preprocessed", "report")})
    assert {status for (step, _), status in statuses(layout).items() if step in STEPS["xmm_pointed"][:3]} == {
        NOT_REQUESTED
    }
    with pytest.raises(NoSuchProductError, match="no longer requested"):
        Archive(layout.root).event_list(FIRST, "M1")


def test_an_archive_without_a_readable_manifest_or_list_of_steps_has_nothing_to_mark(layout: Layout) -> None:
    for damaged in ("", "[1]", '{"steps": 3}'):
        layout.manifest_origin.write_text(damaged)
        assert set(statuses(layout).values()) == {"done"}
    layout.manifest_origin.unlink()
    assert set(statuses(layout).values()) == {"done"}
    layout.manifest.write_text("damaged")
    assert set(statuses(layout).values()) == {"done"}
    layout.manifest.unlink()
    assert set(statuses(layout).values()) == {"done"}
    assert read_requested(layout).has(Unit("xmm_pointed", "anything"))


def test_an_observation_that_could_not_be_asked_for_is_not_taken_for_dropped(layout: Layout) -> None:
    request(layout, NARROW, unasked=("xmm_pointed",))
    found = statuses(layout)
    assert found["merge", f"{SECOND}M1"] == "done", "its table could not be had; it may still be selected"
    assert found["merge", f"{FIRST}M2"] == NOT_REQUESTED
    assert Archive(layout.root).no_longer_requested == []


def test_pages_mark_what_is_no_longer_requested_until_it_is_again(layout: Layout) -> None:
    assert "no longer request" not in draw(layout, FIRST) + write_archive_page(layout).read_text()
    request(layout, NARROW)
    page = draw(layout, FIRST)
    assert f"<li>{FIRST}M2 (merge): the source no longer has such an exposure" in page
    assert f"<td>merge</td><td>{FIRST}M2</td>" not in page
    archive_page = write_archive_page(layout).read_text()
    other = layout.observation(Unit("xmm_pointed", SECOND)) / "report.html"
    assert "This observation is no longer requested" in other.read_text()
    assert "This observation is no longer requested" not in page
    row = next(line for line in archive_page.splitlines() if SECOND in line and "<td>XMM-Newton Pointed</td>" in line)
    assert "no longer requested" in row
    request(layout, WIDE)
    write_archive_page(layout)
    assert "no longer requested" not in other.read_text()


def test_archive_marks_products_and_refuses_to_hand_them_out_as_current(layout: Layout) -> None:
    request(layout, NARROW)
    archive = Archive(layout.root)
    assert [tuple(row) for row in archive.observations["mission", "obsid"]] == [("xmm_pointed", FIRST)]
    assert archive.no_longer_requested == [("xmm_pointed", SECOND)]
    assert archive.event_list(FIRST, "M1").read_text() == f"{FIRST}M1"
    with pytest.raises(NoSuchProductError, match=rf"{FIRST} has no event list of M2 .*instM2-.*no longer requested"):
        archive.event_list(FIRST, "M2")
    with pytest.raises(NoSuchProductError, match="no longer requested"):
        archive.event_list(SECOND, "M1")
    marked = {(row["instrument"], row["kind"]): row["requested"] for row in archive.products(FIRST)}
    assert marked == {
        ("M1", "cleanevents"): True, ("M1", "finalevents"): True,
        ("M2", "cleanevents"): False, ("M2", "finalevents"): False,
    }  # fmt: skip


def test_neither_retry_nor_the_list_of_lost_products_takes_up_what_is_no_longer_requested(layout: Layout) -> None:
    record(layout, "espfilt", Unit("xmm_pointed", SECOND, "M1", "S001"), status=Status.FAILED)
    layout.product(Unit("xmm_pointed", SECOND, "M1"), "finalevents").unlink()
    assert len(ArchiveState(layout).missing_products()) == 1
    request(layout, NARROW)
    assert ArchiveState(layout).missing_products() == []
    assert drop_failed_records(layout) == []
    request(layout, WIDE)
    assert len(drop_failed_records(layout)) == 1


def test_no_unit_of_the_manifest_can_vanish_from_status(layout: Layout) -> None:
    """Whatever a run left undone is `pending`, or `blocked` if it waits for a step that met a fault."""
    exposure = Unit("xmm_pointed", FIRST, "M2", "S002")
    for step, unit in (("espfilt", exposure), ("evselect", exposure), ("merge", Unit("xmm_pointed", FIRST, "M2"))):
        layout.record(step, unit).unlink()
    layout.record("report", Unit("xmm_pointed", SECOND)).unlink()
    found = statuses(layout)
    left = {key for key, status in found.items() if status == "pending"}
    assert left == {
        ("espfilt", f"{FIRST}M2S002"), ("evselect", f"{FIRST}M2S002"), ("merge", f"{FIRST}M2"), ("report", SECOND)
    }  # fmt: skip
    assert len(found) == 3 * 3 + 2
    note = layout.fault("espfilt", exposure)
    note.parent.mkdir(parents=True)
    values = {"mission": "xmm_pointed", "obsid": FIRST, "instrument": "M2", "exposure": "S002", "step": "espfilt"}
    note.write_text(json.dumps({**values, "error": "OSError", "message": "disk full"}))
    verdicts = {(each.step, each.unit.identifier): each for each in read_verdicts(layout)}
    assert verdicts["espfilt", f"{FIRST}M2S002"].status == "fault"
    assert verdicts["evselect", f"{FIRST}M2S002"].reason == "espfilt fault"
    assert verdicts["merge", f"{FIRST}M2"].message == "not made because of the fault of espfilt: disk full"
    assert verdicts["report", SECOND].status == "pending"
