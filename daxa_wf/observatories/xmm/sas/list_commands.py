"""Command lines of the SAS steps from event lists to images and exposure maps: pure functions of units and options.

Each step gives its tasks the parameters that DAXA gives them (DAXA, process/xmm), except where a comment states another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.image import pi_ranges
from daxa_wf.observatories.xmm.epic_units import EXTENT, FIRST_PIXEL, SKY_PIXEL, electron_volts
from daxa_wf.observatories.xmm.flare_options import SasEspfiltOptions
from daxa_wf.observatories.xmm.options import EvselectOptions
from daxa_wf.observatories.xmm.sas.commands import ATTITUDE, EVENTS, OdfData, sas_prefix
from daxa_wf.observatories.xmm.sas.tasks import ESPFILT
from daxa_wf.observatories.xmm.sas.tasks import SAS_TASKS as TASKS
from daxa_wf.observatories.xmm.sas.versions import SasVersion, espfilt_dialect
from daxa_wf.tools.spec import Command, ParameterValue
from daxa_wf.units import Band, Unit

OOT_EVENTS, GTI = "ootevents.fits", "gti.fits"
IMAGE = "image.fits"
"""Names of inputs in the working directory: short, and without characters that have a meaning in expressions."""


def espfilt(
    unit: Unit,
    events: Path,
    data: OdfData,
    options: SasEspfiltOptions,
    version: SasVersion,
    ootevents: Path | None = None,
) -> list[Command]:
    """Make the good time intervals of an EPIC exposure, in the dialect of a release, with pn's out-of-time list."""
    dialect = espfilt_dialect(version)
    parameters = _espfilt_parameters(unit, options, dialect, ootevents is not None)
    links = {EVENTS: events} | ({OOT_EVENTS: ootevents} if ootevents and dialect != "19" else {})
    names = espfilt_names(unit, dialect, f"-{parameters['elow']}-{parameters['ehigh']}" if dialect == "20" else "")
    products, extras = {"gti": names.pop("gti")}, names
    return [ESPFILT[dialect].command(parameters, data.environment, products, extras=extras, links=links)]


def espfilt_names(unit: Unit, dialect: str, band: str = "") -> dict[str, str]:
    """Return the names of espfilt's files by kind. `band` is the part that SAS 20 adds to names, such as -2500-8500.

    Source for SAS 19 and before: the scripts around ESAS's pn-filter, which renamed the files.
    """
    if dialect == "19":
        stem = f"P{unit.identifier}-"
        return {
            "gti": f"{stem}gti.FIT", "lightcurve": f"{stem}objlc.FIT", "cornerlightcurve": f"{stem}corlc.FIT",
            "hist": f"{stem}hist.qdp", "allgoodevents": f"{stem}objevlifilt.FIT",
        }  # fmt: skip
    stem = f"{sas_prefix(unit)}-"
    return {
        "gti": f"{stem}gti{band}.fits", "lightcurve": f"{stem}fovlc{band}.fits", "cornerlightcurve": f"{stem}corlc{band}.fits",
        "hist": f"{stem}hist{band}.qdp", "allgoodevents": f"{stem}allevc{band}.fits",
        "allgoodootevents": f"{stem}allevcoot{band}.fits",
    }  # fmt: skip


def evselect(
    unit: Unit,
    events: Path,
    gti: Path,
    data: OdfData,
    options: EvselectOptions,
    ccds: Sequence[int] | None = None,
    ootevents: Path | None = None,
) -> list[Command]:
    """Make the cleaned event list, and pn's out-of-time list cleaned in the same way, of `ccds` only (emanom's verdicts).

    UnfitDataError `noGoodCcds` if `ccds` is empty.
    """
    # The parentheses are for expressions with "||" in them.
    expression = f"({cleaning_expression(options, unit.instrument, ccds)}) && GTI({GTI},TIME)"
    empty = ("NoFilteredEvents", "NoInputEvents")
    lists: list[tuple[str, str, Path, tuple[str, ...]]] = [("cleanevents", EVENTS, events, empty)]
    if ootevents is not None:
        lists.append(("cleanootevents", OOT_EVENTS, ootevents, ()))
    return [
        TASKS["evselect"].command(
            {"table": name, "filteredset": f"{kind}.fits", "expression": expression, "updateexposure": True},
            data.environment,
            {kind: f"{kind}.fits"},
            links={name: path, GTI: gti},
            unfit_warnings=unfit,
        )
        for kind, name, path, unfit in lists
    ]


def merge(lists: Sequence[Path], kind: str = "finalevents") -> list[Command]:
    """Merge an instrument's event lists, given earliest first, two at a time, because merge takes two.

    A single list needs no command: it is the final list.
    """
    commands, names = [], [f"set{number}.fits" for number in range(1, len(lists) + 1)]
    merged = names[0]
    for number, (name, path) in enumerate(zip(names[1:], lists[1:], strict=True), start=2):
        out = f"{kind}.fits" if number == len(lists) else f"merged{number}.fits"
        parameters: dict[str, ParameterValue] = {"set1": merged, "set2": name, "outset": out}
        links = {name: path} | ({names[0]: lists[0]} if number == 2 else {})
        products = {kind: out} if number == len(lists) else {"merged": out}
        commands.append(TASKS["merge"].command(parameters, products=products, links=links))
        merged = out
    return commands


def images(events: Path, data: OdfData, bands: Sequence[Band], pixel_size: float) -> list[Command]:
    """Make one image for each band of `options['bands']`, with the events and pixels of the native images."""
    pixel = round(pixel_size / SKY_PIXEL)
    last = FIRST_PIXEL + -(-EXTENT // pixel) * pixel - 1
    grid: dict[str, ParameterValue] = {
        "xcolumn": "X", "ycolumn": "Y", "imagebinning": "binSize", "ximagebinsize": pixel, "yimagebinsize": pixel,
        "withxranges": True, "ximagemin": FIRST_PIXEL, "ximagemax": last,
        "withyranges": True, "yimagemin": FIRST_PIXEL, "yimagemax": last,
    }  # fmt: skip
    commands = []
    for band, (low, high) in zip(bands, pi_ranges([electron_volts(band) for band in bands]), strict=True):
        name = f"{band.label}-image.fits"
        parameters: dict[str, ParameterValue] = {"table": EVENTS, "imageset": name, "withimageset": True, **grid}
        parameters["expression"] = f"(PI in [{low}:{high}])"
        products = {f"{band.label}-image": name}
        commands.append(TASKS["evselect"].command(parameters, data.environment, products, links={EVENTS: events}))
    return commands


def exposure_maps(
    events: Path, images: Mapping[str, Path], attitude: Path, data: OdfData, bands: Sequence[Band], vignetting: str
) -> list[Command]:
    """Make one map for each band on the pixels of its image. `images`: label of a band -> image; `vignetting`: an option."""
    commands = []
    for band in bands:
        low, high = electron_volts(band)
        name = f"{band.label}-expmap.fits"
        parameters: dict[str, ParameterValue] = {
            "imageset": IMAGE, "attitudeset": ATTITUDE, "eventset": EVENTS, "expimageset": name, "withdetcoords": False,
            "withvignetting": vignetting != "none", "usefastpixelization": False, "attrebin": 4, "pimin": low, "pimax": high,
        }  # fmt: skip
        links = {EVENTS: events, IMAGE: images[band.label], ATTITUDE: attitude}
        products = {f"{band.label}-expmap": name}
        commands.append(TASKS["eexpmap"].command(parameters, data.environment, products, links=links))
    return commands


def cleaning_expression(options: EvselectOptions, instrument: str, ccds: Sequence[int] | None = None) -> str:
    """Return the instrument's expression, with the energy range and CCDs if they are restricted. Both engines use it.

    UnfitDataError `noGoodCcds` if no CCD remains.
    """
    expression = options.pn_filt_expr if instrument == "PN" else options.mos_filt_expr
    further = []
    if options.lo_en is not None and options.hi_en is not None:
        low, high = electron_volts(Band(options.lo_en, options.hi_en))
        further.append(f"(PI in [{low}:{high}])")
    if ccds is not None:
        if not ccds:
            raise UnfitDataError("noGoodCcds", "no CCD is in an acceptable state")
        further.append(f"(CCDNR in {','.join(map(str, ccds))})")
    return " && ".join([f"({expression})", *further]) if further else expression


def _espfilt_parameters(
    unit: Unit, options: SasEspfiltOptions, dialect: str, with_oot: bool
) -> dict[str, ParameterValue]:
    shared: dict[str, ParameterValue] = {
        "method": options.method,
        "withsmoothing": options.smoothing is not None,
        "smooth": _whole_seconds(options.smoothing, DEFAULTS.smoothing),
        "withbinning": options.binning is not None,
    }
    binsize = _whole_seconds(options.binning, DEFAULTS.binning)
    if dialect == "19":
        return {"eventset": EVENTS, **shared, "binsize": binsize, "ratio": options.ratio}
    low, high = electron_volts(Band(options.filter_lo_en, options.filter_hi_en))
    return {
        "eventfile": EVENTS,
        "withoot": with_oot,
        **({"ootfile": OOT_EVENTS} if with_oot else {}),
        **shared,
        "binsize": binsize,
        "ratio": options.ratio,
        **({"withlongnames": True} if dialect == "20" else {}),
        "elow": low,
        "ehigh": high,
        "rangescale": options.range_scale.of(unit.instrument),
        "allowsigma": options.allowed_sigma,
        "limits": list(options.gauss_fit_lims),
        "keepinterfiles": False,
    }


DEFAULTS = SasEspfiltOptions()


def _whole_seconds(value: float | None, usual: float | None) -> int:
    """Return a time in seconds; the usual one where it is switched off, since espfilt takes a number all the same."""
    return round(value if value is not None else usual or 0)
