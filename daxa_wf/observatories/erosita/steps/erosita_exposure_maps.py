"""erosita_exposure_maps: exposure maps of an eROSITA observation, on the pixels of its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.erosita.options import EvtoolOptions
from daxa_wf.observatories.erosita.results import ErositaCleaningResults, ErositaImageResults, ExposureResults
from daxa_wf.observatories.erosita.steps.event_lists import together
from daxa_wf.observatories.erosita.steps.jobs import EvtoolJob, ExposureMapsJob
from daxa_wf.units import Band, Unit

REGION_NOT_IN_MAP = {
    "task": "expmap",
    "name": "selectionNotInMap",
    "text": "events were selected by 'evtool.region', and it is not known whether expmap leaves other places out; the native "
    "engine does",
}

Maps = tuple[list[float], list[dict[str, str]]]
"""Longest exposure in each band in seconds, and warnings."""


@dataclass(frozen=True)
class MapOfBand:
    """The exposure map of one band: the image whose pixels it takes, and the file that it is written to."""

    band: Band
    image: Path
    output: Path


def run(unit: Unit, inputs: Inputs, job: ExposureMapsJob, workspace: Workspace) -> Outcome:
    """Write one map a band: the mean over the telescope modules, of the times that evtool kept."""
    record, of_images = inputs.record("evtool"), inputs.record("erosita_images")
    cleaned, selection = ErositaCleaningResults.from_record(record), EvtoolJob.from_values(record.parameters)
    events = workspace.layout.find(record.product("finalevents"))
    images = [workspace.layout.find(stamp.path) for stamp in of_images.products if stamp.kind == "image"]
    of_unit = together(unit, cleaned.module_numbers)
    maps = [
        MapOfBand(band, image, workspace.stage("expmap", band, unit=of_unit))
        for band, image in zip(ErositaImageResults.from_record(of_images).energy_bands, images, strict=True)
    ]
    vignetted = job.vignetting != "none"
    if job.with_esass:
        longest, warnings = _with_esass(events, selection, maps, vignetted, workspace)
    else:
        longest, warnings = _natively(events, selection, cleaned.module_numbers, maps, vignetted)
    results = ExposureResults(cleaned.modules, tuple(longest), vignetted)
    return Outcome(results.as_results(), warnings, f"up to {max(longest):.0f} s")


def _natively(
    path: Path, selection: EvtoolOptions, modules: tuple[int, ...], maps: list[MapOfBand], vignetted: bool
) -> Maps:
    """Write the maps of the places and times that `selection` kept."""
    import fitsio

    from daxa_wf.events.sky_grid import grid_of_image
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
    from daxa_wf.observatories.erosita.native.exposure_maps import exposure_maps, write_exposure_map
    from daxa_wf.observatories.erosita.native.region import parse_region
    from daxa_wf.observatories.erosita.native.selection import selected_times

    events = ErositaEventList.open(path)
    good = selected_times(events, selection.gti, modules)
    region = parse_region(selection.region) if selection.region else None
    longest: list[float] = []
    warnings: list[dict[str, str]] = []
    # Band by band: the maps of all telescope modules are in memory at once.
    for one in maps:
        # fitsio starts in less than half of the time of astropy.io.fits; cfitsio may crash on a damaged file, but this is ours.
        grid, edges = grid_of_image(fitsio.read_header(one.image)), (one.band.low, one.band.high)
        exposure = exposure_maps(events, good, grid, [edges], vignetted, region=region)
        write_exposure_map(one.output, events, grid, edges, exposure.merged[0], vignetted, region)
        longest.append(float(exposure.merged[0].max()))
        texts = [finding.warning("expmap") for finding in exposure.findings]
        warnings += [text for text in texts if text not in warnings]
    return longest, warnings


def _with_esass(
    path: Path, selection: EvtoolOptions, maps: list[MapOfBand], vignetted: bool, workspace: Workspace
) -> Maps:
    """Run one expmap a band; its release decides what becomes of places that `selection` left out."""
    from daxa_wf.chain.toolkit import pixels_of
    from daxa_wf.observatories.erosita.esass.commands import exposure_maps
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    templates = {one.band.label: one.image for one in maps}
    bands = [one.band for one in maps]
    made = EsassTools(workspace).run(exposure_maps(path, templates, bands, vignetted, selection.gti))
    longest = []
    for one in maps:
        exposure = made[f"{one.band.label}-expmap"]
        longest.append(float(pixels_of(exposure).max()))
        exposure.replace(one.output)
    return longest, [REGION_NOT_IN_MAP] if selection.region else []
