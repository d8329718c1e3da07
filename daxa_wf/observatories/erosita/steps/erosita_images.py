"""erosita_images: counts images of an eROSITA observation's final event list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.erosita.results import ErositaCleaningResults, ErositaImageResults
from daxa_wf.observatories.erosita.steps.event_lists import together
from daxa_wf.observatories.erosita.steps.jobs import ImagesJob
from daxa_wf.units import Band, Unit


def run(unit: Unit, inputs: Inputs, job: ImagesJob, workspace: Workspace) -> Outcome:
    """Write one image a band of all telescope modules together, as large as the events reach."""
    record, bin_size = inputs.record("evtool"), job.bin_size
    cleaned = ErositaCleaningResults.from_record(record)
    events = workspace.layout.find(record.product("finalevents"))
    bands = [bounds.band for bounds in job.bands]
    outputs = [workspace.stage("image", band, unit=together(unit, cleaned.module_numbers)) for band in bands]
    if job.with_esass:
        counts = _with_esass(events, bands, bin_size, outputs, workspace)
    else:
        counts = _natively(events, cleaned.module_numbers, bands, bin_size, outputs)
    results = ErositaImageResults(
        cleaned.modules, bin_size, bands=tuple((band.low, band.high) for band in bands), counts=tuple(counts)
    )
    return Outcome(results.as_results(), [], results.message)


def _natively(
    path: Path, modules: tuple[int, ...], bands: Sequence[Band], bin_size: int, outputs: Sequence[Path]
) -> list[int]:
    """Write all images in one pass over the list, on the same pixels. Return the counts in each."""
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
    from daxa_wf.observatories.erosita.native.images import automatic_grid, bin_images, write_image
    from daxa_wf.observatories.erosita.native.selection import EvtoolParameters, selection_of

    # The list holds only events that evtool selected.
    selection = selection_of(ErositaEventList.open(path), EvtoolParameters(telid=modules))
    grid = automatic_grid(selection, bin_size)
    edges = [(band.low, band.high) for band in bands]
    images = bin_images(selection, edges, grid)
    for output, band, image in zip(outputs, edges, images, strict=True):
        write_image(output, selection, grid, band, image)
    return [int(image.counts.sum()) for image in images]


def _with_esass(
    path: Path, bands: Sequence[Band], bin_size: int, outputs: Sequence[Path], workspace: Workspace
) -> list[int]:
    """Run one evtool a band. Return the counts in each image."""
    from daxa_wf.chain.toolkit import pixels_of
    from daxa_wf.observatories.erosita.esass.commands import images
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    made = EsassTools(workspace).run(images(path, bands, bin_size))
    counts = []
    for band, output in zip(bands, outputs, strict=True):
        image = made[f"{band.label}-image"]
        counts.append(int(pixels_of(image).sum()))
        image.replace(output)
    return counts
