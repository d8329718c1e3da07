"""Fuzzing of everything that reads FITS: tables, good time intervals, event lists, regions, calibration indices."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.events.data_subspace import gti_references, kept_restrictions
from daxa_wf.events.expression.regions import read_region
from daxa_wf.events.gti_files import read_gti, write_gti
from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.fits.verify import check_content
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.gti_tables import read_gti_file
from daxa_wf.observatories.xmm.native.attitude import read_drift
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES, EpicEventList
from daxa_wf.observatories.xmm.sas.versions import read_ccf_index
from tests.fuzz.driver import fuzz_file, mutated_fits

WORDS = (
    b"\0" * 80,
    b" " * 2880,
    b"END".ljust(80),
    b"SIMPLE  =",
    b"XTENSION= 'BINTABLE'",
    b"\xff" * 8,
    b"CONTINUE  'x&'".ljust(80),
)


def packed(*tables: Any) -> bytes:
    """Return the bytes of a FITS file with these tables."""
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(stream)
    return stream.getvalue()


def table(name: str, cards: dict[str, Any] | None = None, **columns: tuple[str, Any]) -> Any:
    made = fits.BinTableHDU.from_columns(
        [fits.Column(column, form, array=values) for column, (form, values) in columns.items()], name=name
    )
    made.header.update(cards or {})
    return made


@pytest.fixture
def gti(tmp_path: Path) -> bytes:
    write_gti(tmp_path / "gti.fits", np.array([[0.0, 100.0], [200.0, 300.0]]), XMM_TIMES, "test")
    return (tmp_path / "gti.fits").read_bytes()


def test_every_gti_file_ends_with_intervals_or_an_error_of_the_package(gti: bytes, tmp_path: Path) -> None:
    def read(path: Path) -> None:
        read_gti(path)
        read_gti(path, 1)
        check_content(path)

    fuzz_file(read, [gti], tmp_path / "fuzzed.fits", words=WORDS, cases=400, mutate=mutated_fits)


def test_every_gti_file_of_erosita_ends_with_intervals_or_an_error_of_the_package(gti: bytes, tmp_path: Path) -> None:
    both = packed(
        *(table(name, START=("D", [0.0, 5.0]), STOP=("D", [3.0, 9.0])) for name in ("GTI1", "FLAREGTI1", "GTI2"))
    )
    fuzz_file(
        lambda path: read_gti_file(path, (1, 2)), [gti, both], tmp_path / "fuzzed.fits",
        words=WORDS, cases=300, mutate=mutated_fits,
    )  # fmt: skip


def test_every_region_table_ends_with_a_region_or_an_error_of_the_package(tmp_path: Path) -> None:
    shapes = table(
        "REGION", SHAPE=("16A", ["!ROTBOX", "CIRCLE"]), X=("E", [5.0, 0.0]), Y=("E", [-5.0, 0.0]),
        R=("2E", [[20.0, 40.0], [30.0, 0.0]]), ROTANG=("E", [0.0, 0.0]), COMPONENT=("B", [1, 1]),
    )  # fmt: skip
    polygons = table("REGION", SHAPE=("16A", ["POLYGON"]), X=("4E", [[0.0, 1, 1, 0]]), Y=("4E", [[0.0, 0, 1, 1]]))

    def use(path: Path) -> None:
        inside = read_region(path).contains(np.array([0.0, 5.0]), np.array([0.0, np.nan]))
        assert inside.shape == (2,)

    seeds = [packed(shapes), packed(polygons)]
    words = [*WORDS, b"CIRCLE          ", b"!POLYGON        ", b"ELLIPTRING      ", b"!!!             ", b"\xc3\xff"]
    fuzz_file(use, seeds, tmp_path / "fuzzed.fits", words=words, cases=500, mutate=mutated_fits)


EPIC = {
    "OBS_ID": "0201903501", "INSTRUME": "EMOS1", "EXPIDSTR": "S001", "DATAMODE": "IMAGING", "SUBMODE": "PrimeFullWindow",
    "FILTER": "Thin1", "REVOLUT": 641, "TSTART": 0.0, "TSTOP": 300.0, "REFXCRPX": 25921.0, "DSTYP1": "CCDNR",
    "DSVAL1": "1", "DSTYP2": "TIME", "DSVAL2": "TABLE", "DSREF2": ":GTI00004", "TNULL1": -1,
}  # fmt: skip


def epic_list() -> bytes:
    """Return a small event list of EPIC's MOS."""
    count = 20
    events = table(
        "EVENTS", EPIC, TIME=("D", np.linspace(0, 300, count)), PI=("I", np.arange(count) * 500), X=("J", np.arange(count)),
        Y=("J", np.arange(count)), FLAG=("J", np.zeros(count)), PATTERN=("B", np.zeros(count)), CCDNR=("B", np.ones(count)),
    )  # fmt: skip
    frames = table(
        "EXPOSU01", TIME=("D", np.arange(5) * 60.0), TIMEDEL=("E", np.full(5, 2.6)), FRACEXP=("E", np.ones(5))
    )
    times = [table(name, START=("D", [0.0]), STOP=("D", [300.0])) for name in ("STDGTI01", "GTI00004")]
    return packed(events, frames, *times)


def test_every_event_list_ends_with_events_or_an_error_of_the_package(tmp_path: Path) -> None:
    def use(path: Path) -> None:
        events = EpicEventList.open(path)
        _ = events.identity, events.time_range, events.gtis, events.ccds
        gti_references(events.header, "CCDNR"), kept_restrictions(events.header, "CCDNR")
        for ccd in events.ccds:
            events.frames(ccd)
        assert sum(len(chunk) for chunk in events.chunks()) == events.row_count

    fuzz_file(use, [epic_list()], tmp_path / "fuzzed.fits", words=WORDS, cases=500, mutate=mutated_fits)


def test_every_event_file_of_erosita_ends_with_events_or_an_error_of_the_package(tmp_path: Path) -> None:
    count = 20
    events = table(
        "EVENTS", {"OBS_ID": "700163", "INSTRUME": "TM1", "OBS_MODE": "POINTING", "FILTER": "FILTER"},
        TIME=("D", np.linspace(0, 300, count)), X=("J", np.arange(count)), Y=("J", np.arange(count)),
        PI=("E", np.arange(count)), PAT_TYP=("I", np.ones(count)), TM_NR=("B", np.ones(count)), FLAG=("J", np.zeros(count)),
    )  # fmt: skip
    others = [
        table("GTI1", START=("D", [0.0]), STOP=("D", [300.0])),
        table("DEADCOR1", TIME=("D", [0.0, 150.0]), DEADC=("D", [0.9, 0.8])),
        table("CORRATT1", **{name: ("D", [0.0, 150.0]) for name in ("TIME", "RA", "DEC", "ROLL")}),
        table("BADPIX1", RAWX=("I", [3]), RAWY=("I", [4]), YEXTENT=("I", [2])),
    ]

    def use(path: Path) -> None:
        file = ErositaEventList.open(path)
        _ = file.observation, file.gtis, file.module_tables
        for module in file.gtis:
            file.pointing(module), file.bad_pixels(module), file.live_time(module, file.gtis[module])
        assert sum(len(file.flags(chunk)) for chunk in file.chunks()) == file.row_count

    fuzz_file(use, [packed(events, *others)], tmp_path / "fuzzed.fits", words=WORDS, cases=400, mutate=mutated_fits)


def test_every_attitude_series_ends_with_a_drift_or_an_error_of_the_package(tmp_path: Path) -> None:
    plane = TangentPlane(149.6, -11.1, 25921.0, 25921.0, -0.05 / 3600, 0.05 / 3600)
    series = table("ATTHK", TIME=("D", [0.0, 1.0]), AHFRA=("D", [149.6, 149.7]), AHFDEC=("D", [-11.1, -11.0]))
    good = np.array([[0.0, 10.0]])
    fuzz_file(
        lambda path: read_drift(path, plane, good), [packed(series)], tmp_path / "fuzzed.fits",
        words=WORDS, cases=300, mutate=mutated_fits,
    )  # fmt: skip


def test_every_calibration_index_ends_with_names_or_an_error_of_the_package(tmp_path: Path) -> None:
    index = table(
        "CALINDEX",
        {"OBSVDATE": "2003-06-01T00:00:00", "ANALDATE": "2020-01-01T00:00:00"},
        FNAME=("12A", ["a.CCF", "b.CCF"]),
    )
    fuzz_file(read_ccf_index, [packed(index)], tmp_path / "ccf.cif", words=WORDS, cases=300, mutate=mutated_fits)
