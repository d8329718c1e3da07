"""preprocessed: the products that the archive made, by the names and in the layout of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from daxa_wf.acquire.paths import glob_expression
from daxa_wf.archive.layout import NO_EXPOSURE, Band, Unit
from daxa_wf.errors import UnfitDataError
from daxa_wf.files import clone_file, copy_file, link_read_only
from daxa_wf.missions.spec import MissionSpec, ProductPattern
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Link, copy or move every product that the mission's patterns find; UnfitDataError if there is none."""
    from daxa_wf.missions import MISSIONS

    spec = MISSIONS[unit.mission]
    raw = workspace.layout.raw(unit)
    paths = [each["path"] for each in inputs.record("acquire").results["files"]]
    made = []
    for pattern, path, exposure in products_in(spec, unit.obsid, paths, options["instruments"]):
        subset = _subset(spec, pattern, options["instruments"])
        instrument = "_".join(subset) or pattern.instrument
        here = Unit(unit.mission, unit.obsid, instrument, exposure or NO_EXPOSURE)
        for band in pattern.bands or (None,):
            edges = Band(band.low, band.high) if band else None
            target = workspace.stage(pattern.kind, edges, ".fits" if subset else packed_suffix(path), here)
            if subset:
                _write_subset(raw / path, target, subset)
            else:
                _place(raw / path, target, options["place"], workspace.staged[target][1])
            made.append({"kind": pattern.kind, "inst": instrument, "exposure": exposure, "from": path,
                         "band": [band.low, band.high] if band else None})  # fmt: skip
    if options["place"] == "move":
        for name in {str(each["from"]) for each in made}:
            (raw / name).resolve().unlink()
    if not made:
        raise UnfitDataError("noProducts", f"{spec.pretty_name} {unit.obsid}: no product among {len(paths)} files")
    counts = {kind: sum(each["kind"] == kind for each in made) for kind in dict.fromkeys(each["kind"] for each in made)}
    return Outcome({"products": made}, [], ", ".join(f"{count} {kind}" for kind, count in counts.items()))


def products_in(
    spec: MissionSpec, obsid: str, paths: Sequence[str], instruments: Sequence[str]
) -> list[tuple[ProductPattern, str, str]]:
    """Pattern, path and exposure of every product among an observation's paths.

    Where an instrument may have several, what `*` first stands for, without punctuation, is the exposure.
    """
    found: dict[tuple[str, str, str, str], tuple[ProductPattern, str, str]] = {}
    for pattern in spec.products:
        if pattern.instrument not in instruments and pattern.instrument in [each.name for each in spec.instruments]:
            continue
        expression = glob_expression(pattern.glob.replace("{obsid}", obsid))
        lower = glob_expression(pattern.glob.replace("{obsid}", obsid.lower()))
        for path in sorted(paths):
            match = expression.fullmatch(path) or lower.fullmatch(path)
            if match is None:
                continue
            exposure = "".join(letter for letter in match[1] if letter.isalnum()) if pattern.several else ""
            bands = " ".join(band.code for band in pattern.bands)
            found.setdefault((pattern.kind, pattern.instrument, exposure, bands), (pattern, path, exposure))
    return list(found.values())


def _subset(spec: MissionSpec, pattern: ProductPattern, instruments: Sequence[str]) -> tuple[str, ...]:
    """The chosen ones of the instruments that an event list holds together (eROSITA's telescope modules); () for all."""
    together = [each.name for each in spec.instruments]
    if pattern.kind != "events" or pattern.instrument in together or set(together) <= set(instruments):
        return ()
    return tuple(name for name in together if name in instruments)


def _write_subset(source: Path, target: Path, modules: Sequence[str]) -> None:
    from daxa_wf.events.erosita.event_file import ErositaEventFile
    from daxa_wf.events.erosita.telescope_modules import parse_modules, select_modules

    select_modules(ErositaEventFile.open(source.resolve()), parse_modules(modules), target)


def packed_suffix(path: str) -> str:
    """`.fits`, and how it is packed."""
    packed = next((suffix for suffix in (".gz", ".Z") if path.endswith(suffix)), ".gz" if path.endswith(".FTZ") else "")
    return f".fits{packed}"


def _place(source: Path, target: Path, how: str, final: Path) -> None:
    """Put a raw file where a product is to be, so that a change of the product never changes the raw file.

    `final` is where the product will be, for the text of a link: it leads through the archive's own link to the raw store.
    A file that is to be moved is taken as it is; the last step removes it from the store.
    """
    if how == "move":
        _take(source.resolve(), target)
    elif how == "copy" or not _linked(source, target, final):
        copy_file(source.resolve(), target)


def _linked(source: Path, target: Path, final: Path) -> bool:
    """Make a product that takes no space: a clone, or else a link to the raw file, which nobody can write to then."""
    real = source.resolve()
    return clone_file(real, target) or link_read_only(real, target, os.path.relpath(source, final.parent))


def _take(source: Path, target: Path) -> None:
    """Give a raw file a second name, without a copy, unless another product has taken it already."""
    if source.stat().st_nlink == 1:
        with suppress(OSError):
            os.link(source, target)
            return
    copy_file(source, target)
