"""images: counts images of an instrument's final event list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Band, Unit
from daxa_wf.steps.runner import Inputs, Outcome, Workspace

SKY_PIXEL = 0.05
"""Size in arcsec of a pixel of X and Y."""


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """One image a band, all in one pass over the list."""
    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.image import SkyGrid, bin_images, write_image

    del unit
    events = EventList.open(workspace.layout.find(inputs.record("merge").product("finalevents")))
    bands = [Band(each["lo_en"], each["hi_en"]) for each in options["bands"]]
    grid = SkyGrid(round(options["pixel_size"] / SKY_PIXEL))
    ranges = [electron_volts(band) for band in bands]
    images = bin_images(events, ranges, grid)
    for band, energies, image in zip(bands, ranges, images, strict=True):
        write_image(workspace.stage("image", band), events, grid, energies, image)
    counts = [int(image.counts.sum()) for image in images]
    numbers = {
        "bin_size": grid.bin_size,
        "bands": [[band.low, band.high] for band in bands],
        "counts": counts,
        "outside": [image.outside for image in images],
    }
    said = ", ".join(f"{band.label}: {count} counts" for band, count in zip(bands, counts, strict=True))
    return Outcome(numbers, [], said)


def electron_volts(band: Band) -> tuple[int, int]:
    """A band's edges as PI has them."""
    return round(band.low * 1000), round(band.high * 1000)
