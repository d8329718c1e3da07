"""Find what an archive keeps of units that its configuration no longer requests: products, plots, pages, logs, records."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from daxa_wf.archive.layout import PLOT_FILES, Layout
from daxa_wf.archive.records import Record, read_record, record_paths
from daxa_wf.archive.removal import RECORDS, Removal
from daxa_wf.archive.requested import RequestedUnits
from daxa_wf.archive.status import read_faults
from daxa_wf.errors import CorruptFileError, UnsafePathError
from daxa_wf.files import checked_relative
from daxa_wf.units import Unit

PAGES = ("report.html", "thumbnail.png")
PRODUCTS, LOGS, DRAWN_PAGES = "products", "logs", "pages and plots"


def find_dropped(layout: Layout, requested: RequestedUnits) -> Removal:
    """Return all files of units that are no longer requested. Files without a record stay, and are listed."""
    removal = Removal(layout)
    records = dict(_readable(layout, requested, removal))
    dropped = {path: record for path, record in records.items() if requested.why_not(record.step, record.unit)}
    in_use = {
        layout.find(stamp.path) for path, record in records.items() if path not in dropped for stamp in record.products
    }
    for path, record in dropped.items():
        for place in (layout.find(stamp.path) for stamp in record.products):
            if place not in in_use:
                removal.add(place, PRODUCTS)
                _add_plots(removal, place)
        _add_logs(removal, record)
        removal.add(path, RECORDS)
    for fault in read_faults(layout):
        if requested.why_not(fault.step, fault.unit):
            removal.add(layout.log(fault.step, fault.unit), LOGS)
            removal.add(layout.fault(fault.step, fault.unit), LOGS)
    for unit in sorted(_observations(layout), key=lambda unit: unit.identifier):
        if not requested.has(unit):
            _add_rest(removal, unit)
    return removal


def _readable(layout: Layout, requested: RequestedUnits, removal: Removal) -> Iterator[tuple[Path, Record]]:
    """Yield the readable records. A damaged record of an observation that is not requested stays, and is listed."""
    for path in record_paths(layout):
        try:
            yield path, read_record(path)
        except CorruptFileError:
            mission, obsid = path.parts[-4:-2]
            if not requested.has(Unit(mission, obsid)):
                removal.leave([path], "the record is damaged, so its products are unknown")


def _add_plots(removal: Removal, product: Path) -> None:
    stem = product.name.removesuffix(".gz").removesuffix(".fits")
    for plot in product.parent.glob(f"{glob.escape(stem)}.*"):
        if plot.suffix in PLOT_FILES:
            removal.add(plot, DRAWN_PAGES)


def _add_logs(removal: Removal, record: Record) -> None:
    layout = removal.layout
    removal.add(layout.log(record.step, record.unit), LOGS)
    removal.add(layout.fault(record.step, record.unit), LOGS)
    for name in record.logs:
        with suppress(UnsafePathError):
            if Path(checked_relative(name, "a record")).parts[0] == "logs":
                removal.add(layout.root / name, LOGS)


def _observations(layout: Layout) -> set[Unit]:
    """Return every observation that has a directory in one of the archive's trees."""
    trees = ("processed_data", "failed_data", "records", "work", "logs")
    folders = (folder for tree in trees for folder in (layout.root / tree).glob("*/*") if folder.is_dir())
    return {Unit(folder.parent.name, folder.name) for folder in folders}


def _add_rest(removal: Removal, unit: Unit) -> None:
    """Add the pages and plots of an observation of which nothing is requested, and note its files without a record."""
    layout = removal.layout
    for folder in (layout.observation(unit), layout.failed_observation(unit)):
        for page in PAGES:
            removal.add(folder / page, DRAWN_PAGES)
        for plot in folder.glob(f"*/obsid{glob.escape(unit.obsid)}-*"):
            if plot.suffix in PLOT_FILES:
                removal.add(plot, DRAWN_PAGES)
    places = (layout.observation(unit), layout.failed_observation(unit), layout.work(unit), layout.records(unit),
              layout.root / "logs" / unit.mission / unit.obsid)  # fmt: skip
    files = (Path(folder, name) for place in places for folder, _, names in os.walk(place) for name in names)
    removal.leave((path for path in files if path not in removal.left), "no record has them")
