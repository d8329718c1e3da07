"""Which records are made again: by content and meaning, and what follows from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import FileStamp, Record, Status, write_record
from daxa_wf.archive.vouching import Staleness
from daxa_wf.chain.staleness import Conditions, Work, changed_options, find_stale, summary
from daxa_wf.download.release import NOT_PUBLIC, RetryCondition
from daxa_wf.mission.registry import STEPS
from daxa_wf.units import Unit

UNIT = Unit("xmm_pointed", "0201903501", "PN", "S003")
CHAIN = ("inventory", "espfilt", "evselect")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Three records, each built on the one before."""
    layout, earlier = Layout(tmp_path), dict[str, str]()
    for name in CHAIN:
        record = Record(name, unit(name), Status.DONE, parameters={"allowed_sigma": 3}, built_on=earlier)
        record.versions = {"daxa_wf": "0.0.1"}
        record.raw = [FileStamp("../data/list.fits", 3, 1, "", "raw")]
        write_record(layout, record)
        earlier = {layout.relative(path(layout, name)): record.fingerprint()}
    return layout


def unit(step: str) -> Unit:
    return UNIT.observation if step == "inventory" else UNIT


def path(layout: Layout, step: str) -> Path:
    return layout.record(step, unit(step))


def work(layout: Layout, options: dict[str, Any] | None = None, **changes: Any) -> list[Work]:
    """What the manifest asks for; `options` of single steps, and changes of the step evselect."""
    found, earlier = [], ()
    for name in CHAIN:
        found.append(Work(path(layout, name), STEPS[name], earlier, (options or {}).get(name, {"allowed_sigma": 3})))
        earlier = (path(layout, name),)
    return [*found[:-1], replace(found[-1], **changes)]


def stale(layout: Layout, asked: list[Work] | None = None, **conditions: Any) -> dict[str, str]:
    """Step -> reason."""
    findings = find_stale(layout, asked or work(layout), Conditions(**conditions))
    return {each.parent.name: finding.reason for each, finding in findings.items()}


FOLLOWS = "an earlier step is made again"


def test_an_archive_that_holds_repeats_nothing(layout: Layout) -> None:
    assert stale(layout) == {}


def test_changed_options_repeat_the_step_and_what_follows_it(layout: Layout) -> None:
    assert stale(layout, work(layout, {"espfilt": {"allowed_sigma": 2}})) == {
        "espfilt": "options changed", "evselect": FOLLOWS,
    }  # fmt: skip


def test_what_follows_a_missing_record_is_repeated(layout: Layout) -> None:
    path(layout, "inventory").unlink()
    assert stale(layout) == {"espfilt": FOLLOWS, "evselect": FOLLOWS}


def test_other_inputs_repeat_a_step(layout: Layout) -> None:
    more = (path(layout, "espfilt"), path(layout, "inventory"))
    assert stale(layout, work(layout, earlier=more)) == {"evselect": "an input was added"}
    assert stale(layout, work(layout, earlier=())) == {"evselect": "an input was removed"}


def test_further_raw_files_repeat_a_step_and_the_same_file_elsewhere_does_not(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "list.fits").write_text("abc")
    assert stale(layout, work(layout, raw=(tmp_path / "elsewhere" / "list.fits", tmp_path / "absent"))) == {}
    (tmp_path / "elsewhere" / "attitude.fits").write_text("abc")
    assert stale(layout, work(layout, raw=(tmp_path / "elsewhere" / "attitude.fits",))) == {
        "evselect": "further raw files"
    }


def test_outdated_records_are_repeated_only_on_request(layout: Layout) -> None:
    assert set(stale(layout, remake_outdated=True)) == set(CHAIN)


def test_forced_records_take_along_what_follows(layout: Layout) -> None:
    forced = path(layout, "espfilt")
    assert stale(layout, forced=lambda each: each == forced) == {"espfilt": "forced", "evselect": FOLLOWS}


def test_data_that_may_be_public_by_now_are_acquired(tmp_path: Path) -> None:
    layout, now = Layout(tmp_path), datetime.now(UTC)
    record = Record(
        "acquire", UNIT.observation, Status.REJECTED, NOT_PUBLIC, results=RetryCondition(now, "").as_results()
    )
    write_record(layout, record)
    asked = [Work(layout.record("acquire", record.unit), STEPS["acquire"], (), {})]
    assert stale(layout, asked, now=now - timedelta(days=1)) == {}
    assert list(stale(layout, asked, now=now)) == ["acquire"]
    assert list(stale(layout, asked, now=now - timedelta(days=1), marks={"xmm_pointed": "login"})) == ["acquire"]


def test_the_form_of_options_does_not_matter_but_their_meaning() -> None:
    """A version may record quantities with their units that an earlier one recorded as numbers."""
    step = replace(STEPS["espfilt"], options="daxa_wf.observatories.erosita.options:EvtoolOptions")
    recorded, present = {"lo_en": 0.2, "hi_en": 10.0}, {"lo_en": "0.2 keV", "hi_en": "10 keV", "pattern": 15}
    assert changed_options(step, recorded, present) == []
    assert changed_options(step, recorded, {**present, "lo_en": "300 eV"}) == ["lo_en"]
    assert "gone" in changed_options(step, {"gone": 1}, present)


@pytest.mark.parametrize(
    ("engine", "recorded", "present", "changed"),
    [
        (None, "esas20", "histogram", []),
        ("native", "esas20", "histogram", []),
        ("sas", "esas20", "histogram", []),
        ("sas", "esas19", "histogram", []),
        (None, "esas19", "esas19", []),
        (None, "esas19", "histogram", ["method"]),
        (None, "esas20", "ratio", ["method"]),
    ],
)
def test_flare_filters_under_the_names_of_earlier_versions_are_the_same(
    engine: str | None, recorded: str, present: str, changed: list[str]
) -> None:
    before = {"engine": engine, "method": recorded, "with_binning": "60 s"}
    now = {"engine": engine, "method": present, "with_binning": "60 s", "keep_flare_free": False}
    found = changed_options(STEPS["espfilt"], before, now)
    assert [name for name in found if name == "method"] == changed
    assert bool(found) == bool(changed)


def test_the_summary_counts_records_by_reason_with_an_example() -> None:
    findings = [Staleness("options changed", "espfilt: sigma"), Staleness(FOLLOWS, "a"), Staleness(FOLLOWS, "b")]
    assert summary(findings) == [
        "2 records are made again: an earlier step is made again (a)",
        "1 record is made again: options changed (espfilt: sigma)",
    ]
