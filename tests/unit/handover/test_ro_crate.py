"""RO-Crates of archives: what they state, equal bytes for equal locks, and the validator's judgement if it is installed."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.lock import make_lock, write_lock
from daxa_wf.archive.records import FileStamp, Record, Status, read_record, write_record
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from daxa_wf.files import sha256_of
from daxa_wf.handover.ro_crate import crate_text
from tests.small_archive import M1_EXPOSURE, PN, PN_EXPOSURE, write_small_archive

CONFIGURATION = {"archive": "my archive", "missions": {"xmm_pointed": {}}}
DATE = "2026-11-22T05:00:00+00:00"
WORKFLOW_RUN = "https://w3id.org/ro/wfrun/workflow/0.5"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A small archive whose merge is built on espfilt, from a source file outside of the archive."""
    layout = write_small_archive(tmp_path / "my archive")
    raw = [FileStamp("../../home/me/lists/P 1.FTZ", 10, 1, "a" * 64, "raw")]
    espfilt = read_record(layout.record("espfilt", PN_EXPOSURE))
    espfilt.raw, espfilt.parameters, espfilt.ended = raw, {"method": "esas20"}, DATE
    espfilt.versions = {"daxa_wf": "0.2.0", "numpy": "2.1.0"}
    write_record(layout, espfilt)
    merge = read_record(layout.record("merge", PN))
    merge.built_on = {layout.relative(layout.record("espfilt", PN_EXPOSURE)): espfilt.fingerprint()}
    write_record(layout, merge)
    write_record(layout, Record("evselect", M1_EXPOSURE, Status.FAILED, "noEvents", engine="sas"))
    return layout


def export(*arguments: object) -> Path:
    done = CliRunner().invoke(app, ["export", "ro-crate", *map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return Path(done.stdout.strip())


def entities(metadata: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads(metadata.read_text())["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    assert len(by_id) == len(graph), "identifiers are unique"
    return by_id


def references(value: Any) -> Iterator[str]:
    """Yield the identifiers that a value refers to."""
    if isinstance(value, dict):
        yield from [value["@id"]] if set(value) == {"@id"} else []
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_the_crate_of_an_archive_lies_in_it_and_describes_every_product(layout: Layout) -> None:
    metadata = export(layout.root)
    assert metadata == layout.root / "ro-crate-metadata.json"
    crate = entities(metadata)
    root = crate["./"]
    assert {"@id": WORKFLOW_RUN} in root["conformsTo"]
    assert root["datePublished"] == DATE
    files = [entity for entity in crate.values() if entity["@type"] == "File"]
    assert len(files) == 6
    for file in files:
        assert sha256_of(layout.root / unquote(file["@id"])) == file["sha256"]
        assert {"@id": file["@id"]} in root["hasPart"]
    assert "rule all:" in (layout.root / root["mainEntity"]["@id"]).read_text()


def test_steps_are_actions_with_options_sources_and_earlier_products(layout: Layout) -> None:
    crate = entities(export(layout.root))
    actions = {entity["name"]: entity for entity in crate.values() if entity["@type"] == "CreateAction"}
    espfilt, merge = actions["espfilt of 0201903501PNS003"], actions["merge of 0201903501PN"]
    (gti,) = references(espfilt["result"])
    assert gti.endswith("-gti.fits")
    assert gti in set(references(merge["object"]))
    (source,) = (item for item in references(espfilt["object"]) if item.startswith("#source"))
    assert (crate[source]["name"], crate[source]["sha256"]) == ("P 1.FTZ", "a" * 64)
    (options,) = (item for item in references(espfilt["object"]) if item.startswith("#options"))
    assert json.loads(crate[options]["value"]) == {"method": "esas20"}
    failed = actions["evselect of 0201903501M1S001"]
    assert (failed["actionStatus"], failed["error"]) == ("http://schema.org/FailedActionStatus", "noEvents")
    assert crate[espfilt["instrument"]["@id"]]["softwareVersion"] == "0.2.0"
    assert "home/me" not in json.dumps(crate)


def test_every_reference_leads_to_an_entity_and_the_profile_has_its_properties(layout: Layout) -> None:
    crate = entities(export(layout.root))
    known = {*crate, "https://w3id.org/ro/crate/1.1", "https://snakemake.readthedocs.io"}
    dangling = {item for entity in crate.values() for value in entity.values() for item in references(value)} - known
    assert all(item.startswith(("http://schema.org/", "https://doi.org/")) for item in dangling)
    workflow = crate["workflow/Snakefile"]
    assert workflow["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert crate[workflow["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    for parameter in references([*workflow["input"], workflow["output"]]):
        assert {"@type", "additionalType", "name", "workExample"} <= set(crate[parameter])
    runs = [entity for entity in crate.values() if entity.get("instrument") == {"@id": "workflow/Snakefile"}]
    assert [run["@type"] for run in runs] == ["CreateAction"]


def test_a_lock_gives_the_same_bytes_as_its_archive(layout: Layout, tmp_path: Path) -> None:
    lock = make_lock(layout, CONFIGURATION)
    write_lock(tmp_path / "a.lock.json", lock)
    first = export(
        tmp_path / "a.lock.json", "--output", tmp_path / "crate", "--date", DATE, "--name", "mine"
    ).read_bytes()
    assert first.decode() == crate_text(lock, "mine", DATE)
    moved = shutil.copytree(layout.root, tmp_path / "elsewhere")
    assert crate_text(make_lock(Layout(moved), CONFIGURATION), "mine", DATE).encode() == first


def test_mistakes_are_named(layout: Layout, tmp_path: Path) -> None:
    write_lock(tmp_path / "a.lock.json", make_lock(layout, CONFIGURATION))
    with pytest.raises(ConfigError, match="is a lock: name the directory of the crate with --output"):
        export(tmp_path / "a.lock.json")
    with pytest.raises(ConfigError, match="--date yesterday: expected a date such as"):
        export(layout.root, "--date", "yesterday")
    layout.manifest.unlink()
    with pytest.raises(ConfigError, match="has no manifest"):
        export(layout.root)


@pytest.mark.skipif(importlib.util.find_spec("rocrate_validator") is None, reason="roc-validator is not installed")
def test_the_validator_finds_no_violation(layout: Layout) -> None:
    """The validator asks the network for JSON-LD contexts; without network the test of properties above must do."""
    from rocrate_validator import models, services

    export(layout.root)
    settings = services.ValidationSettings(
        rocrate_uri=str(layout.root), profile_identifier="workflow-run-crate-0.5",
        requirement_severity=models.Severity.REQUIRED,
    )  # fmt: skip
    try:
        result = services.validate(settings)
    except OSError as error:
        pytest.skip(f"no network: {error}")
    issues = [issue.message for issue in result.get_issues(models.Severity.REQUIRED)]
    if any("w3id.org" in message for message in issues):
        pytest.skip("no network: the JSON-LD context cannot be fetched")
    assert issues == []
