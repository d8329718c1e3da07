"""Layout, records, running a step, and what becomes of files when verdicts change."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.archive.dropping import UnitChoice, drop_failed_records
from daxa_wf.archive.layout import Layout, product_name
from daxa_wf.archive.records import (
    Record,
    Status,
    read_checked_record,
    read_record,
    write_record,
)  # fmt: skip
from daxa_wf.archive.settle import settle_observation
from daxa_wf.archive.state import ArchiveState
from daxa_wf.archive.status import read_verdicts, root_causes
from daxa_wf.archive.vouching import examine_records
from daxa_wf.chain.runner import Inputs, Outcome, Workspace, run_step
from daxa_wf.errors import ConfigError, CorruptFileError, Fault, StepFailedError, UnfitDataError
from daxa_wf.mission.registry import STEPS
from daxa_wf.report.archive_page import write_archive_page
from daxa_wf.report.finish import finish_with_faults
from daxa_wf.report.observation_page import write_observation_page
from daxa_wf.units import Band, Unit

EXPOSURE = Unit("xmm_pointed", "0201903501", "PN", "S003")
INSTRUMENT = Unit("xmm_pointed", "0201903501", "PN")
OBSERVATION = Unit("xmm_pointed", "0201903501")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "archive")


def a_step(name: str = "evselect") -> Any:
    return STEPS[name]


def writes(text: str) -> Any:
    def function(unit: Unit, inputs: Inputs, options: Any, workspace: Workspace) -> Outcome:
        workspace.stage("cleanevents").write_text(text)
        return Outcome({"selected": len(text)}, [], "written")

    return function


def raises(error: Exception) -> Any:
    def function(unit: Unit, inputs: Inputs, options: Any, workspace: Workspace) -> Outcome:
        workspace.stage("cleanevents").write_text("half a product")
        raise error

    return function


def done(step: str, unit: Unit, status: Status = Status.DONE) -> Record:
    return Record(step, unit, status, message=f"{step} said so")


def inputs() -> Inputs:
    return Inputs({"espfilt": [done("espfilt", EXPOSURE)]})


def test_names_are_those_of_daxa() -> None:
    assert EXPOSURE.identifier == "0201903501PNS003"
    assert product_name(EXPOSURE, "cleanevents") == "obsid0201903501-instPN-subexpS003-cleanevents.fits"
    assert (
        product_name(INSTRUMENT, "image", Band(0.5, 2.0)) == "obsid0201903501-instPN-subexpALL-en0.5_2.0keV-image.fits"
    )
    assert product_name(OBSERVATION, "events") == "obsid0201903501-inst-subexpNone-events.fits"


def test_a_record_comes_back_as_it_was(layout: Layout) -> None:
    record = run_step(a_step(), EXPOSURE, inputs(), {"lo_en": None}, layout, writes("events"))
    path = layout.record("evselect", EXPOSURE)
    assert read_record(path) == read_checked_record(path) == record
    (stamp,) = record.products
    assert (layout.root / stamp.path).read_text() == "events"
    assert (stamp.size, stamp.kind) == (6, "cleanevents")
    assert stamp.sha256 == hashlib.sha256(b"events").hexdigest()
    assert record.parameters == {"lo_en": None}
    assert not list((layout.root / ".staging").iterdir())


@pytest.mark.parametrize(
    ("error", "status"),
    [(UnfitDataError("noCounts", "none"), Status.REJECTED), (StepFailedError("noProduct", "none"), Status.FAILED)],
)
def test_verdicts_leave_a_record_and_no_product(layout: Layout, error: Exception, status: Status) -> None:
    run_step(a_step(), EXPOSURE, inputs(), {}, layout, writes("an earlier product"))
    record = run_step(a_step(), EXPOSURE, inputs(), {}, layout, raises(error))
    assert (record.status, record.reason, record.message) == (status, error.name, "none")  # type: ignore[attr-defined]
    assert not list(layout.root.rglob("*.fits"))


def draws(*bands: tuple[float, float]) -> Any:
    def function(unit: Unit, inputs: Inputs, options: Any, workspace: Workspace) -> Outcome:
        for low, high in bands:
            workspace.stage("image", Band(low, high)).write_text("image")
        return Outcome({}, [], "drawn")

    return function


def test_products_that_a_step_removes_are_named_in_its_record_and_log(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    def images(*bands: tuple[float, float]) -> Record:
        merged = Inputs({"merge": [done("merge", INSTRUMENT)]})
        return run_step(STEPS["images"], INSTRUMENT, merged, {}, layout, draws(*bands))

    caplog.set_level("INFO")
    assert images((0.5, 2.0), (2.0, 7.0), (2.0, 10.0)).removed == []
    for path in list(layout.root.rglob("*image.fits")):
        path.with_suffix(".png").write_text("the plot that the report draws")
    assert images((0.5, 2.0), (2.0, 7.0), (2.0, 10.0)).removed == []
    assert len(list(layout.root.rglob("*.png"))) == 3, "plots stay with their products, until the report draws them"
    settle_observation(layout, OBSERVATION, usable=False)
    assert images((0.5, 2.0), (2.0, 7.0), (2.0, 10.0)).removed == [], "files that are made again are not removed"
    path = layout.record("images", INSTRUMENT)
    assert "removed" not in json.loads(path.read_text()), "most records keep the form of earlier versions"

    record = images((0.5, 2.0))
    folder = "processed_data/xmm_pointed/0201903501/images/obsid0201903501-instPN-subexpALL"
    assert record.removed == [f"{folder}-en2.0_10.0keV-image.fits", f"{folder}-en2.0_7.0keV-image.fits"]
    assert not any((layout.root / name).exists() for name in record.removed)
    assert not list(layout.root.rglob("*keV-image.png")), (
        "plots without their products are removed, but are no products"
    )
    assert read_record(path) == read_checked_record(path) == record
    assert f"removed 2 files of an earlier run that this run did not make: {', '.join(record.removed)}" in caplog.text
    assert record.fingerprint() == images((0.5, 2.0)).fingerprint(), "later steps do not depend on removed files"


@pytest.mark.parametrize("error", [CorruptFileError("bad file"), OSError(28, "No space left on device"), MemoryError()])
def test_faults_leave_a_note_and_no_record(layout: Layout, error: Exception) -> None:
    with pytest.raises(Fault):
        run_step(a_step(), EXPOSURE, inputs(), {}, layout, raises(error))
    assert not layout.record("evselect", EXPOSURE).exists()
    assert not list(layout.root.rglob("*.fits"))
    (verdict,) = read_verdicts(layout)
    assert (verdict.status, verdict.step, verdict.inst, verdict.exposure) == ("fault", "evselect", "PN", "S003")
    run_step(a_step(), EXPOSURE, inputs(), {}, layout, writes("mended"))
    assert [each.status for each in read_verdicts(layout)] == ["done"]


def test_what_is_blocked_and_what_is_not(layout: Layout) -> None:
    rejected, other = done("espfilt", EXPOSURE, Status.REJECTED), Unit("xmm_pointed", "0201903501", "PN", "U002")
    record = run_step(a_step(), EXPOSURE, Inputs({"espfilt": [rejected]}), {}, layout, writes("never"))
    assert (record.status, record.reason, record.message) == (Status.BLOCKED, "espfilt rejected", "espfilt said so")
    pair = [done("evselect", EXPOSURE, Status.BLOCKED), done("evselect", other)]
    function = writes("x")
    assert run_step(a_step("merge"), INSTRUMENT, Inputs({"evselect": pair}), {}, layout, function).status is Status.DONE
    assert (
        run_step(a_step("merge"), INSTRUMENT, Inputs({"evselect": pair[:1]}), {}, layout, function).status
        is Status.BLOCKED
    )
    assert [each.step for each in root_causes(read_verdicts(layout))] == []


def test_a_record_vouches_for_its_products(layout: Layout) -> None:
    def record_again() -> Path:
        record = run_step(a_step(), EXPOSURE, inputs(), {}, layout, writes("events"))
        return layout.root / record.products[0].path

    record_again()
    assert examine_records(layout).stale == {}
    record_again().unlink()
    assert list(examine_records(layout).stale) == [layout.record("evselect", EXPOSURE)]
    record_again().write_text("other!")
    assert list(examine_records(layout).stale) == [layout.record("evselect", EXPOSURE)]


def test_records_follow_an_observation_that_moves(layout: Layout) -> None:
    record = run_step(a_step(), EXPOSURE, inputs(), {}, layout, writes("events"))
    settle_observation(layout, OBSERVATION, usable=False)
    assert not layout.observation(OBSERVATION).exists()
    assert layout.find(record.products[0].path).read_text() == "events"
    assert examine_records(layout).stale == {}
    settle_observation(layout, OBSERVATION, usable=True)
    assert (layout.root / record.products[0].path).read_text() == "events"
    assert not layout.failed_observation(OBSERVATION).exists()


def test_only_failed_records_are_dropped_for_a_retry(layout: Layout) -> None:
    write_record(layout, done("espfilt", EXPOSURE, Status.FAILED))
    write_record(layout, done("evselect", EXPOSURE, Status.BLOCKED))
    write_record(layout, done("merge", INSTRUMENT, Status.FAILED))
    assert drop_failed_records(layout, UnitChoice(unit="0201903501PN")) == [layout.record("merge", INSTRUMENT)]
    assert drop_failed_records(layout) == [layout.record("espfilt", EXPOSURE)]
    assert layout.record("evselect", EXPOSURE).exists()


def test_a_retry_asks_archives_again_and_knows_its_units(layout: Layout) -> None:
    write_record(layout, done("acquire", OBSERVATION, Status.REJECTED))
    write_record(layout, done("espfilt", EXPOSURE, Status.REJECTED))
    with pytest.raises(ConfigError, match=r"--unit 0201903501PNS03: .* no record of it; .* mean '0201903501PNS003'"):
        drop_failed_records(layout, UnitChoice(unit="0201903501PNS03"))
    with pytest.raises(
        ConfigError, match=f"--unit x: {layout.root} has no record of it; expected an identifier such as 02"
    ):
        drop_failed_records(layout, UnitChoice(unit="x"))
    assert drop_failed_records(layout, UnitChoice(unit="0201903501PNS003")) == []
    assert drop_failed_records(layout) == [layout.record("acquire", OBSERVATION)]


def test_products_that_are_gone_are_told_wherever_their_observation_is(layout: Layout) -> None:
    record = run_step(a_step(), EXPOSURE, inputs(), {}, layout, writes("events"))
    (stamp,) = record.products
    settle_observation(layout, OBSERVATION, usable=False)
    assert ArchiveState(layout).missing_products() == []
    layout.find(stamp.path).unlink()
    assert ArchiveState(layout).missing_products() == [stamp.path]


def test_a_damaged_record_is_told(layout: Layout) -> None:
    path = layout.record("espfilt", EXPOSURE)
    path.parent.mkdir(parents=True)
    for text in ("{", json.dumps({"step": "espfilt"}), "[]"):
        path.write_text(text)
        with pytest.raises(CorruptFileError, match="is not a record"):
            read_record(path)


def test_pages_escape_what_comes_from_outside(layout: Layout) -> None:
    hostile = '<script>alert("x")</script>'
    records = [Record("espfilt", EXPOSURE, Status.REJECTED, reason=hostile, message=hostile)]
    write_record(layout, records[0])
    for page in (write_observation_page(layout, OBSERVATION, records), write_archive_page(layout)):
        text = page.read_text()
        assert hostile not in text
        assert text.count("<script") == text.count("<script>"), "only the archive's own script"
        assert "&lt;script&gt;" in text


def test_an_archive_page_of_many_observations(layout: Layout) -> None:
    for number in range(300):
        write_record(layout, done("merge", Unit("xmm_pointed", f"{number:010d}", "PN")))
    text = write_archive_page(layout).read_text()
    assert text.count("<td>XMM-Newton Pointed</td>") == 300
    assert len(text) < 120_000


def test_a_damaged_record_does_not_keep_the_pages_from_being_drawn(layout: Layout) -> None:
    write_record(layout, done("inventory", OBSERVATION))
    layout.record("evselect", EXPOSURE).parent.mkdir(parents=True)
    layout.record("evselect", EXPOSURE).write_bytes(b"")
    finish_with_faults(layout)
    assert "inventory said so" in (layout.observation(OBSERVATION) / "report.html").read_text()
    assert "DamagedRecord" in layout.report.read_text()


def test_pages_of_faults_are_drawn(layout: Layout) -> None:
    with pytest.raises(Fault):
        run_step(a_step(), EXPOSURE, inputs(), {}, layout, raises(CorruptFileError("gzip cut off")))
    finish_with_faults(layout)
    assert "gzip cut off" in layout.report.read_text()
    assert "gzip cut off" in (layout.observation(OBSERVATION) / "report.html").read_text()
    assert "gzip cut off" in layout.status.read_text()
