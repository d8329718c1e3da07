"""preprocessed: put the data centre's own products into the layout of the archive, under its names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import NO_EXPOSURE
from daxa_wf.archive.results import AcquireResults
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.download.paths import is_wanted
from daxa_wf.download.unpack import decompress
from daxa_wf.errors import UnfitDataError
from daxa_wf.files import clone_file, copy_file, link_read_only
from daxa_wf.mission.registry import MISSIONS, pipeline_of
from daxa_wf.mission.spec import MissionSpec, ProductPattern
from daxa_wf.mission.step import load
from daxa_wf.units import Band, Unit

LZW = ".Z"
"""Suffix of files compressed by LZW, which astropy does not open."""
FINISHED_KINDS = {"events": "finalevents", "background": "backmap"}
"""Kind of a mission's product -> its kind in the archive, if it differs."""


@dataclass(frozen=True)
class FiledProduct:
    """A product among an observation's files: its pattern, its exposure, and the instruments whose data it contains."""

    pattern: ProductPattern
    path: str
    exposure: str
    instruments: tuple[str, ...]


@dataclass
class Filing:
    """The products among an observation's files, and similar files that were skipped."""

    products: list[FiledProduct] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    """Files that match several instruments, if the mission's table does not name exactly one of them."""
    not_chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Files whose instruments were not chosen, and the instruments."""
    repeated: dict[str, str] = field(default_factory=dict)
    """Files with a newer version, and the path of that version."""


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Link, copy or move every product that the mission's patterns find, and unpack products compressed by LZW.

    UnfitDataError `unknownInstrument` if the instrument of the products is unknown, `noProducts` if no product is found.
    """
    spec = MISSIONS[unit.mission]
    raw = workspace.layout.raw(unit)
    paths = AcquireResults.from_record(inputs.record("acquire")).paths
    observed_with = tuple(options["observed_with"])
    filing = products_in(spec, unit.obsid, paths, options["instruments"], observed_with)
    made = [product for filed in filing.products for product in _make(filed, unit, raw, options, workspace)]
    if options["place"] == "move":
        for name in {str(product["from"]) for product in made}:
            (raw / name).resolve().unlink()
    if not made:
        raise _nothing_made(f"{spec.pretty_name} {unit.obsid}", filing, observed_with, len(paths))
    counts = Counter(product["kind"] for product in made)
    warnings = [
        {"task": "preprocessed", "name": name, "text": text}
        for name, text in _left_aside(spec, filing, options["instruments"])
    ]
    message = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return Outcome({"products": made, "observed_with": list(observed_with)}, warnings, message)


def _make(
    filed: FiledProduct, unit: Unit, raw: Path, options: Mapping[str, Any], workspace: Workspace
) -> Iterator[dict[str, Any]]:
    """Make the products of one raw file, one for each band of its pattern, and yield their entries in the record."""
    subset = _subset(filed, options["instruments"])
    instrument = "_".join(subset or filed.instruments)
    unit_of_product = Unit(unit.mission, unit.obsid, instrument, filed.exposure or NO_EXPOSURE)
    kind = FINISHED_KINDS.get(filed.pattern.kind, filed.pattern.kind)
    source = raw / filed.path
    for band in filed.pattern.bands or (None,):
        edges = Band(band.low, band.high) if band else None
        target = workspace.stage(kind, edges, ".fits" if subset else packed_suffix(filed.path), unit_of_product)
        if subset:
            load(pipeline_of(unit.mission).subset)(source.resolve(), subset, target)
        elif filed.path.endswith(LZW):
            decompress(source.resolve(), target)
        else:
            _place(source, target, options["place"], workspace.staged[target][1])
        yield {"kind": kind, "inst": instrument, "exposure": filed.exposure, "from": filed.path,
               "band": [band.low, band.high] if band else None}  # fmt: skip


def products_in(
    spec: MissionSpec, obsid: str, paths: Sequence[str], instruments: Sequence[str], observed_with: Sequence[str] = ()
) -> Filing:
    """Find the products among an observation's paths, with their instruments and exposures.

    A file belongs to the instrument whose pattern it matches. If it matches several, it belongs to the instrument in
    `observed_with`: the observation's instruments in the mission's table, or () if the table names none. The last version
    of a product by name is used.
    """
    filing, seen = Filing(), dict[tuple[str, ...], str]()
    fitting = _fitting(spec, obsid, paths)
    chosen = _chosen_detectors(spec, instruments, observed_with)
    for pattern, path in sorted(fitting, key=lambda fit: fit[1], reverse=True):
        rivals = [
            rival
            for rival, other in fitting
            if other == path and (rival.kind, rival.bands) == (pattern.kind, pattern.bands)
        ]
        likely = rivals if len(rivals) == 1 else [rival for rival in rivals if rival.instrument in observed_with]
        if len(likely) != 1:
            filing.undecided += [path] if path not in filing.undecided else []
            continue
        if likely != [pattern]:
            continue
        together = spec.instruments_of(pattern)
        held = tuple(name for name in together if name in observed_with) or together
        if not set(held) & chosen:
            filing.not_chosen[path] = held
            continue
        exposure = _exposure(pattern, path)
        key = (pattern.kind, *held, exposure, *(band.code for band in pattern.bands))
        if key in seen:
            filing.repeated[path] = seen[key]
            continue
        seen[key] = path
        filing.products.append(FiledProduct(pattern, path, exposure, held))
    filing.products.sort(key=lambda filed: (spec.products.index(filed.pattern), filed.path))
    return filing


def _fitting(spec: MissionSpec, obsid: str, paths: Sequence[str]) -> list[tuple[ProductPattern, str]]:
    """Return each pattern with each matching path. The data centre may write the ObsID in upper or lower case."""
    globs = [
        (pattern, {pattern.glob.replace("{obsid}", name) for name in (obsid, obsid.lower())})
        for pattern in spec.products
    ]
    return [(pattern, path) for pattern, names in globs for path in paths if is_wanted(path, names)]


def _chosen_detectors(spec: MissionSpec, instruments: Sequence[str], observed_with: Sequence[str]) -> set[str]:
    """Return the chosen instruments, with the detectors that observed behind a chosen grating."""
    detectors = {instrument.name for instrument in spec.instruments if instrument.is_detector}
    behind_grating = set(instruments) & set(observed_with) - detectors
    return set(instruments) | (detectors & set(observed_with) if behind_grating else set())


def _exposure(pattern: ProductPattern, path: str) -> str:
    """Return the exposure in a path, without punctuation, or ''."""
    match = re.search(pattern.exposure, path) if pattern.exposure else None
    return "".join(letter for group in match.groups() for letter in group if letter.isalnum()) if match else ""


def _nothing_made(name: str, filing: Filing, observed_with: Sequence[str], count: int) -> UnfitDataError:
    """Return the error for an observation without a product of the chosen instruments."""
    if filing.not_chosen:
        instruments = ", ".join(dict.fromkeys(name for held in filing.not_chosen.values() for name in held))
        text = f"all of its {len(filing.not_chosen)} products are of {instruments}; 'instruments' does not name these"
        return UnfitDataError("noProducts", f"{name}: {text}")
    if filing.undecided:
        table = f"the mission's table has {' '.join(observed_with) or 'no instrument'} for the observation"
        text = f"{len(filing.undecided)} products fit several instruments ({filing.undecided[0]}), and {table}"
        return UnfitDataError("unknownInstrument", f"{name}: {text}")
    return UnfitDataError("noProducts", f"{name}: its {count} files contain no product")


def _left_aside(spec: MissionSpec, filing: Filing, instruments: Sequence[str]) -> list[tuple[str, str]]:
    """Return name and text of a warning for each skipped product, and for each instrument without products."""
    left = [("unknownInstrument", f"{path} left out: it fits several instruments") for path in filing.undecided]
    left += [("productPassedOver", f"{path} left out in favour of {taken}") for path, taken in filing.repeated.items()]
    delivered = {name for pattern in spec.products for name in spec.instruments_of(pattern)}
    raw_only = [
        item.name for item in spec.instruments if item.is_detector and item.name in set(instruments) - delivered
    ]
    return [
        *left,
        *(("notOrganised", f"files of {name} stay in the raw data, as they were fetched") for name in raw_only),
    ]


def _subset(filed: FiledProduct, instruments: Sequence[str]) -> tuple[str, ...]:
    """Return the chosen instruments of an event list with several instruments, or () if the list stays complete."""
    chosen = tuple(name for name in filed.instruments if name in instruments)
    together = filed.pattern.kind == "events" and len(filed.instruments) > 1
    return chosen if together and chosen != filed.instruments else ()


def packed_suffix(path: str) -> str:
    """Return the suffix of a product: `.fits.gz` for a compression that FITS readers can open, else `.fits`."""
    return ".fits.gz" if path.endswith((".gz", ".FTZ")) else ".fits"


def _place(source: Path, target: Path, how: str, final: Path) -> None:
    """Link, clone or copy a raw file to the path of a product, so that a change of the product never changes the raw file.

    `final` is the later path of the product, for the text of a link, which leads through the archive's link to the raw
    store. A file to be moved gets a second name; the last step removes it from the store.
    """
    if how == "move":
        _take(source.resolve(), target)
    elif how == "copy" or not _linked(source, target, final):
        copy_file(source.resolve(), target)


def _linked(source: Path, target: Path, final: Path) -> bool:
    """Make a product that takes no space: a clone, or else a link to the raw file, which becomes read-only."""
    real = source.resolve()
    return clone_file(real, target) or link_read_only(real, target, os.path.relpath(source, final.parent))


def _take(source: Path, target: Path) -> None:
    """Give a raw file a second name without a copy. Copy it if another product has taken it already."""
    if source.stat().st_nlink == 1:
        with suppress(OSError):
            os.link(source, target)
            return
    copy_file(source, target)
