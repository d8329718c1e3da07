"""Versions: when one is made, its number and cause, what damage does, and what the archive keeps of its origin."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_wf.archive.history import History, VersionNumber, content_path, read_history
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.made_from import Configuration, keep_snapshot, kept_configuration, kept_snapshot
from daxa_wf.archive.origin import Origin, write_origin
from daxa_wf.archive.records import FileStamp, read_record, write_record
from daxa_wf.archive.version_changes import ProductChange
from daxa_wf.archive.versions import RunDescription, differences, record_version
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.files import sha256_of
from daxa_wf.units import Unit
from tests.small_archive import MISSION, OBSID, PN, PN_EXPOSURE, write_small_archive

EVENTS = f"processed_data/{MISSION}/{OBSID}/events/obsid{OBSID}-instPN-subexpALL-finalevents.fits"
GTI = f"processed_data/{MISSION}/{OBSID}/cleaning/obsid{OBSID}-instPN-subexpS003-gti.fits"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An archive of six products, with its first version."""
    layout = write_small_archive(tmp_path / "archive")
    assert record_version(layout, RunDescription("Ada", "first run")) is not None
    return layout


def changed(layout: Layout, step: str, unit: Unit, sha256: str = "", **values: object) -> None:
    """Write the record of a step with other values, and another SHA-256 of its products."""
    record = read_record(layout.record(step, unit))
    if sha256:
        values["products"] = [replace(stamp, sha256=sha256) for stamp in record.products]
    write_record(layout, replace(record, **values))


def of_products(layout: Layout, first: str, second: str) -> list[tuple[str, str, str]]:
    changes = differences(layout, first, second)
    return [(change.change, Path(change.product).name.split("-", 2)[2], change.cause) for change in changes]


def test_the_first_version_has_author_time_reason_numbers_and_every_product(layout: Layout) -> None:
    (version,) = read_history(layout).versions
    assert (version.number, version.change, version.author, version.message) == ("1.0.0", "first", "Ada", "first run")
    assert version.time.endswith("+00:00")
    assert (version.products.added, version.products.removed, version.products.changed) == (6, 0, 0)
    assert (version.before.products, version.after.products) == (0, 6)
    assert (version.after.observations, version.after.steps, version.after.done) == (1, 5, 4)
    size = sum(path.stat().st_size for path in (layout.root / "processed_data").rglob("*.fits"))
    assert version.after.bytes == size
    assert [path.name for path in layout.versions.glob("*.json")] == ["1.0.0.json"]


def test_a_run_that_changes_nothing_makes_no_version(layout: Layout) -> None:
    changed(
        layout, "espfilt", PN_EXPOSURE, started="2030-01-01T00:00:00", ended="2030-01-01T00:00:01", wall_seconds=1.5
    )
    assert record_version(layout) is None
    assert [version.number for version in read_history(layout).versions] == ["1.0.0"]
    assert not list(layout.versions.rglob("*.part"))


def test_an_archive_without_records_has_no_version(tmp_path: Path) -> None:
    assert record_version(Layout(tmp_path)) is None
    assert read_history(Layout(tmp_path)) == History([], [])


def test_other_options_make_a_major_version_and_name_the_option_behind_each_product(layout: Layout) -> None:
    gti = layout.relative(layout.record("espfilt", PN_EXPOSURE))
    changed(layout, "merge", PN, built_on={gti: "0" * 64})
    assert record_version(layout).number == "1.0.1"
    changed(layout, "espfilt", PN_EXPOSURE, "a" * 64, parameters={"allowed_sigma": 2.5})
    changed(layout, "merge", PN, "b" * 64)
    version = record_version(layout, RunDescription(message="a stricter\nfilter"))
    assert (version.number, version.change, version.message) == ("2.0.0", "processing", "a stricter filter")
    assert (version.products.changed, version.products.added) == (2, 0)
    assert of_products(layout, "1.0.1", "2.0.0") == [
        ("changed", "subexpS003-gti.fits", "options differ: allowed_sigma"),
        (
            "changed",
            "subexpALL-finalevents.fits",
            f"options differ: allowed_sigma (espfilt of {PN_EXPOSURE.identifier})",
        ),
    ]
    assert of_products(layout, "2.0.0", "2.0.0") == []


def test_other_software_that_gives_other_products_makes_a_major_version_and_else_a_patch(layout: Layout) -> None:
    changed(layout, "merge", PN, versions={"daxa_wf": "9.0"})
    same = record_version(layout)
    assert (same.number, same.change, same.products.changed) == ("1.0.1", "metadata", 0)
    assert same.software == {"daxa_wf": "9.0"}
    changed(layout, "merge", PN, "b" * 64, versions={"daxa_wf": "9.1"})
    assert record_version(layout).number == "2.0.0"
    assert of_products(layout, "1.0.1", "now")[0][2] == "versions differ: daxa_wf 9.0 and 9.1"


def test_other_raw_data_make_a_minor_version_and_name_the_file(layout: Layout) -> None:
    raw = FileStamp("raw/list.fits", 10, 1, "a" * 64, "raw")
    changed(layout, "merge", PN, raw=[raw])
    assert record_version(layout).number == "1.0.1"
    changed(layout, "merge", PN, "b" * 64, raw=[replace(raw, sha256="c" * 64)])
    version = record_version(layout)
    assert (version.number, version.change) == ("1.1.0", "data")
    assert of_products(layout, "1.0.1", "1.1.0") == [
        ("changed", "subexpALL-finalevents.fits", "source files differ: list.fits")
    ]


def test_added_and_removed_products_make_minor_versions(layout: Layout) -> None:
    other = Unit(MISSION, "0201903601", "PN")
    path = layout.product(other, "finalevents")
    record = read_record(layout.record("merge", PN))
    write_record(
        layout, replace(record, unit=other, products=[replace(record.products[0], path=layout.relative(path))])
    )
    assert record_version(layout).number == "1.1.0"
    added = list(differences(layout, "1.0.0", "1.1.0"))
    cause = f"the observation {MISSION}/0201903601 was added"
    assert added == [ProductChange("added", layout.relative(path), cause)]
    layout.record("merge", other).unlink()
    layout.record("images", PN).unlink()
    version = record_version(layout)
    assert (version.number, version.products.removed, version.after.products) == ("1.2.0", 5, 2)
    assert {change.cause for change in differences(layout, "1.1.0", "1.2.0")} == {
        "the step was removed", cause.replace("added", "removed")
    }  # fmt: skip


def test_pruned_products_are_removed_and_not_processed_otherwise(layout: Layout) -> None:
    record = read_record(layout.record("images", PN))
    write_record(layout, replace(record, products=record.products[:1], pruned=record.products[1:]))
    version = record_version(layout)
    assert (version.number, version.products.removed) == ("1.1.0", 3)
    assert {change.cause for change in differences(layout, "1.0.0", "1.1.0")} == {"pruned"}
    write_record(layout, record)
    assert (record_version(layout).number, read_history(layout).latest.products.added) == ("1.2.0", 3)
    assert {change.cause for change in differences(layout, "1.1.0", "1.2.0")} == {"made again after pruning"}
    assert list(differences(layout, "1.0.0", "1.2.0")) == []


def test_other_tables_and_another_configuration_make_a_patch(layout: Layout) -> None:
    write_origin(layout, Origin(snapshots={MISSION: "d" * 64}))
    version = record_version(layout)
    assert (version.number, version.snapshots) == ("1.0.1", {MISSION: "d" * 64})
    given = "# mine\nservices: {xsa: ['https://me:secret@mirror.edu/tap']}\n"
    configuration = Configuration(given, {"services": {"xsa": ["https://me:secret@mirror.edu/tap"]}})
    version = record_version(layout, RunDescription(configuration=configuration))
    assert (version.number, version.change) == ("1.0.2", "metadata")
    kept = kept_configuration(layout, version.configuration)
    assert json.loads(kept.read_text()) == {"services": {"xsa": ["https://***@mirror.edu/tap"]}}
    assert kept.with_suffix(".yaml").read_text() == given.replace("me:secret", "***")
    other_comment = replace(configuration, given=given.replace("mine", "ours"))
    assert record_version(layout, RunDescription(configuration=other_comment)) is None
    changed(layout, "merge", PN, "b" * 64)
    assert record_version(layout).configuration == version.configuration


def test_a_damaged_version_is_listed_and_its_number_not_used_again(layout: Layout) -> None:
    changed(layout, "merge", PN, "b" * 64, parameters={"a": 1})
    assert record_version(layout).number == "2.0.0"
    damaged = layout.versions / "2.0.0.json"
    for text in ("{", '{"number": "2.0.0"}', (layout.versions / "1.0.0.json").read_text(), "\0" * 100):
        damaged.write_text(text)
        history = read_history(layout)
        assert ([version.number for version in history.versions], history.damaged) == (["1.0.0"], [damaged])
    with pytest.raises(ConfigError, match=r"version 2\.0\.0: unknown; the archive has 1\.0\.0"):
        read_history(layout).version("2.0.0")
    version = record_version(layout)
    assert (version.number, version.before.products) == ("3.0.0", 6)
    assert record_version(layout) is None


def test_a_damaged_content_is_written_again_from_the_records_or_the_one_before_is_compared(layout: Layout) -> None:
    first = read_history(layout).latest
    content_path(layout, first.content).write_bytes(b"\x1f\x8b not gzip")
    with pytest.raises(CorruptFileError, match="is not the content of a version"):
        list(differences(layout, "1.0.0", "now"))
    assert record_version(layout) is None
    assert list(differences(layout, "1.0.0", "now")) == []
    changed(layout, "merge", PN, "b" * 64, parameters={"a": 1})
    second = record_version(layout)
    content_path(layout, second.content).unlink()
    changed(layout, "images", PN, "c" * 64, parameters={"a": 1})
    third = record_version(layout)
    assert (third.number, third.products.changed) == ("3.0.0", 5)
    assert third.notes == ["compared with 1.0.0, the newest version with a readable content"]
    for path in (layout.versions / "contents").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    changed(layout, "images", PN, "d" * 64)
    last = record_version(layout)
    assert (last.number, last.notes) == (
        "3.0.1", ["the contents of earlier versions cannot be read, so the changes are unknown"]
    )  # fmt: skip


def test_a_damaged_record_is_named_by_the_version_that_lacks_it(layout: Layout) -> None:
    path = layout.record("images", PN)
    path.write_text("{")
    version = record_version(layout)
    assert (version.number, version.products.removed, version.damaged) == ("1.1.0", 4, [layout.relative(path)])


@pytest.mark.parametrize(
    ("change", "number"), [("processing", "2.0.0"), ("data", "1.3.0"), ("metadata", "1.2.4"), ("first", "1.2.4")]
)
def test_the_number_follows_from_the_change(change: str, number: str) -> None:
    assert str(VersionNumber(1, 2, 3).after(change)) == number


def test_numbers_are_ordered_as_numbers() -> None:
    assert VersionNumber.parse("1.10.0") > VersionNumber.parse("1.9.9")
    assert [VersionNumber.parse(text) for text in ("1.0", "1.0.0.0", "v1.0.0", "1.0.x", "")] == [None] * 5


def test_a_snapshot_is_kept_once_and_stays_when_the_table_is_fetched_again(tmp_path: Path) -> None:
    layout, table, sidecar = Layout(tmp_path / "archive"), tmp_path / "m.parquet", tmp_path / "m.json"
    table.write_bytes(b"rows")
    sidecar.write_text("{}")
    digest = sha256_of(table)
    assert keep_snapshot(layout, "m", digest, (table, sidecar))
    kept = kept_snapshot(layout, "m", digest)
    assert kept.stat().st_ino == table.stat().st_ino
    newer = tmp_path / "newer"
    newer.write_bytes(b"other rows")
    newer.replace(table)
    assert keep_snapshot(layout, "m", digest, (table, sidecar))
    assert kept.read_bytes() == b"rows"
    assert not keep_snapshot(layout, "m", "e" * 64, (table, sidecar))
    assert sorted(path.name for path in kept.parent.iterdir()) == [kept.with_suffix(".json").name, kept.name]
