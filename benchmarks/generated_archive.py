"""Write an archive of many observations as a run leaves it: records, small products and raw files, manifest, configuration."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

import daxa_wf
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, write_manifest
from daxa_wf.archive.origin import Origin, as_json, write_origin
from daxa_wf.archive.page import with_digest
from daxa_wf.archive.records import FileStamp, Record, Status, record_text
from daxa_wf.archive.software import software_versions
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.staleness import Work, work_of
from daxa_wf.config.reading import parse_config
from daxa_wf.units import Band, Unit

MISSION = "xmm_pointed"
EXPOSURES = (("M1", "S001"), ("M1", "U003"), ("M2", "S002"), ("M2", "U004"), ("PN", "S003"))
"""With these an observation has 21 records."""
BANDS = (Band(0.5, 2.0), Band(2.0, 10.0))
KINDS = {
    "espfilt": ("gti", "lightcurve", "hist"), "evselect": ("cleanevents",), "merge": ("finalevents",),
    "images": ("image",), "exposure_maps": ("expmap",),
}  # fmt: skip
IN_BANDS = ("image", "expmap")


def write_archive(folder: Path, observations: int) -> Path:
    """Write `folder/my.yaml` and the archive beside it, with 21 records an observation. Return the configuration."""
    rows = [
        ManifestRow(MISSION, obsid, *exposure, "Imaging", "FullWindow", "Thin1", events=_raw_name(obsid, *exposure))
        for obsid in (f"{900_000_000 + number:010d}" for number in range(observations))
        for exposure in EXPOSURES
    ]
    for row in rows:
        path = folder / "lists" / row.events
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row.events)
    section = {"source": {"local": "lists"}, "images": {"bands": [["0.5 keV", "2.0 keV"], ["2.0 keV", "10.0 keV"]]}}
    values: dict[str, Any] = {"archive": "archive", "missions": {MISSION: section}}
    (folder / "my.yaml").write_text(yaml.safe_dump(values))
    plan = Plan(parse_config(values), folder)
    write_manifest(plan.layout.manifest, rows)
    options = plan.selection_options()
    steps = {name: list(values["steps"]) for name, values in options.items()}
    write_origin(plan.layout, Origin(plan.tables_identity(), steps=steps, options=as_json(options)))
    fingerprints: dict[Path, str] = {}
    for item in work_of(plan):
        record = _record(plan.layout, item, fingerprints)
        fingerprints[item.path] = record.fingerprint()
        item.path.parent.mkdir(parents=True, exist_ok=True)
        item.path.write_text(record_text(record))
    layout = plan.layout
    layout.report.write_text(with_digest(layout, "<html></html>"))
    layout.status.write_text("")
    return folder / "my.yaml"


def _raw_name(obsid: str, instrument: str, exposure: str) -> str:
    kind = "PIEVLI" if instrument == "PN" else "MIEVLI"
    return f"{obsid}/PPS/P{obsid}{instrument}{exposure}{kind}0000.FTZ"


def _unit(path: Path) -> Unit:
    """Return the unit of a record's path."""
    mission, obsid, _, name = path.parts[-4:]
    rest = name.removesuffix(".json").removeprefix(obsid)
    return Unit(mission, obsid, rest[:2], rest[2:])


def _stamp(path: Path, recorded_as: str, kind: str = "") -> FileStamp:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(path.name)
    stat = path.stat()
    return FileStamp(recorded_as, stat.st_size, stat.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest(), kind)


def _record(layout: Layout, item: Work, fingerprints: dict[Path, str]) -> Record:
    unit = _unit(item.path)
    products = []
    for kind in KINDS.get(item.step.name, ()):
        for band in BANDS if kind in IN_BANDS else (None,):
            path = layout.product(unit, kind, band)
            products.append(_stamp(path, layout.relative(path), kind))
    raw = [_stamp(path, os.path.relpath(path, layout.root)) for path in item.raw]
    results: dict[str, Any] = {"usable": True} if item.step.name == "report" else {}
    if item.step.name == "espfilt":
        results = {"kept_seconds": 20000.0, "lost_seconds": 5000.0}
    return Record(
        item.step.name, unit, Status.DONE, products=products, raw=raw,
        built_on={layout.relative(path): fingerprints[path] for path in item.earlier},
        parameters=as_json(item.options), results=results | {"curve": [0.1 * number for number in range(60)]},
        versions={"daxa_wf": daxa_wf.__version__, **software_versions()},
        command=[item.step.name, "--unit", unit.identifier], started="2026-01-01T00:00:00", ended="2026-01-01T00:00:10",
        logs=[layout.relative(layout.log(item.step.name, unit))],
        warnings=[{"name": "mostlyFlared", "text": "70 % of the time was removed"}] if item.step.name == "espfilt" else [],
    )  # fmt: skip
