"""Runs of a whole configuration in this process, without Snakemake: the manifest, and every step that a run would repeat."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import yaml

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.vouching import refresh_records
from daxa_wf.chain import manifest
from daxa_wf.chain.observation import call_of
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.staleness import Conditions, find_stale, manifest_changes, work_of
from daxa_wf.config.reading import parse_config
from daxa_wf.mission.registry import STEPS
from tests.archives import SMALL
from tests.archives import write as write_file
from tests.damaged_lists import name_of, small_list

FIRST, SECOND = "0999991001", "0999991002"
OTHER = SMALL["nustar_pointed"]


class Project:
    """A folder with a configuration and its archive."""

    def __init__(self, folder: Path, missions: dict[str, Any], archive: str = "archive", **top: Any) -> None:
        self.folder, self.missions = folder, missions
        self.top: dict[str, Any] = {"archive": archive, "data": "data", "tables": "tables", **top}

    @property
    def values(self) -> dict[str, Any]:
        return {**self.top, "missions": self.missions}

    @property
    def plan(self) -> Plan:
        return Plan(parse_config(self.values), self.folder)

    @property
    def layout(self) -> Layout:
        return self.plan.layout

    def write(self) -> Path:
        """Write the configuration's file."""
        path = self.folder / f"{self.top['archive']}.yaml"
        path.write_text(yaml.safe_dump(self.values))
        return path

    def run(self) -> set[str]:
        """Do what a run would do. Return the steps with the units that it made, such as `merge 0999991001M1`."""
        plan = self.plan
        if manifest_changes(plan) or not plan.layout.manifest.exists():
            options, centres = plan.selection_options(), plan.data_centres(None, None)
            manifest.run(options, plan.layout.manifest, plan.tables_identity(), centres)
        refresh_records(plan.layout)
        work = list(work_of(plan))
        stale = find_stale(plan.layout, work, Conditions(plan.login_marks()))
        for path in stale:
            path.unlink(missing_ok=True)
        before = {item.path: item.path.stat().st_mtime_ns for item in work if item.path.exists()}
        for item in work:
            if not item.path.exists():
                mission, obsid, step, _ = item.path.parts[-4:]
                units = plan.units(STEPS[step], plan.rows(mission, obsid))
                (unit,) = (unit for unit in units if unit.identifier == item.path.stem)
                call_of(plan, STEPS[step], unit).run(plan.layout)
        after = {item.path: item.path.stat().st_mtime_ns for item in work if item.path.exists()}
        return {f"{path.parent.name} {path.stem}" for path, time in after.items() if before.get(path) != time}


def put_mirror(root: Path, *obsids: str) -> Path:
    """Write observations of XMM-Newton with one exposure each, and one of NuSTAR, laid out like HEASARC. Return the mirror."""
    for obsid in obsids or (FIRST, SECOND):
        folder = root / "xmm" / "data" / "rev0" / obsid / "PPS"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name_of(obsid)).write_bytes(gzip.compress(small_list(obsid), mtime=0))
    for name in OTHER.files:
        write_file(root.parent / OTHER.directory / name)
    return root


def xmm(*obsids: str, **section: Any) -> dict[str, Any]:
    """Return the section of XMM-Newton for observations of the mirror."""
    cleaning = {"espfilt": {"method": "threshold"}}
    return {"source": {"archives": ["heasarc"]}, "obsids": list(obsids or (FIRST, SECOND)), **cleaning, **section}
