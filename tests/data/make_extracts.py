"""Cut the extracts of genuine files in this folder: `python tests/data/make_extracts.py ../shared/data`.

Not part of the test suite: it needs the whole files, which are not in the repository. Every extract keeps the path of the
file that it was cut from, so a test reads either collection. README.md states source, licence and what each extract proves.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

HERE = Path(__file__).parent
SKY_BOX = {"x": (246, 270), "y": (246, 270)}
"""Columns and rows (from 0) of evselect's images of Abell 907, 87 sky pixels wide, of which every event is kept."""
SKY_PIXEL, ELSEWHERE = 87, 40
"""Sky pixels of an image's pixel; of the events elsewhere one in so many is kept."""
MAP_STEP = 4
"""Of an exposure map every fourth row and column is kept."""
ATTITUDE_STEP = 20


def write(target: Path, hdus: Iterable[fits.hdu.base.ExtensionHDU]) -> None:
    """Write HDUs with checksums; the same bytes every time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    hdu_list = fits.HDUList(list(hdus))
    for hdu in hdu_list:
        for key in ("CHECKSUM", "DATASUM"):
            hdu.header.remove(key, ignore_missing=True)
        hdu.add_checksum(when="cut by make_extracts.py")
    hdu_list.writeto(stream)
    data = stream.getvalue()
    target.write_bytes(gzip.compress(data, 9, mtime=0) if target.suffix == ".gz" else data)


def event_lists(source: Path, target: Path) -> None:
    """Keep the events of a box of the sky and one of 40 elsewhere, and every other table whole but the calibration index."""
    for path in sorted(source.glob("xmm/a907/*/eclean/*.fits")):
        image = path.parents[1] / "images" / f"{path.parents[1].name}_{path.name[:4]}_exp1-0.50-2.00keVimg.fits.gz"
        header = fits.getheader(image)
        with fits.open(path) as hdus:
            events = hdus["EVENTS"]
            first = int(header["CRVAL1L"]) - SKY_PIXEL // 2  # CRVAL1L is the centre of the first pixel
            column, row = ((events.data[name] - first) // SKY_PIXEL for name in ("X", "Y"))
            inside = (column >= SKY_BOX["x"][0]) & (column < SKY_BOX["x"][1])
            inside &= (row >= SKY_BOX["y"][0]) & (row < SKY_BOX["y"][1])
            some = np.zeros(len(inside), bool)
            some[::ELSEWHERE] = True
            events.data = events.data[inside | some].copy()
            write(target / f"{path.relative_to(source)}.gz", [hdu for hdu in hdus if hdu.name != "CALINDEX"])


def images(source: Path, target: Path) -> None:
    """Keep the box of the sky of each image: as an image of that size, with the cards of the whole one."""
    for path in sorted(source.glob("xmm/a907/*/images/*mos*img.fits.gz")):
        with fits.open(path) as hdus:
            columns, rows = slice(*SKY_BOX["x"]), slice(*SKY_BOX["y"])
            cut = fits.PrimaryHDU(hdus[0].data[rows, columns], hdus[0].header)
            write(target / path.relative_to(source), [cut])


def exposure_maps(source: Path, target: Path) -> None:
    """Keep every fourth row and column of each exposure map, with the cards of the whole one."""
    for path in sorted(source.glob("xmm/a907/*/images/*expmap.fits.gz")):
        if "_pn_" in path.name and "0201903501" in path.name:
            continue
        with fits.open(path) as hdus:
            write(
                target / path.relative_to(source),
                [fits.PrimaryHDU(hdus[0].data[::MAP_STEP, ::MAP_STEP], hdus[0].header)],
            )


def attitude(source: Path, target: Path) -> None:
    """Keep one of 20 rows of the attitude series of 0201903501."""
    (path,) = source.glob("xmm/a907/0201903501/att/*.FIT")
    with fits.open(path) as hdus:
        for hdu in hdus[1:]:
            if len(hdu.data) > 1000:
                hdu.data = hdu.data[::ATTITUDE_STEP].copy()
        write(target / path.relative_to(source), list(hdus))


def calibration_index(source: Path, target: Path) -> None:
    """Keep one of six constituents of a calibration index."""
    path = source / "xmm" / "a907" / "0404910601" / "odf" / "ccf.cif"
    with fits.open(path) as hdus:
        for hdu in hdus[1:]:
            hdu.data = hdu.data[::6].copy()
        write(target / path.relative_to(source), list(hdus))


KEPT_PARAMETER = re.compile(r"(ODFINGEST|SAS|PROCESS|[A-Z_]*MODE|FILTER)[A-Z_0-9]* = ")


def odf_summaries(source: Path, target: Path) -> None:
    """Keep the parameters of modes and filters of every exposure, and drop the hundreds of others."""
    for path in sorted(source.glob("xmm/a907/*/odf/*SUM.SAS")):
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not re.match(r"[A-Z_0-9]+ = ", line) or KEPT_PARAMETER.match(line)]
        kept = ["PATH /data/0201903501/odf\n".replace("0201903501", path.parents[1].name) if line.startswith("PATH ") else line
                for line in kept]  # fmt: skip
        copied = target / path.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text("".join(kept))


def logs(source: Path, target: Path) -> None:
    """Keep espfilt's own lines and counts of rows, the numbers of the golden file, and what became of one mission's units."""
    (target / "logs").mkdir(parents=True, exist_ok=True)

    def without_home(text: str) -> str:
        return re.sub(r"/Users/[^ ]*?/processed_data/", "/data/processed_data/", text)

    def put(name: str, text: str) -> None:
        (target / "logs" / name).write_text(without_home(text))

    name = "espfilt_0204310101_M1S001_stdout.log"
    lines = (source / "logs" / name).read_text().splitlines(keepends=True)
    put(
        name,
        "".join(
            line for line in lines if "Executing" not in line and (line.startswith("espfilt") or "selected" in line)
        ),
    )
    name = "espfilt_0502671101PNS003_stderr.log"
    put(name, "".join((source / "logs" / name).read_text().splitlines(keepends=True)[:-2]))
    golden = json.loads((source / "logs" / "espfilt_golden.json").read_text())
    put("espfilt_golden.json", json.dumps(golden, indent=1) + "\n")
    for name in ("process_success", "raw_process_errors", "final_process_success"):
        recorded = json.loads((source / "logs" / f"phl1811_{name}.json").read_text())
        put(f"phl1811_{name}.json", json.dumps({"xmm_pointed": recorded["xmm_pointed"]}, indent=1) + "\n")
    name = "phl1811_0204310101_observation_summary_parsed.json"
    recorded = json.loads((source / "logs" / name).read_text())
    put(name, json.dumps({instrument: recorded[instrument] for instrument in recorded}, indent=1) + "\n")


def tables(source: Path, target: Path) -> None:
    """Keep some rows of recorded answers: those that a test needs, and one in 20 of the others."""
    (target / "tables").mkdir(parents=True, exist_ok=True)

    def keep(name: str, rows: Callable[[Table], np.ndarray]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = Table.read(source / "tables" / name)
            cut = table[rows(table)]
            kind = "votable" if name.endswith(".xml") else "fits"
            cut.write(target / "tables" / name, format=kind, overwrite=True)

    keep("heasarc_rosmaster_1000rows.vot.xml", lambda table: np.arange(0, len(table), 25))
    keep("heasarc_intscw_1000rows.vot.xml", lambda table: np.arange(0, len(table), 15))
    keep(
        "heasarc_rosmaster_63rows.vot.xml",
        lambda table: np.union1d(np.arange(0, len(table), 8), np.flatnonzero(np.asarray(table["exposure"]) == 0)),
    )
    keep("heasarc_numaster_3c273_19rows.fits", lambda table: np.arange(0, len(table), 6))
    name = "heasarc_available_tables_2022.txt"
    asked = re.compile(r"\|\s*(asca|chan|nu|ros|ras|swift|suza|int|xmm|ni|ix|xte)[a-z0-9]*\s*\|")
    lines = (source / "tables" / name).read_text().splitlines(keepends=True)
    (target / "tables" / name).write_text("".join(line for line in lines if asked.search(line)))


def listings(source: Path, target: Path) -> None:
    """Keep recorded directory pages, and of recorded paths and names those that a test reads."""
    for name in ("archive_listings/nustar_80002092008_index.html", "archive_listings/xmm_0153950401_index.html",
                 "erosita/erodat_listing_134135_exp.html"):  # fmt: skip
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
        (target / name).chmod(0o644)
    name = "archive_listings/heasarc_event_paths_by_mission.json"
    files = json.loads((source / name).read_text())["files"]
    paths = {key: {"path": value["path"], "obsid": value["obsid"]} for key, value in files.items()}
    (target / name).write_text(json.dumps({"files": paths}, indent=1) + "\n")
    name = "archive_listings/recorded_archive_facts.json"
    facts = json.loads((source / name).read_text())
    kept = {
        "xmm": {"0153950401": {key: facts["xmm"]["0153950401"][key] for key in ("keep", "near_miss")}},
        "chandra": {obsid: {"keep": facts["chandra"][obsid]["keep"]} for obsid in ("6298", "5644")},
    }
    (target / name).write_text(json.dumps(kept, indent=1) + "\n")


EFEDS_CORNER = 60


def erosita(source: Path, target: Path) -> None:
    """Keep a corner of evtool's image with all its good time intervals, and the beginning of the cut-off one."""
    (target / "erosita").mkdir(parents=True, exist_ok=True)
    path = source / "erosita" / "efeds_evtool_image_6642_GTI_FLAREGTI.fits"
    with fits.open(path) as hdus:
        for hdu in (hdus[0], hdus["RAWXY_SEL"]):
            hdu.data = hdu.data[:EFEDS_CORNER, :EFEDS_CORNER]
        write(target / path.relative_to(source), list(hdus))
    (path,) = source.glob("erosita/NEGATIVE_*")
    (target / path.relative_to(source)).write_bytes(path.read_bytes()[:60_000])


def nicer(source: Path, target: Path) -> None:
    """Keep one of 100 events of a list without sky coordinates."""
    (path,) = source.glob("nicer/1e2259_ni*.fits")
    with fits.open(path) as hdus:
        hdus["EVENTS"].data = hdus["EVENTS"].data[::100].copy()
        write(target / path.relative_to(source), list(hdus))


def selections(source: Path, target: Path) -> None:
    """Keep one of 12 objects of each of DAXA's answers."""
    (target / "reference_selections").mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("reference_selections/*.csv")):
        lines = path.read_text().splitlines(keepends=True)
        (target / path.relative_to(source)).write_text("".join([lines[0], *lines[1::12]]))


def main(source: Path, target: Path = HERE / "real") -> None:
    """Cut every extract anew."""
    shutil.rmtree(target, ignore_errors=True)
    for cut in (event_lists, images, exposure_maps, attitude, calibration_index, odf_summaries, logs, tables, listings,
                erosita, nicer, selections):  # fmt: skip
        cut(source, target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    sys.stdout.write(f"{size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
