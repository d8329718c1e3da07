"""erosita_exposure_maps: exposure maps of an eROSITA observation, on the pixels of its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.erosita.steps.event_lists import module_numbers, together
from daxa_wf.units import Band, Unit

REGION_NOT_IN_MAP = {
    "task": "expmap",
    "name": "selectionNotInMap",
    "text": "events were selected by 'evtool.region', and it is not known whether expmap leaves other places out; the native "
    "engine does",
}

Maps = tuple[list[float], list[dict[str, str]]]
"""Longest exposure in each band in seconds, and warnings."""


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Make one map for each band: the mean over the telescope modules, for the time that evtool kept."""
    cleaned, pictures = inputs.record("evtool"), inputs.record("erosita_images")
    modules = module_numbers(cleaned.results)
    events = workspace.layout.find(cleaned.product("finalevents"))
    bands = [Band(*edges) for edges in pictures.results["bands"]]
    stamps = [stamp for stamp in pictures.products if stamp.kind == "image"]
    images = [workspace.layout.find(stamp.path) for stamp in stamps]
    outputs = [workspace.stage("expmap", band, unit=together(unit, modules)) for band in bands]
    vignetted, gti = options["vignetting"] != "none", cleaned.parameters["gti"]
    region = cleaned.parameters["region"]
    if options["engine"] == "esass":
        longest, warnings = _with_esass(events, gti, bands, images, outputs, vignetted, workspace)
        warnings += [REGION_NOT_IN_MAP] if region else []
    else:
        longest, warnings = _natively(events, gti, modules, bands, images, outputs, vignetted, region)
    numbers = {"modules": cleaned.results["modules"], "maximum_seconds": longest, "vignetted": vignetted}
    return Outcome(numbers, warnings, f"up to {max(longest):.0f} s")


def _natively(
    path: Path, gti: str, modules: tuple[int, ...], bands: Sequence[Band], images: Sequence[Path],
    outputs: Sequence[Path], vignetted: bool, region: str,
) -> Maps:  # fmt: skip
    import fitsio

    from daxa_wf.events.sky_grid import grid_of_image
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
    from daxa_wf.observatories.erosita.native.exposure_maps import exposure_maps, write_exposure_map
    from daxa_wf.observatories.erosita.native.region import parse_region
    from daxa_wf.observatories.erosita.native.selection import selected_times

    events = ErositaEventList.open(path)
    good = selected_times(events, gti, modules)
    selected = parse_region(region) if region else None
    longest: list[float] = []
    warnings: list[dict[str, str]] = []
    # Band by band: the maps of all telescope modules are in memory at once.
    for band, image, output in zip(bands, images, outputs, strict=True):
        # fitsio starts in less than half of the time of astropy.io.fits; cfitsio may crash on a damaged file, but this is ours.
        grid, edges = grid_of_image(fitsio.read_header(image)), (band.low, band.high)
        maps = exposure_maps(events, good, grid, [edges], vignetted, region=selected)
        write_exposure_map(output, events, grid, edges, maps.merged[0], vignetted, selected)
        longest.append(float(maps.merged[0].max()))
        found = [each.warning("expmap") for each in maps.findings]
        warnings += [each for each in found if each not in warnings]
    return longest, warnings


def _with_esass(
    path: Path, gti: str, bands: Sequence[Band], images: Sequence[Path], outputs: Sequence[Path], vignetted: bool,
    workspace: Workspace,
) -> Maps:  # fmt: skip
    from daxa_wf.chain.toolkit import pixels_of
    from daxa_wf.observatories.erosita.esass.commands import exposure_maps
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    templates = {band.label: image for band, image in zip(bands, images, strict=True)}
    made = EsassTools(workspace).run(exposure_maps(path, templates, bands, vignetted, gti))
    longest = []
    for band, output in zip(bands, outputs, strict=True):
        seconds = made[f"{band.label}-expmap"]
        longest.append(float(pixels_of(seconds).max()))
        seconds.replace(output)
    return longest, []
