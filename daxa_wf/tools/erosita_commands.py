"""Command lines of every eSASS step, from options: pure functions.

Sources: eSASS help of flaregti, evtool and expmap; defaults are those of the May-2024 DAXA manual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from daxa_wf.archive.layout import Band
from daxa_wf.errors import ConfigError
from daxa_wf.tools.tasks import TASKS, Command, Value
from daxa_wf.tools.tasks.esass import TELESCOPE_MODULES

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


@dataclass(frozen=True)
class Flaregti:
    """What flaregti is told, in its own names: energies in eV, sky pixels of 0.05 arcsec, `timebin` in s.

    `threshold` in count/s/deg2: below 0 it is found for every place.
    """

    pimin: float = 200
    pimax: float = 10000
    mask_pimin: float = 200
    mask_pimax: float = 10000
    xmin: float = -108000
    xmax: float = 108000
    ymin: float = -108000
    ymax: float = 108000
    gridsize: int = 18
    binsize: int = 1200
    detml: float = 10
    timebin: float = 20
    source_size: float = 25
    source_like: float = 10
    fov_radius: float = 30
    threshold: float = -1
    max_threshold: float = -1
    mask_iter: int = 3


@dataclass(frozen=True)
class Evtool:
    """What evtool is told: energies in keV, `flag` the bits that reject an event, or, inverted, that it must have."""

    emin: float = 0.2
    emax: float = 10.0
    pattern: int = 15
    flag: int = 0xC0000000
    flag_invert: bool = False


def flaregti(events: Path, options: Flaregti, modules: Sequence[str] = ()) -> list[Command]:
    """Good times without flares, written into a copy of the list as FLAREGTIn: raw files are never modified.

    `modules` (TM1 ..): only their events are copied, by evtool, so that the light curve is theirs alone.
    """
    parameters: dict[str, Value] = {"eventfile": EVENTS, **asdict(options)}
    parameters |= {"write_mask": True, "mask": MASK, "write_lightcurve": True, "lightcurve": LIGHT_CURVE}
    parameters |= {"write_thresholdimg": True, "thresholdimg": THRESHOLDS}
    products = {"events": EVENTS, "lightcurve": LIGHT_CURVE, "maskimage": MASK, "thresholdimage": THRESHOLDS}
    task = TASKS["flaregti"]
    numbers = module_numbers(modules)
    if not numbers:
        return [task.command(parameters, products=products, copies={EVENTS: events})]
    chosen: dict[str, Value] = {"eventfiles": "raw.fits", "outfile": EVENTS, "telid": numbers}
    return [
        TASKS["evtool"].command(chosen, products={"events": EVENTS}, links={"raw.fits": events}),
        task.command(parameters, products=products),
    ]


def evtool(events: Path, options: Evtool, modules: Sequence[str] = ()) -> list[Command]:
    """The cleaned list of a list that flaregti was run on: within FLAREGTIn, with pattern, flag, energy, modules."""
    if not options.emin < options.emax:
        raise ConfigError(f"evtool: emin = {options.emin} keV must be below emax = {options.emax} keV")
    parameters: dict[str, Value] = {
        "eventfiles": EVENTS,
        "gti": "FLAREGTI",
        "outfile": "finalevents.fits",
        "flag": f"{options.flag:#x}",
        **({"flag_invert": True} if options.flag_invert else {}),
        "pattern": options.pattern,
        "emin": options.emin,
        "emax": options.emax,
    }
    numbers = module_numbers(modules)
    if numbers:
        parameters["telid"] = numbers
    return [TASKS["evtool"].command(parameters, products={"finalevents": "finalevents.fits"}, links={EVENTS: events})]


def images(events: Path, bands: Sequence[Band], rebin: int = SKY_PIXELS_PER_PIXEL) -> list[Command]:
    """One image a band (keV) of a cleaned list; `rebin` sky pixels of 0.05 arcsec to a pixel."""
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
    events: Path, images: dict[str, Path], bands: Sequence[Band], vignetting: bool = True
) -> list[Command]:
    """One map a band, on the pixels of its image (`images`: band label -> image), of the flare-free times."""
    return [
        TASKS["expmap"].command(
            {
                "inputdatasets": EVENTS, "templateimage": IMAGE, "emin": band.low, "emax": band.high,
                "withsinglemaps": False, "withmergedmaps": True, "mergedmaps": f"{band.label}-expmap.fits",
                "withvignetting": vignetting, "gtitype": "FLAREGTI",
            },
            products={f"{band.label}-expmap": f"{band.label}-expmap.fits"},
            links={EVENTS: events, IMAGE: images[band.label]},
        )
        for band in bands
    ]  # fmt: skip


def module_numbers(modules: Sequence[str]) -> list[str]:
    """TM1, TM2 ... as telid takes them: nothing for all of them; ConfigError for what is no telescope module."""
    numbers = sorted({module.removeprefix("TM") for module in modules})
    unknown = set(numbers) - set(TELESCOPE_MODULES)
    if unknown:
        raise ConfigError(f"TM{', TM'.join(sorted(unknown))} is no telescope module; they are TM1 to TM7")
    return [] if len(numbers) in (0, len(TELESCOPE_MODULES)) else numbers
