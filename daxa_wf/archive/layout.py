"""The layout of an archive: every path and file name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.units import Band, Unit

DOWNLOADED = "raw"
"""Directory of an archive with links to downloaded data."""
ALL_EXPOSURES = "ALL"
NO_EXPOSURE = "None"

SUBDIRECTORIES = {
    "events": "events",
    "ootevents": "events",
    "cleanevents": "events",
    "cleanootevents": "events",
    "finalevents": "events",
    "finalootevents": "events",
    "image": "images",
    "expmap": "images",
    "backmap": "background",
    "allgoodevents": "background",
    "allgoodootevents": "background",
    "gti": "cleaning",
    "lightcurve": "cleaning",
    "cornerlightcurve": "cleaning",
    "hist": "cleaning",
    "centreimage": "images",
    "spectrum": "spectra",
    "sourcelightcurve": "lightcurves",
    "sourcelist": "sources",
    "maskimage": "cleaning",
    "thresholdimage": "cleaning",
    "anomalies": "cleaning",
    "attitude": "events",
    "cif": "",
    "summary": "",
}
"""Product kind -> directory of the observation that holds it."""

PLOT_FILES = (".png", ".svg")
"""Endings of plots. No record has them, because the report draws them from the products."""


def unit_of(name: str) -> tuple[str, str]:
    """Return the instrument (`ACIS-I`, `SIS0_SIS1`) and the exposure in a product's file name, or '' for missing ones."""
    match = re.search(r"-inst(.*?)-subexp([^-]*)-", name)
    return (match[1], match[2]) if match else ("", "")


def band_of(name: str) -> Band | None:
    """Return the energy band in a product's file name, or None if it has none in keV."""
    for part in name.split("-"):
        low, _, high = part.removeprefix("en").removesuffix("keV").partition("_")
        if part.startswith("en") and part.endswith("keV") and high:
            return Band(float(low), float(high))
    return None


def product_name(unit: Unit, kind: str, band: Band | None = None, suffix: str = ".fits") -> str:
    """Return DAXA's name of a product: `obsid<O>-inst<I>-subexp<E|ALL|None>[-en<lo>_<hi>keV]-<kind>.fits`."""
    exposure = unit.exposure or (ALL_EXPOSURES if unit.instrument else NO_EXPOSURE)
    parts = [f"obsid{unit.obsid}", f"inst{unit.instrument}", f"subexp{exposure}"]
    if band is not None:
        parts.append(band.label)
    return "-".join([*parts, kind]) + suffix


@dataclass(frozen=True)
class Layout:
    """The paths of one archive. All of them begin with its root."""

    root: Path

    @classmethod
    def of_record(cls, path: Path) -> Layout:
        """Return the layout of the archive that a record, `<archive>/records/<mission>/<ObsID>/<step>/<unit>.json`, is in."""
        return cls(path.absolute().parents[4])

    @property
    def manifest(self) -> Path:
        """Return the path of the selection as work, one row an exposure."""
        return self.root / "manifest.tsv"

    @property
    def report(self) -> Path:
        """Return the path of the archive's page."""
        return self.root / "report.html"

    @property
    def status(self) -> Path:
        """Return the path of the table of status and reason, one row a unit and step."""
        return self.root / "status.tsv"

    @property
    def versions(self) -> Path:
        """Return the directory of the archive's versions, and of the configurations and tables that it was made from."""
        return self.root / "versions"

    def observation(self, unit: Unit) -> Path:
        """Return the directory of an observation's products."""
        return self.root / "processed_data" / unit.mission / unit.obsid

    def failed_observation(self, unit: Unit) -> Path:
        """Return the directory of an observation without a usable product."""
        return self.root / "failed_data" / unit.mission / unit.obsid

    def product(self, unit: Unit, kind: str, band: Band | None = None, suffix: str = ".fits", name: str = "") -> Path:
        """Return the path to which a product of a unit is written. `name` replaces the usual name of products."""
        return self.observation(unit) / SUBDIRECTORIES[kind] / (name or product_name(unit, kind, band, suffix))

    def kept(self, step: str, unit: Unit) -> Path:
        """Return the directory that a step keeps for later steps, where the files of its tool belong together."""
        return self.work(unit) / unit.identifier / step

    def work(self, unit: Unit) -> Path:
        """Return the directory of all that the steps of an observation keep for later steps."""
        return self.root / "work" / unit.mission / unit.obsid

    def records(self, unit: Unit) -> Path:
        """Return the directory of an observation's records. It is separate because products may move to `failed_data`."""
        return self.root.joinpath("records", unit.mission, unit.obsid)

    def record(self, step: str, unit: Unit) -> Path:
        """Return the path of the record of one step on one unit, which is the only output of the step's rule."""
        return self.root.joinpath("records", unit.mission, unit.obsid, step, f"{unit.identifier}.json")

    def raw(self, unit: Unit) -> Path:
        """Return the link to an observation's raw files in the raw store."""
        return self.root / DOWNLOADED / unit.mission / unit.obsid

    def log(self, step: str, unit: Unit) -> Path:
        """Return the path of the log of one step on one unit."""
        return self.root / "logs" / unit.mission / unit.obsid / f"{step}_{unit.identifier}.log"

    def fault(self, step: str, unit: Unit) -> Path:
        """Return the path of the note that a fault leaves until the step ends without one."""
        return self.log(step, unit).with_suffix(".fault.json")

    @property
    def manifest_fault(self) -> Path:
        """Return the path of the reason for which the manifest could not be made, until it can."""
        return self.root / "logs" / "manifest.fault.txt"

    @property
    def manifest_origin(self) -> Path:
        """Return the path of the manifest's origin: the tables and options that it was made from."""
        return self.root / "selection" / "manifest_origin.json"

    def relative(self, path: Path) -> str:
        """Return a path as records hold it: relative to the root."""
        text, root = str(path), f"{self.root}/"
        # The general way takes ten times as long, and runs compare 100,000 paths.
        return text[len(root) :] if text.startswith(root) else path.relative_to(self.root).as_posix()

    def find(self, relative: str) -> Path:
        """Return the present place of a recorded path, which may have moved to or from `failed_data`."""
        path = self.root / relative
        if path.exists():
            return path
        head, _, tail = relative.partition("/")
        other = {"processed_data": "failed_data", "failed_data": "processed_data"}.get(head)
        moved = self.root / other / tail if other else path
        return moved if moved.exists() else path
