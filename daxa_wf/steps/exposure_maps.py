"""exposure_maps: exposure maps of an instrument, on the pixels of its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Band, Unit
from daxa_wf.steps.images import electron_volts
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """One map a band; of several exposures the sum, each where it pointed."""
    from daxa_wf.events.attitude import read_drift
    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.exposure_map import exposure_maps, write_exposure_map
    from daxa_wf.events.gti import union
    from daxa_wf.events.image import SkyGrid
    from daxa_wf.events.tangent_plane import plane_of

    del unit
    layout, images = workspace.layout, inputs.record("images").results
    cleaned = [record.product("cleanevents") for record in inputs.records["evselect"] if record.done]
    exposures = [EventList.open(layout.find(path)) for path in cleaned]
    final = EventList.open(layout.find(inputs.record("merge").product("finalevents")))
    attitude = inputs.file("attitude")
    drifts = None
    if attitude is not None:
        drifts = [read_drift(attitude, plane_of(events), union(*events.gtis.values())) for events in exposures]
    bands = [Band(*edges) for edges in images["bands"]]
    energies = [(band.low + band.high) / 2 for band in bands]
    grid, vignetting = SkyGrid(images["bin_size"]), options["vignetting"]
    maps = exposure_maps(exposures, grid, plane_of(final), energies, vignetting, drifts)
    for band, seconds in zip(bands, maps.seconds, strict=True):
        write_exposure_map(workspace.stage("expmap", band), final, grid, electron_volts(band), seconds, vignetting)
    longest = [float(seconds.max()) for seconds in maps.seconds]
    numbers = {"maximum_seconds": longest, "vignetting": vignetting, "attitude": attitude is not None}
    return Outcome(numbers, maps.warnings, f"up to {max(longest):.0f} s")
