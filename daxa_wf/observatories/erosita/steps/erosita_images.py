"""erosita_images: counts images of an eROSITA observation's final event list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.erosita.steps.event_lists import module_numbers, together
from daxa_wf.observatories.xmm.steps.images import SKY_PIXEL, counts_said
from daxa_wf.units import Band, Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Make one image for each band from all telescope modules together, large enough for all events."""
    cleaned = inputs.record("evtool")
    modules = module_numbers(cleaned.results)
    events = workspace.layout.find(cleaned.product("finalevents"))
    bands = [Band(each["lo_en"], each["hi_en"]) for each in options["bands"]]
    outputs = [workspace.stage("image", band, unit=together(unit, modules)) for band in bands]
    bin_size = round(options["pixel_size"] / SKY_PIXEL)
    if options["engine"] == "esass":
        counts = _with_esass(events, bands, bin_size, outputs, workspace)
    else:
        counts = _natively(events, modules, bands, bin_size, outputs)
    numbers = {
        "modules": cleaned.results["modules"],
        "bin_size": bin_size,
        "bands": [[band.low, band.high] for band in bands],
        "counts": counts,
    }
    return Outcome(numbers, [], counts_said(bands, counts))


def _natively(
    path: Path, modules: tuple[int, ...], bands: Sequence[Band], bin_size: int, outputs: Sequence[Path]
) -> list[int]:
    """Make all images in one pass over the event list, on the same pixels. Return the counts of each."""
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
    from daxa_wf.observatories.erosita.native.images import automatic_grid, bin_images, write_image
    from daxa_wf.observatories.erosita.native.selection import EvtoolParameters, selection_of

    # The list holds nothing but what evtool selected.
    everything = EvtoolParameters(pattern=0, flag=None, emin=None, emax=None, gti="GTI", telid=modules)
    selection = selection_of(ErositaEventList.open(path), everything)
    grid = automatic_grid(selection, bin_size)
    edges = [(band.low, band.high) for band in bands]
    images = bin_images(selection, edges, grid)
    for output, band, image in zip(outputs, edges, images, strict=True):
        write_image(output, selection, grid, band, image)
    return [int(image.counts.sum()) for image in images]


def _with_esass(
    path: Path, bands: Sequence[Band], bin_size: int, outputs: Sequence[Path], workspace: Workspace
) -> list[int]:
    """Run evtool for each band. Return the counts of each image."""
    from daxa_wf.chain.toolkit import pixels_of
    from daxa_wf.observatories.erosita.esass.commands import images
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    made = EsassTools(workspace).run(images(path, bands, bin_size))
    counts = []
    for band, output in zip(bands, outputs, strict=True):
        picture = made[f"{band.label}-image"]
        counts.append(int(pixels_of(picture).sum()))
        picture.replace(output)
    return counts
