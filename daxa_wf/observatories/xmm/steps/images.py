"""images: counts images of an instrument's final event list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.layout import band_of
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.xmm.epic_units import SKY_PIXEL, electron_volts
from daxa_wf.observatories.xmm.results import EpicImageResults
from daxa_wf.units import Band, Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.options import ImagesOptions


def run(unit: Unit, inputs: Inputs, options: ImagesOptions, workspace: Workspace) -> Outcome:
    """Make one image for each band, with the engine of the options."""
    del unit
    events = workspace.layout.find(inputs.record("merge").product("finalevents"))
    engine = _with_sas if options.engine == "sas" else _natively
    results = engine(inputs, options, workspace, events)
    return Outcome(results.as_results(), bands_cut_off(results.bands, band_of(events.name)), results.message)


def _natively(_: Inputs, options: ImagesOptions, workspace: Workspace, path: Path) -> EpicImageResults:
    """Make all images in one pass over the event list."""
    from daxa_wf.events.image import pi_ranges
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.images import bin_images, epic_grid, write_image

    events = EpicEventList.open(path)
    bands = tuple(energies.band for energies in options.bands)
    bin_size = round(options.pixel_size / SKY_PIXEL)
    grid = epic_grid(bin_size)
    ranges = pi_ranges([electron_volts(band) for band in bands])
    images = bin_images(events, ranges, grid)
    for band, energies, image in zip(bands, ranges, images, strict=True):
        write_image(workspace.stage("image", band), events, grid, energies, image)
    counts = tuple(int(image.counts.sum()) for image in images)
    return EpicImageResults(bin_size, bands, counts, outside=tuple(image.outside for image in images))


def _with_sas(inputs: Inputs, options: ImagesOptions, workspace: Workspace, events: Path) -> EpicImageResults:
    """Run evselect for each band, on the pixels of the native images."""
    from daxa_wf.chain.toolkit import pixels_of
    from daxa_wf.observatories.xmm.sas.list_commands import images
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    tools, bands = SasTools(workspace), tuple(energies.band for energies in options.bands)
    products = tools.run(images(events, tools.summary_only(inputs), bands, options.pixel_size))
    counts = []
    for band in bands:
        made = products[f"{band.label}-image"]
        counts.append(int(pixels_of(made).sum()))
        tools.take("image", made, band=band)
    return EpicImageResults(round(options.pixel_size / SKY_PIXEL), bands, tuple(counts))


def bands_cut_off(bands: Sequence[Band], kept: Band | None) -> list[dict[str, str]]:
    """Return a warning for each band that the event list covers only partly. `kept`: the list's energies, None for all."""
    cut = [band for band in bands if kept is not None and (band.low < kept.low or band.high > kept.high)]
    return [
        {
            "task": "images",
            "name": "bandNotInList",
            "text": f"the image {band.label} holds a part of its band only: the list was cut to {kept.label}",
        }
        for band in cut
        if kept is not None
    ]
