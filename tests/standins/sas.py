"""What the stand-ins for SAS tasks do: refuse what the real ones refuse, write the files that the real ones write."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daxa_wf.observatories.xmm.sas.odf_summary import OdfExposure, OdfSummary, parse_odf_summary
from daxa_wf_simulator.tiny_fits import TinyTable, extensions, read_cards, write_fits, write_image
from tests.standins.behaviour import Refused, warn
from tests.standins.odf import summary_of

Values = Mapping[str, str]
CODES = {"EMOS1": "M1", "EMOS2": "M2", "EPN": "PN"}
PREFIX = {"M1": "mos1", "M2": "mos2", "PN": "pn"}
GTI_COLUMNS = [("START", "D", "s"), ("STOP", "D", "s")]


def identity(path: Path) -> tuple[str, str, str]:
    """ObsID, instrument and exposure of an event list."""
    cards = read_cards(path, "EVENTS")
    return str(cards["OBS_ID"]), CODES[str(cards["INSTRUME"])], str(cards["EXPIDSTR"])


def cifbuild(values: Values) -> None:
    places = [Path(place) for place in os.environ["SAS_CCFPATH"].split(":")]
    constituents = sorted(path for place in places if place.is_dir() for path in place.glob("*.CCF"))
    if not constituents:
        warn("cifbuild", "NoMatchingCcfConstituents", "No matching CCF constituents found")
    if values.get("withobservationdate") != "yes" and not os.environ.get("SAS_ODF"):
        raise Refused("NoSummaryFile")
    columns = [
        ("TELESCOP", "4A", ""), ("SCOPE", "6A", ""), ("TYPEID", "32A", ""), ("ISSUE", "I", ""), ("VALDATE", "19A", ""),
        ("VALDATE-END", "19A", ""), ("FNAME", "256A", ""),
    ]  # fmt: skip
    rows = [
        ("XMM", path.stem.split("_")[0], path.stem.split("_")[1], 1, "1998-01-01T00:00:00", "", str(path))
        for path in constituents
    ]
    cards = {"CATEGORY": "XMMCCF", "OBSVDATE": values.get("observationdate", "now"), "ANALDATE": values["analysisdate"]}
    write_fits(Path(values["calindexset"]), {"CREATOR": "cifbuild"}, [TinyTable("CALINDEX", columns, rows, cards)])


def odfingest(values: Values) -> None:
    odf = Path(values["odfdir"] if values.get("withodfdir") == "yes" else os.environ["SAS_ODF"])
    if not odf.is_dir() or not list(odf.glob("*SUM.ASC")):
        raise Refused("NoOdfFound", f"no ODF in {odf}")
    name, text = summary_of(odf, str(odf.resolve()), release())
    try:
        (Path(values.get("outdir", ".")) / name).write_text(text)
    except OSError as error:
        raise Refused("FileIo", str(error)) from None


def emchain(values: Values) -> None:
    summary = _summary()
    for instrument in values.get("instruments", "M1 M2").split():
        wanted = values.get("exposures", "").split()
        exposures = [each for each in summary.of(instrument) if not wanted or each.exposure in wanted]
        if not exposures:
            warn("emchain", "badexposure", f"no exposure {' '.join(wanted)} of {instrument}")
        for exposure in exposures:
            _require_files(summary, exposure)
            if exposure.imaging_ccds:
                _event_list(summary, exposure, "MIEVLI")
            if "Timing" in exposure.modes.values():
                _event_list(summary, exposure, "TIEVLI")
    _attitude(summary)


def epchain(values: Values) -> None:
    if values.get("runradmonfix") != "no" and release_number() == "21.0.0":
        raise Refused("constituent", "radmonfix: No such file or directory")
    summary = _summary()
    name = f"{values.get('schedule', 'S')}{int(values.get('exposure', 1)):03d}"
    exposure = next((each for each in summary.of("PN") if each.exposure == name), None)
    if exposure is None:
        raise Refused("exposure", f"no exposure {name}")
    _require_files(summary, exposure)
    if not exposure.imaging_ccds:
        raise Refused("ccdlist", "no CCD in IMAGING mode")
    asked = _ccds(values.get("ccds", "1-12"))
    for ccd in sorted(asked - set(exposure.imaging_ccds)):
        warn("epchain", "notInODF", f"CCD {ccd} is not in the ODF")
    intermediate = Path(f"P{summary.obsid}PN{name}.raw")
    if values.get("withoutoftime") == "yes":
        _event_list(summary, exposure, "OOEVLI")
    else:
        if values.get("runepframes") == "no" and not intermediate.exists():
            raise Refused("indir", "intermediate files of epframes are not there")
        _event_list(summary, exposure, "PIEVLI")
    if values.get("keepintermediate") in ("raw", "all"):
        intermediate.write_text("raw")
    if values.get("runatthkgen", "yes") == "yes":
        _attitude(summary)


def emanom(values: Values) -> None:
    _, instrument, exposure = _list_identity(values["eventfile"])
    if instrument == "PN":
        raise Refused("badInstrument", "emanom works on MOS")
    told = os.environ.get("DAXA_WF_STANDIN_CCDS", "")
    states = dict(each.split("=") for each in told.split(",") if each)
    lines = [f"CCD: {ccd} Hardness ratio: 3.21 +/- 0.20 Status: {states.get(str(ccd), 'G')}" for ccd in range(2, 8)]
    Path(f"{PREFIX[instrument]}{exposure}-anom.log").write_text("\n".join(["emanom goflib-0.20.1", *lines, ""]))


def espfilt(values: Values) -> None:
    table = values.get("eventfile") or values["eventset"]
    obsid, instrument, exposure = _list_identity(table)
    cards = read_cards(Path(table), "EVENTS")
    if cards["SUBMODE"] == "PrimeSmallWindow" and instrument == "PN":
        raise Refused("noPNSmallWindow")
    if values.get("withoot") == "yes" and not Path(values["ootfile"]).exists():
        raise Refused("FITSIO", f"cannot open {values['ootfile']}")
    old, stem, band = "eventset" in values, f"{PREFIX[instrument]}{exposure}-", ""
    if old:
        stem = f"P{obsid}{instrument}{exposure}-"
    elif release_number().startswith("20.") and values.get("withlongnames", "yes") == "yes":
        band = f"-{values.get('elow', '2500')}-{values.get('ehigh', '8500')}"
    start, stop = float(cards["TSTART"]), float(cards["TSTOP"])
    gti = TinyTable("STDGTI", GTI_COLUMNS, [(start, stop)], {"MJDREF": 50814.0})
    write_fits(Path(f"{stem}gti.FIT" if old else f"{stem}gti{band}.fits"), {}, [gti])
    rate = [("TIME", "D", "s"), ("RATE", "D", "count/s"), ("ERROR", "D", "count/s")]
    rows = [(start + second + 0.5, 1.0, 1.0) for second in range(int(stop - start))]
    for name in ("objlc.FIT", "corlc.FIT") if old else (f"fovlc{band}.fits", f"corlc{band}.fits"):
        write_fits(Path(f"{stem}{name}"), {}, [TinyTable("RATE", rate, rows, {"TIMEDEL": 1.0})])
    if values.get("method", "histogram") == "histogram":
        Path(f"{stem}hist{band}.qdp").write_text(_qdp(obsid, old))
    for name in ("objevlifilt.FIT",) if old else (f"allevc{band}.fits", f"corev{band}.fits", f"corevc{band}.fits"):
        Path(f"{stem}{name}").write_bytes(Path(table).read_bytes())
    if values.get("withoot") == "yes":
        Path(f"{stem}allevcoot{band}.fits").write_bytes(Path(values["ootfile"]).read_bytes())
    if old:
        return
    print(f"espfilt:-  CLEAN_LC: There are {len(rows):12d}  rows in the FOV LC")
    print("espfilt:- plim(1:2) =   0.1000   6.5000")
    print("espfilt:- WRITE_QDP_GTI: Norm =  1261.334 Width =     0.164 Center =     0.755")


def _qdp(obsid: str, old: bool) -> str:
    """The fit of 0204310101 M1 S001, in the layout of a genuine file: Fortran's columns, one blank before each line."""
    norm, centre, width, half = 1261.334, 0.755, 0.164, 1.5 if old else 3
    lines = [
        " viewport 0.05 0.05 0.98 0.89", " font roman", " skip sing", " read serr 2", " win 1", " yplot 1 2",
        ' la 1 p    2.5000000000000000        2422.7424694874740       "Count Rate Histogram"',
        f' la 13 p    4.0000000596046448        2826.5328275847537       cs 0.8 just left "ObsID: {obsid}"',
        f'la 14 p     3.9000   2422.74 cs 0.8 just left "Fit Norm:  {norm:6.1f}"',
        f'la 15 p     3.9000   2153.55 cs 0.8 just left "Fit Width:   {width:.3f} c/s"',
        f'la 16 p     3.9000   1884.36 cs 0.8 just left "Fit Center:   {centre:.3f} c/s"',
        " win 2", " yplot 3 4", " r x2 0    600.00000000000000     ",
    ]  # fmt: skip
    empty = " -1.0  0.0 -1.0  0.0 -1.0  0.0 -1.0  0.0"
    for step in range(1, 101):
        rate = 0.02 * step - 0.01
        model = norm * math.exp(-(((rate - centre) / width) ** 2) / (1 if old else 2))
        lines.append(f"{rate:15.3f}{round(model):10.3f}{math.sqrt(round(model)):10.3f}{model:10.3f}{empty} -1.0 -1.0")
    accepted = " -1.0  0.0 -1.0  0.0 -1.0  0.0 -1.0 -1.0"
    lines += [f"{60.0 * step + 30:15.3f} -1.0  0.0 -1.0     0.755     0.112{accepted}" for step in range(10)]
    for limit in (centre - half * width, centre + half * width):
        lines += [f"{limit:15.3f} -1.0  0.0 -1.0{empty}{height:10.3f} -1.0" for height in (0.0, 1400.0)]
    for edge in (0.6, 0.9):
        lines += [f"{edge:15.3f} -1.0  0.0 -1.0{empty} -1.0{height:10.3f}" for height in (0.0, 1400.0)]
    return "\n".join([*lines, ""])


def evselect(values: Values) -> None:
    """A cleaned list or an image, by the native engine: what is downstream of it must be able to read it."""
    from daxa_wf.errors import ConfigError, CorruptFileError
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.evselect import evselect as native_evselect

    table = Path(values["table"].removesuffix(":EVENTS"))
    _list_identity(str(table))
    try:
        if "filteredset" in values:
            result = native_evselect(
                EpicEventList.open(table), values.get("expression", "true"), None, Path(values["filteredset"])
            )
            print(f"evselect:- selected {result.selected} rows from the input table.")
            if result.selected == 0:
                warn("evselect", "NoFilteredEvents", "no events selected")
        if values.get("withimageset") == "yes":
            _image(EpicEventList.open(table), values)
    except ConfigError as error:
        raise Refused("syntaxError", str(error).splitlines()[0]) from None
    except CorruptFileError as error:
        raise Refused("FITSIO", str(error)) from None


def merge(values: Values) -> None:
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.merge import merge as native_merge

    if Path(values["outset"]).exists():
        raise Refused("fileExists", f"{values['outset']} exists")
    sets = [values["set1"], values["set2"]]
    identities = [_list_identity(each) for each in sets]
    for name, (_, _, exposure) in zip(sets, identities, strict=True):
        print(f"merge:- {name} of {exposure}")
    if len({obsid for obsid, _, _ in identities}) > 1:
        raise Refused("differentObservations")
    native_merge([EpicEventList.open(Path(each)) for each in sets], Path(values["outset"]))


def gtibuild(values: Values) -> None:
    if not Path(values["file"]).exists():
        raise Refused("badFileName", f"cannot open {values['file']}")
    from daxa_wf.errors import ConfigError
    from tests.standins.gti_text import gtibuild as native_gtibuild

    try:
        rows = native_gtibuild(Path(values["file"]).read_text()).tolist()
    except ConfigError as error:
        raise Refused("badNumericValue", str(error)) from None
    write_fits(Path(values["table"]), {}, [TinyTable("STDGTI", GTI_COLUMNS, rows)])


def eexpmap(values: Values) -> None:
    for name in ("imageset", "attitudeset", "eventset"):
        if not Path(values[name]).exists():
            raise Refused("FITSIO", f"cannot open {values[name]}")
    image = read_cards(Path(values["imageset"]))
    livetime = float(read_cards(Path(values["eventset"]), "EVENTS").get("LIVETIME", 1.0))
    own = {"SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "CHECKSUM", "DATASUM"}
    cards = {name: value for name, value in image.items() if name not in own} | {"CONTENT": "EPIC EXPOSURE MAP"}
    write_image(Path(values["expimageset"]), (image["NAXIS2"], image["NAXIS1"]), livetime, cards)


def atthkgen(values: Values) -> None:
    _attitude(_summary(), Path(values.get("atthkset", "atthk.dat")))


def rgsproc(values: Values) -> None:
    """Stages build on the files of those before them, in the working directory."""
    summary = _summary()
    first, last = values["entrystage"], values["finalstage"]
    if int(first[0]) > int(last[0]):
        raise Refused("InvalidStageRange", f"{first} is after {last}")
    for name in values["instexpids"].split():
        exposure = next((each for each in summary.of(name[:2]) if each.exposure == name[2:]), None)
        if exposure is None:
            raise Refused("SkippedExposure", f"no exposure {name}")
        stem = f"P{summary.obsid}{name}"
        needs = {"1": None, "2": f"{stem}merged0000.FIT", "3": f"{stem}ATTTSR0000.FIT"}[first[0]]
        if needs and not Path(needs).exists():
            raise Refused("MissingFile", f"{needs} is not there")
        for stage in range(int(first[0]), int(last[0]) + 1):
            kind = {1: "merged", 2: "ATTTSR", 3: "EVENLI"}.get(stage)
            if kind:
                cards = {"OBS_ID": summary.obsid, "INSTRUME": name[:2].replace("R", "RGS"), "EXPIDSTR": name[2:]}
                columns = [
                    ("TIME", "D", "s"),
                    ("BETA_CORR", "E", "rad"),
                    ("XDSP_CORR", "E", "rad"),
                    ("PI", "I", "CHAN"),
                ]
                events = TinyTable("EVENTS", columns, [(1.0, 0.1, 0.0, 1000)], cards)
                write_fits(Path(f"{stem}{kind}0000.FIT"), cards, [events])


TASKS: dict[str, Callable[[Values], None]] = {
    each.__name__: each
    for each in (
        cifbuild, odfingest, emchain, epchain, emanom, espfilt, evselect, merge, gtibuild, eexpmap, atthkgen, rgsproc,
    )
}  # fmt: skip


def release() -> str:
    """What this installation calls itself, as SAS_DIR has it."""
    return (Path(os.environ["SAS_DIR"]) / "release").read_text().strip()


def release_number() -> str:
    """20.0.0, from either form."""
    from daxa_wf.observatories.xmm.sas.versions import parse_sas_version

    return str(parse_sas_version(f"[{release()}]"))


def _summary() -> OdfSummary:
    """The summary that SAS_ODF names, whose PATH must lead to the ODF."""
    cif = Path(os.environ["SAS_CCF"])
    if not cif.is_file() or "CALINDEX" not in extensions(cif):
        raise Refused("NoCifFound", f"{cif} is not a calibration index")
    path = Path(os.environ["SAS_ODF"])
    if not path.is_file():
        raise Refused("odf", f"SAS_ODF = {path} is not a summary file")
    summary = parse_odf_summary(path.read_text(), path.name)
    if not list(Path(summary.path).glob("*SUM.ASC")):
        raise Refused("odffiles", f"no ODF in {summary.path}")
    return summary


def _require_files(summary: OdfSummary, exposure: OdfExposure) -> None:
    pattern = f"{summary.revolution}_{summary.obsid}_{exposure.instrument}{exposure.exposure}*E.FIT"
    if not list(Path(summary.path).glob(pattern)):
        raise Refused("odffiles", f"no event file {pattern}")


def _list_identity(table: str) -> tuple[str, str, str]:
    try:
        return identity(Path(table))
    except (OSError, KeyError):
        raise Refused("FITSIO", f"cannot open {table}") from None


def _ccds(text: str) -> set[int]:
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def _simulated(summary: OdfSummary, exposure: OdfExposure) -> tuple[Any, Any]:
    from datetime import datetime

    from daxa_wf_simulator.truth import Exposure, Observation, PointSource

    begin = datetime.fromisoformat(summary.start)
    seconds = [(datetime.fromisoformat(each) - begin).total_seconds() for each in (exposure.start, exposure.end)]
    made = Exposure(
        exposure.instrument, exposure.exposure, seconds[0], seconds[1] - seconds[0], 1.0, exposure.mode, exposure.filter
    )
    since = (begin - datetime(1998, 1, 1)).total_seconds()
    source = (PointSource("A", 149.59, -11.09, 0.5),)
    return Observation(
        summary.obsid, "SIMULATED", 149.59, -11.09, 110.0, since, int(summary.revolution), source, (made,)
    ), made


def _event_list(summary: OdfSummary, exposure: OdfExposure, kind: str) -> None:
    path = Path(f"P{summary.obsid}{exposure.instrument}{exposure.exposure}{kind}0000.FIT")
    path.write_bytes(chain_list(summary, exposure, kind, Path(os.environ["DAXA_WF_STANDIN_LISTS"])))


def chain_list(summary: OdfSummary, exposure: OdfExposure, kind: str, kept: Path) -> bytes:
    """A small faithful list, the same for the same exposure: the simulator's, made once for each `kept`."""
    said = (summary.obsid, summary.revolution, summary.start, repr(exposure), kind)
    place = kept / f"{hashlib.sha256(repr(said).encode()).hexdigest()}.fits"
    if place.exists():
        return place.read_bytes()
    import numpy as np

    from daxa_wf_simulator.events import simulate
    from daxa_wf_simulator.files import event_list

    observation, made = _simulated(summary, exposure)
    seed = [int(summary.obsid), exposure.number, sum(map(ord, exposure.instrument + kind))]
    data = event_list(observation, made, simulate(observation, made, np.random.default_rng(seed)))
    part = place.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(place)
    return data


def make_chain_lists(summary: OdfSummary, kept: Path) -> None:
    """Have all lists of an observation ready: a process that has numpy already is quicker at it than each of the chains."""
    for exposure in summary.usable():
        kinds = {"PN": ("OOEVLI", "PIEVLI"), "M1": ("MIEVLI",), "M2": ("MIEVLI",)}.get(exposure.instrument, ())
        for kind in kinds:
            chain_list(summary, exposure, kind, kept)


def _attitude(summary: OdfSummary, path: Path | None = None) -> None:
    rows = [(1e8 + 10 * step, 149.59, -11.09, 110.0, 0.0) for step in range(3)]
    columns = [
        ("TIME", "D", "s"),
        ("AHFRA", "D", "deg"),
        ("AHFDEC", "D", "deg"),
        ("AHFPA", "D", "deg"),
        ("DAHFPNT", "D", "deg"),
    ]
    place = path or Path(f"P{summary.obsid}OBX000ATTTSR0000.FIT")
    write_fits(place, {"OBS_ID": summary.obsid}, [TinyTable("ATTHK", columns, rows, {"MJDREF": 50814.0})])


def _image(events: Any, values: Values) -> None:
    import re

    from daxa_wf.observatories.xmm.native.images import bin_images, epic_grid, write_image

    band = re.search(r"PI in \[(\d+):(\d+)\]", values.get("expression", ""))
    limits = (int(band[1]), int(band[2])) if band else (0, 32767)
    if values.get("imagebinning") != "binSize" or values["ximagebinsize"] != values["yimagebinsize"]:
        raise Refused("ImgBinVal", "this stand-in makes square pixels of a given size")
    grid = epic_grid(int(float(values["ximagebinsize"])), int(values["ximagemin"]))
    if int(values["ximagemax"]) != grid.xmin + grid.nx * grid.xbin - 0.5:
        raise Refused("XRangeVal", f"ximagemax = {values['ximagemax']} is not a whole number of pixels")
    (image,) = bin_images(events, [limits], grid)
    write_image(Path(values["imageset"]), events, grid, limits, image)
