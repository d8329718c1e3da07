"""Command lines of every eSASS step, from options: pure functions.

Source: eSASS help of flaregti, evtool and expmap (EDR and DR1).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daxa_wf.errors import ConfigError
from daxa_wf.observatories.erosita.esass.tasks import ESASS_TASKS as TASKS
from daxa_wf.observatories.erosita.esass.tasks import TELESCOPE_MODULES
from daxa_wf.observatories.erosita.flare_options import FlaregtiOptions
from daxa_wf.observatories.erosita.native.region import parse_region
from daxa_wf.observatories.erosita.options import EvtoolOptions
from daxa_wf.tools.spec import Command, ParameterValue
from daxa_wf.units import Band

EVENTS, IMAGE, LIGHT_CURVE, MASK, THRESHOLDS = (
    "events.fits",
    "image.fits",
    "lightcurve.fits",
    "mask.fits",
    "thresholds.fits",
)
"""Names in the working directory."""

SKY_PIXELS_PER_PIXEL = 80
"""Binning of an image whose pixels are 4 arcsec."""


def flaregti(events: Path, options: FlaregtiOptions) -> list[Command]:
    """Return the command that writes good times without flares, as FLAREGTIn, into a copy of the list.

    Options that eSASS does not have are left out, and the usual `gtitype`, which early releases do not have.
    """
    (pimin, pimax), (mask_pimin, mask_pimax) = options.band, options.mask_band
    values = dict(options) | {"pimin": pimin, "pimax": pimax, "mask_pimin": mask_pimin, "mask_pimax": mask_pimax}
    if options.gtitype == "GTI":
        del values["gtitype"]
    names = [name for name in TASKS["flaregti"].by_name if name in values]
    parameters: dict[str, ParameterValue] = {"eventfile": EVENTS, **{name: values[name] for name in names}}
    parameters |= {"write_mask": True, "mask": MASK, "write_lightcurve": True, "lightcurve": LIGHT_CURVE}
    parameters |= {"write_thresholdimg": True, "thresholdimg": THRESHOLDS}
    products = {"events": EVENTS, "lightcurve": LIGHT_CURVE, "maskimage": MASK, "thresholdimage": THRESHOLDS}
    return [TASKS["flaregti"].command(parameters, products=products, copies={EVENTS: events})]


def evtool(events: Path, options: EvtoolOptions) -> list[Command]:
    """Return the command that cleans a list of flaregti: by FLAREGTIn or GTIn, pattern, flag, energy, region, modules.

    Flagged events are dropped, or, with `flagged` "only", only they are kept: eSASS calls that flag_invert=yes.
    """
    parameters: dict[str, ParameterValue] = {
        "eventfiles": EVENTS, "gti": options.gti, "outfile": "finalevents.fits", "flag": f"{options.flag:#x}",
    }  # fmt: skip
    if options.flagged == "only":
        parameters["flag_invert"] = True
    parameters |= {"pattern": options.pattern, "emin": options.lo_en, "emax": options.hi_en}
    if numbers := module_numbers(options.modules):
        parameters["telid"] = numbers
    if options.region:
        parameters["region"] = str(parse_region(options.region))
    return [TASKS["evtool"].command(parameters, products={"finalevents": "finalevents.fits"}, links={EVENTS: events})]


def images(events: Path, bands: Sequence[Band], rebin: int = SKY_PIXELS_PER_PIXEL) -> list[Command]:
    """Return one command a band (keV), which makes its image of a cleaned list; `rebin` sky pixels of 0.05 arcsec to a pixel."""
    return [
        TASKS["evtool"].command(
            {
                "eventfiles": EVENTS, "outfile": f"{band.label}-image.fits", "events": False, "image": True,
                "size": "auto", "rebin": rebin, "center_position": "auto", "emin": band.low, "emax": band.high,
            },
            products={f"{band.label}-image": f"{band.label}-image.fits"},
            links={EVENTS: events},
        )
        for band in bands
    ]  # fmt: skip


def exposure_maps(
    events: Path, images: dict[str, Path], bands: Sequence[Band], vignetting: bool = True, gti: str = "FLAREGTI"
) -> list[Command]:
    """Return one command a band, which makes its map of the times in the tables `gti`n.

    A map has the pixels of its band's image; `images`: band label -> image.
    """
    return [
        TASKS["expmap"].command(
            {
                "inputdatasets": EVENTS, "templateimage": IMAGE, "emin": band.low, "emax": band.high,
                "withsinglemaps": False, "withmergedmaps": True, "mergedmaps": f"{band.label}-expmap.fits",
                "withvignetting": vignetting, "gtitype": gti,
            },
            products={f"{band.label}-expmap": f"{band.label}-expmap.fits"},
            links={EVENTS: events, IMAGE: images[band.label]},
        )
        for band in bands
    ]  # fmt: skip


def module_numbers(modules: Sequence[str]) -> list[str]:
    """Return TM1, TM2 ... as telid takes them, or [] for all of them. ConfigError if a name is not a telescope module."""
    numbers = sorted({module.removeprefix("TM") for module in modules})
    unknown = set(numbers) - set(TELESCOPE_MODULES)
    if unknown:
        raise ConfigError(f"TM{', TM'.join(sorted(unknown))} is not a telescope module; choose from TM1 to TM7")
    return [] if len(numbers) in (0, len(TELESCOPE_MODULES)) else numbers
