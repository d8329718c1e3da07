"""exposure_maps: exposure maps of an instrument, on the pixels of its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daxa_wf.archive.layout import Layout
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.xmm.epic_units import electron_volts
from daxa_wf.observatories.xmm.results import EpicImageResults
from daxa_wf.observatories.xmm.steps.calibrated import calibrated_list
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.options import ExposureMapsOptions


def run(unit: Unit, inputs: Inputs, options: ExposureMapsOptions, workspace: Workspace) -> Outcome:
    """Make one map for each band, with the engine of the options."""
    del unit
    return (_with_sas if options.engine == "sas" else _natively)(inputs, options, workspace)


def _natively(inputs: Inputs, options: ExposureMapsOptions, workspace: Workspace) -> Outcome:
    """Add the maps of several exposures, each with its own pointing."""
    from daxa_wf.events.gti import union
    from daxa_wf.events.image import pi_ranges
    from daxa_wf.observatories.xmm.native.attitude import read_drift
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.exposure_map import exposure_maps, write_exposure_map
    from daxa_wf.observatories.xmm.native.images import epic_grid

    layout, images = workspace.layout, EpicImageResults.from_record(inputs.record("images"))
    cleaned = [record.product("cleanevents") for record in inputs.records["evselect"] if record.done]
    exposures = [EpicEventList.open(layout.find(path)) for path in cleaned]
    final = EpicEventList.open(layout.find(inputs.record("merge").product("finalevents")))
    attitude = inputs.file("attitude") or calibrated_list(inputs, workspace, "attitude")
    drifts = None
    if attitude is not None:
        drifts = [read_drift(attitude, events.plane, union(*events.gtis.values())) for events in exposures]
    energies = [(band.low + band.high) / 2 for band in images.bands]
    grid, vignetting = epic_grid(images.bin_size), options.vignetting
    maps = exposure_maps(exposures, grid, final.plane, energies, vignetting, drifts)
    ranges = pi_ranges([electron_volts(band) for band in images.bands])
    for band, energy_range, seconds in zip(images.bands, ranges, maps.seconds, strict=True):
        write_exposure_map(
            workspace.stage("expmap", band), final, grid, energy_range, seconds, vignetting, maps.selected_by
        )
    longest = [float(seconds.max()) for seconds in maps.seconds]
    numbers = {
        "maximum_seconds": longest,
        "vignetting": vignetting,
        "attitude": attitude is not None,
        "selected_by": list(maps.selected_by),
    }
    warnings = [finding.warning("exposure_maps") for finding in maps.findings]
    return Outcome(numbers, warnings, f"up to {max(longest):.0f} s")


def _with_sas(inputs: Inputs, options: ExposureMapsOptions, workspace: Workspace) -> Outcome:
    """Run eexpmap for each band, with the attitude series of epchain or emchain, or else one made from the raw data."""
    from daxa_wf.chain.toolkit import pixels_of
    from daxa_wf.observatories.xmm.sas.commands import atthkgen
    from daxa_wf.observatories.xmm.sas.list_commands import exposure_maps
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    tools, layout = SasTools(workspace), workspace.layout
    bands = EpicImageResults.from_record(inputs.record("images")).bands
    pictures = [layout.find(stamp.path) for stamp in inputs.record("images").products if stamp.kind == "image"]
    images = {band.label: path for band in bands for path in pictures if f"-{band.label}-" in path.name}
    attitude = calibrated_list(inputs, workspace, "attitude")
    if attitude is None:
        attitude = tools.run(atthkgen(tools.whole_odf(inputs)), name="attitude")["attitude"]
    events = layout.find(inputs.record("merge").product("finalevents"))
    vignetting = options.vignetting
    products = tools.run(
        exposure_maps(events, images, attitude, tools.summary_only(inputs), bands, vignetting), name="maps"
    )
    longest = []
    for band in bands:
        made = products[f"{band.label}-expmap"]
        longest.append(float(pixels_of(made).max()))
        tools.take("expmap", made, band=band)
    numbers = {"maximum_seconds": longest, "vignetting": vignetting, "attitude": True}
    return Outcome(numbers, selections_unknown_to_sas(inputs, workspace.layout), f"up to {max(longest):.0f} s")


def selections_unknown_to_sas(inputs: Inputs, layout: Layout) -> list[dict[str, str]]:
    """Return a warning for each cleaned list that was selected by position. A selection by CCD is known to eexpmap."""
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.selected_places import selected_places

    warnings = []
    for record in inputs.records["evselect"]:
        if record.done:
            places = selected_places(EpicEventList.open(layout.find(record.product("cleanevents"))))
            if by := [column for column in places.columns if column != "CCDNR"]:
                text = (
                    f"events of {record.unit.identifier} were selected by {', '.join(by)}, and it is not known whether "
                    "eexpmap leaves other places out; 'exposure_maps: {engine: native}' does"
                )
                warnings.append({"task": "exposure_maps", "name": "selectionNotInMap", "text": text})
    return warnings
