"""Make the command lines of the eSASS steps from options, as pure functions.

Options are the sections Flaregti and Evtool as plain data. Source: eSASS help of flaregti, evtool and expmap (EDR and DR1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_wf.errors import ConfigError
from daxa_wf.observatories.erosita.esass.tasks import ESASS_TASKS as TASKS
from daxa_wf.observatories.erosita.esass.tasks import TELESCOPE_MODULES
from daxa_wf.observatories.erosita.native.region import parse_region
from daxa_wf.tools.spec import Command, Value
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


def flaregti(events: Path, options: Mapping[str, Any]) -> list[Command]:
    """Find the flare-free good time, and write it into a copy of the list as FLAREGTIn. Raw files are never modified.

    Options that eSASS lacks are omitted, and also the usual `gtitype`, which early releases do not know.
    """
    told = {
        name: round(value * 1000) if name.endswith(("pimin", "pimax")) else value
        for name, value in options.items()
        if name in TASKS["flaregti"].by_name and (name, value) != ("gtitype", "GTI")
    }
    parameters: dict[str, Value] = {"eventfile": EVENTS, **told}
    parameters |= {"write_mask": True, "mask": MASK, "write_lightcurve": True, "lightcurve": LIGHT_CURVE}
    parameters |= {"write_thresholdimg": True, "thresholdimg": THRESHOLDS}
    products = {"events": EVENTS, "lightcurve": LIGHT_CURVE, "maskimage": MASK, "thresholdimage": THRESHOLDS}
    return [TASKS["flaregti"].command(parameters, products=products, copies={EVENTS: events})]


def evtool(events: Path, options: Mapping[str, Any]) -> list[Command]:
    """Clean a list with FLAREGTIn: select by FLAREGTIn or GTIn, pattern, flag, energy and telescope modules.

    Flagged events are dropped. With `flagged` "only", only they are kept, which eSASS calls flag_invert=yes.
    """
    parameters: dict[str, Value] = {
        "eventfiles": EVENTS,
        "gti": options["gti"],
        "outfile": "finalevents.fits",
        "flag": f"{options['flag']:#x}",
        **({"flag_invert": True} if options["flagged"] == "only" else {}),
        "pattern": options["pattern"],
        "emin": options["lo_en"],
        "emax": options["hi_en"],
    }
    numbers = module_numbers(options["modules"])
    if numbers:
        parameters["telid"] = numbers
    if options["region"]:
        parameters["region"] = str(parse_region(options["region"]))
    return [TASKS["evtool"].command(parameters, products={"finalevents": "finalevents.fits"}, links={EVENTS: events})]


def images(events: Path, bands: Sequence[Band], rebin: int = SKY_PIXELS_PER_PIXEL) -> list[Command]:
    """Make one image for each band (keV) from a cleaned list, with `rebin` sky pixels of 0.05 arcsec a pixel."""
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
    """Make one map for each band, on the pixels of its image (`images`: label -> image), for the times in the tables `gti`n."""
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
    """Convert TM1, TM2 ... to the form of telid, nothing for all modules. ConfigError for an unknown telescope module."""
    numbers = sorted({module.removeprefix("TM") for module in modules})
    unknown = set(numbers) - set(TELESCOPE_MODULES)
    if unknown:
        raise ConfigError(f"TM{', TM'.join(sorted(unknown))} is not a telescope module; choose from TM1 to TM7")
    return [] if len(numbers) in (0, len(TELESCOPE_MODULES)) else numbers
