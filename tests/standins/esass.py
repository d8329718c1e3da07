"""What the stand-ins for eSASS tasks do."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daxa_wf_simulator.tiny_fits import TinyTable, extensions, read_cards, write_fits, write_image
from tests.standins.behaviour import Refused

Values = Mapping[str, str]


def flaregti(values: Values) -> None:
    """Writes FLAREGTIn into the list it is given, as the real one does without `gtifile`."""
    path = Path(values["eventfile"])
    _require(path, "EVENTS")
    names = extensions(path)
    modules = [number for number in range(1, 8) if f"GTI{number}" in names]
    if not os.access(path, os.W_OK):
        raise Refused("file", f"cannot write to {path}")
    cards = read_cards(path, "EVENTS")
    start, stop = float(cards["TSTART"]), float(cards["TSTOP"])
    tables = [
        TinyTable(f"FLAREGTI{number}", [("START", "D", "s"), ("STOP", "D", "s")], [(start, stop)]) for number in modules
    ]
    target = values.get("gtifile")
    write_fits(Path(target) if target else path, {}, tables, append=not target)
    if values.get("write_lightcurve", "yes") == "yes":
        rows = [(start + 20 * bin_, 0.5) for bin_ in range(int((stop - start) / 20))]
        columns = [("TIME", "D", "s"), ("RATE", "E", "count/s/deg**2")]
        write_fits(Path(values["lightcurve"]), {}, [TinyTable("RATE", columns, rows)])
    if values.get("write_mask", "yes") == "yes":
        write_image(Path(values["mask"]), (18, 18), 1.0, {})
    if values.get("write_thresholdimg") == "yes":
        write_image(Path(values["thresholdimg"]), (18, 18), 1.0, {})


def evtool(values: Values) -> None:
    """Selects by module, pattern, flag, energy, good time, if it is told; keeps every other extension.

    That nothing is selected by unless it is told is seen in the parameters of a genuine evtool (SASSHIST).
    """
    from astropy.io import fits

    paths = [Path(name) for name in values["eventfiles"].split()]
    for path in paths:
        _require(path, "EVENTS")
        if values.get("gti", "").startswith("FLAREGTI") and not any(n.startswith("FLAREGTI") for n in extensions(path)):
            raise Refused("gti", f"{path} has no extension FLAREGTI")
    with fits.open(paths[0]) as hdus:
        events = hdus["EVENTS"]
        kept = _selected(events.data, values) & _in_time(hdus, values.get("gti", ""))
        modules = [int(number) for number in values.get("telid", "1 2 3 4 5 6 7").split()]
        if values.get("image") == "yes":
            write_image(Path(values["outfile"]), (32, 32), float(kept.sum()), _coordinates(events.header, values))
            return
        events.data = events.data[kept]
        numbered = [hdu for hdu in hdus[2:] if int(re.findall(r"\d", hdu.name)[0]) in modules]
        fits.HDUList([hdus[0], events, *numbered]).writeto(values["outfile"], overwrite=values.get("clobber") != "no")


def expmap(values: Values) -> None:
    _require(Path(values["inputdatasets"].split()[0]), "EVENTS")
    if not Path(values["templateimage"]).exists():
        raise Refused("templateimage", f"cannot open {values['templateimage']}")
    cards = read_cards(Path(values["templateimage"]))
    write_image(Path(values["mergedmaps"]), (cards["NAXIS2"], cards["NAXIS1"]), 500.0, {"TELESCOP": "eROSITA"})


TASKS: dict[str, Callable[[Values], None]] = {each.__name__: each for each in (flaregti, evtool, expmap)}


def _coordinates(header: Any, values: Values) -> dict[str, Any]:
    """What an image says of its pixels on the sky."""
    step = 0.05 / 3600 * int(values.get("rebin", 80))
    cards: dict[str, Any] = {"TELESCOP": "eROSITA", "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"}
    for axis, card, sign in ((1, "RA_CEN", -1), (2, "DEC_CEN", 1)):
        cards |= {f"CRPIX{axis}": 16.5, f"CRVAL{axis}": float(header.get(card, 0.0)), f"CDELT{axis}": sign * step}
        cards[f"CUNIT{axis}"] = "deg"
    return cards


def _selected(data: Any, values: Values) -> Any:
    import numpy as np

    pattern = int(values.get("pattern", 0))
    modules = [int(each) for each in values.get("telid", "1 2 3 4 5 6 7").split()]
    kept = np.isin(data["TM_NR"], modules)
    if pattern:
        kinds = data["PAT_TYP"].astype(int)
        kept &= (kinds >= 1) & (kinds <= 4) & ((1 << np.clip(kinds - 1, 0, 3)) & pattern > 0)
    flagged = (data["FLAG"].astype(np.int64) & 0xFFFFFFFF & int(values.get("flag", "0"), 0)) != 0
    kept &= flagged if values.get("flag_invert") == "yes" else ~flagged
    if values.get("region"):
        kept &= _in_circle(data, values["region"])
    low, high = (float(values.get(name, default)) * 1000 for name, default in (("emin", -1e6), ("emax", 1e6)))
    return kept & (data["PI"] >= low) & (data["PI"] < high)


def _in_circle(data: Any, region: str) -> Any:
    """Only the form that genuine calls have: `j2000;circle(133.2369537d,5.461465359d,0.1d)`."""
    import numpy as np

    match = re.fullmatch(r"(?:j2000|fk5); *circle\(([\d.]+)d,(-?[\d.]+)d,([\d.]+)d\)", region)
    if match is None:
        raise Refused("region", f"cannot parse {region}")
    ra0, dec0, radius = np.deg2rad([float(each) for each in match.groups()])
    ra, dec = np.deg2rad(data["RA"]), np.deg2rad(data["DEC"])
    along = np.sin(dec) * np.sin(dec0) + np.cos(dec) * np.cos(dec0) * np.cos(ra - ra0)
    return along >= np.cos(radius)


def _in_time(hdus: Any, kind: str) -> Any:
    """Events within GTIn, or FLAREGTIn, of their telescope module; all if that is not asked for."""
    import numpy as np

    data = hdus["EVENTS"].data
    kept = np.full(len(data), not kind)
    for module in range(1, 8) if kind else ():
        if f"{kind}{module}" in hdus:
            for start, stop in hdus[f"{kind}{module}"].data:
                kept |= (data["TM_NR"] == module) & (data["TIME"] >= start) & (data["TIME"] <= stop)
    return kept


def _require(path: Path, extension: str) -> None:
    if not path.exists() or extension not in extensions(path):
        raise Refused("file", f"cannot open {path}[{extension}]")
