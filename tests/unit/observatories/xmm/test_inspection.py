"""Damaged and contradictory lists: the result is that of the whole list, or there is a verdict, or a named warning."""

from __future__ import annotations

import dataclasses
import gzip
import io
import math
import os
import re
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import CorruptFileError, DaxaError, UnfitDataError
from daxa_wf.events.flare_filters import FlareParameters
from daxa_wf.events.inspection import Inspection, inspect
from daxa_wf.fits.stream import open_bytes, walk_hdus
from daxa_wf.observatories.xmm.native.espfilt import espfilt
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.evselect import evselect
from tests.damaged_lists import small_list

MUTATIONS = int(os.environ.get("DAXA_WF_MUTATIONS", "15"))
"""Mutations of each seed; give more in the environment for a long run."""
EXPRESSION = "(PATTERN <= 12) && (FLAG & 0x766aa000) == 0 && (PI in [300:12000])"


@dataclasses.dataclass
class Result:
    """What became of a list: numbers, or a verdict, and the names of warnings."""

    numbers: Any = None
    verdict: str = ""
    warnings: tuple[str, ...] = ()
    texts: str = ""


def clean(data: bytes, folder: Path) -> Result:
    """Filter flares and select events as the steps do."""
    path = folder / "P0999991001M1S001MIEVLI0000.FTZ"
    path.write_bytes(data)
    try:
        flares = espfilt(EpicEventList.open(path), "threshold", FlareParameters(threshold=5.0))
        result = evselect(EpicEventList.open(path), EXPRESSION, flares.gti, folder / "clean.fits")
    except DaxaError as error:
        return Result(verdict=f"{type(error).__name__}: {error}")
    numbers = (flares.gti.tolist(), flares.kept, flares.removed, dataclasses.astuple(result))
    names = tuple(each["name"] for each in flares.warnings)
    return Result(numbers, "", names, " ".join(each["text"] for each in flares.warnings))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Result:
    result = clean(small_list(), tmp_path_factory.mktemp("whole"))
    assert (result.verdict, result.warnings) == ("", ())
    return result


def edited(change: Callable[[fits.HDUList], object], checksum: bool = True) -> bytes:
    """The list after a change, with right checksums or with none."""
    with fits.open(io.BytesIO(small_list())) as hdus:
        change(hdus)
        out = io.BytesIO()
        hdus.writeto(out, checksum=checksum)
    return out.getvalue()


def set_rows(table: str, column: str, rows: Any, value: Any) -> Callable[[fits.HDUList], object]:
    def change(hdus: fits.HDUList) -> None:
        hdus[table].data[column][rows] = value

    return change


def set_card(table: str, card: str, value: Any) -> Callable[[fits.HDUList], object]:
    return lambda hdus: hdus[table].header.set(card, value)


def second_table(name: str) -> Callable[[fits.HDUList], object]:
    return lambda hdus: hdus.append(hdus[name].copy())


VERDICTS = {
    "two tables EVENTS": (second_table("EVENTS"), "twoEventTables"),
    "good times up to 1e300": (set_rows("STDGTI01", "STOP", -1, 1e300), "badGoodTimes"),
    "good times that are NaN": (set_rows("STDGTI02", "START", 0, np.nan), "badGoodTimes"),
    "infinite good times": (set_rows("STDGTI01", "STOP", -1, np.inf), "badGoodTimes"),
    "TSTOP before TSTART": (set_card("EVENTS", "TSTOP", 1.0), "badTimes"),
    "an exposure of 30 years": (set_card("EVENTS", "TSTOP", 2e9), "badTimes"),
    "good times without STOP": (set_card("STDGTI01", "TTYPE2", "END"), "lacks STOP"),
    "frames without TIME": (set_card("EXPOSU01", "TTYPE1", "T"), "lacks TIME"),
    "TSTART of text": (set_card("EVENTS", "TSTART", "now"), "expected TSTART and TSTOP in seconds"),
}
WARNINGS = {
    "times that are NaN": (set_rows("EVENTS", "TIME", slice(10, 22), np.nan), "invalidTimes", "TIME of 12 of"),
    "infinite times": (set_rows("EVENTS", "TIME", slice(0, 3), np.inf), "invalidTimes", "TIME of 3 of"),
    "times of another year": (set_rows("EVENTS", "TIME", slice(0, 5), 1e300), "timesOutside", "TIME of 5 of"),
    "a CCD without good times": (lambda hdus: hdus.pop("STDGTI03"), "missingGoodTimes", "no table STDGTI03"),
    "a CCD without frames": (lambda hdus: hdus.pop("EXPOSU03"), "missingFrames", "no table EXPOSU03"),
    "a CCD without bad pixels": (lambda hdus: hdus.pop("BADPIX03"), "missingBadPixels", "no table BADPIX03"),
    "a table twice": (second_table("STDGTI01"), "tableTwice", "STDGTI01"),
    "good times backwards": (
        set_rows("STDGTI01", "STOP", 0, 6e8), "reversedGoodTimes|goodTimesOutside", "STDGTI01",
    ),
    "good times of the day before": (set_rows("STDGTI01", "START", 0, 6e8 - 86400), "goodTimesOutside", "STDGTI01"),
}  # fmt: skip


@pytest.mark.parametrize("checksum", [True, False], ids=["with checksums", "without"])
@pytest.mark.parametrize(("change", "reason"), VERDICTS.values(), ids=VERDICTS.keys())
def test_a_list_that_contradicts_itself_has_a_verdict(
    change: Callable[[fits.HDUList], object], reason: str, checksum: bool, tmp_path: Path
) -> None:
    assert reason in clean(edited(change, checksum), tmp_path).verdict


@pytest.mark.parametrize(("change", "name", "text"), WARNINGS.values(), ids=WARNINGS.keys())
def test_a_list_with_mistakes_that_can_be_used_has_a_named_warning(
    change: Callable[[fits.HDUList], object], name: str, text: str, tmp_path: Path
) -> None:
    result = clean(edited(change), tmp_path)
    assert not result.verdict
    assert any(re.fullmatch(name, each) for each in result.warnings), result
    assert text in result.texts


def test_a_wrong_datasum_is_a_named_warning_of_the_table(whole: Result, tmp_path: Path) -> None:
    data = bytearray(small_list())
    at = len(data) // 3
    data[at] ^= 0x01
    for packed in (bytes(data), gzip.compress(bytes(data), 1)):
        result = clean(packed, tmp_path)
        assert result.warnings == ("wrongDatasum", "wrongChecksum")
        assert re.search(r"EVENTS: DATASUM is '\d+', but the data sum up to \d+", result.texts)


def test_checksums_that_are_verified_while_reading_are_those_of_astropy(tmp_path: Path) -> None:
    path = tmp_path / "list.fits"
    path.write_bytes(small_list())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, checksum=True) as hdus:
            count = len(hdus)
    problems: list[tuple[str, str]] = []
    with open_bytes(path) as stream:
        assert sum(1 for _ in walk_hdus(stream, path, problems)) == count
    assert problems == []


def test_genuine_lists_pass_without_warnings(mos_list: Path) -> None:
    assert inspect([EpicEventList.open(mos_list)]) == []


def test_simulated_lists_pass_without_warnings(observatory: Path) -> None:
    lists = [EpicEventList.open(path) for path in sorted(observatory.rglob("*EVLI*")) if "TIEVLI" not in path.name]
    assert len(lists) > 5
    assert inspect(lists) == []


def test_a_huge_table_beside_the_events_is_refused_in_little_memory(tmp_path: Path) -> None:
    rows = 400_000_000
    data = bytearray(edited(lambda hdus: hdus.pop("STDGTI07"), checksum=False))
    header = fits.BinTableHDU.from_columns(
        [fits.Column("START", "D"), fits.Column("STOP", "D")], nrows=1, name="STDGTI07"
    ).header
    header["NAXIS2"] = rows
    data += header.tostring().encode()
    path = tmp_path / "list.FTZ"
    path.write_bytes(data + bytes(10_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(
            CorruptFileError, match=r"STDGTI07.*hold more than|cut off in the data of HDU [0-9]+ \(STDGTI07\)"
        ):
            espfilt(EpicEventList.open(path), "threshold", FlareParameters(threshold=5.0))
        assert tracemalloc.get_traced_memory()[1] < 300e6
    finally:
        tracemalloc.stop()


def test_a_table_whose_size_is_false_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "list.FTZ"
    path.write_bytes(re.sub(rb"NAXIS2  = +\d+ /", b"NAXIS2  =             60000000 /", small_list(), count=3))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFileError, match=r"cut off in the data|not XTENSION"):
            espfilt(EpicEventList.open(path), "threshold", FlareParameters(threshold=5.0))
        assert tracemalloc.get_traced_memory()[1] < 300e6
    finally:
        tracemalloc.stop()


def mutated(rng: np.random.Generator) -> bytes:
    """The list after a random mistake that leaves its checksums as they were."""
    data = bytearray(small_list())
    starts = [0, *(match.start() for match in re.finditer(b"XTENSION=", data))]
    at = int(rng.integers(len(data)))
    kind = rng.integers(7)
    if kind == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        data[at : at + 64] = rng.bytes(64)
    elif kind == 2:
        card = int(rng.choice(starts)) + 80 * int(rng.integers(36))
        data[card + 10 : card + 30] = bytes(rng.integers(32, 127, 20, dtype=np.uint8))
    elif kind == 3:
        block = at // 2880 * 2880
        data[block : block + 2880] = b"" if rng.integers(2) else data[block : block + 2880] * 2
    elif kind == 4:
        del data[at:]
    elif kind == 5:
        which = int(rng.integers(1, len(starts)))
        data[starts[which] : [*starts, len(data)][which + 1]] = b""
    else:
        which = int(rng.choice(starts)) + 80 * int(rng.integers(36))
        data[which : which + 8] = bytes(rng.integers(32, 127, 8, dtype=np.uint8))
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_list_has_the_same_result_or_a_verdict_or_a_warning(seed: int, whole: Result, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    for number in range(MUTATIONS):
        data = mutated(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = clean(data, tmp_path)
        assert result.verdict or result.warnings or result.numbers == whole.numbers, (seed, number)


def test_the_verdict_of_times_comes_before_anything_is_allocated(tmp_path: Path) -> None:
    path = tmp_path / "list.FTZ"
    for value in (math.nan, 1e300):
        path.write_bytes(small_list())
        events = EpicEventList.open(path)
        events.header["TSTOP"] = value if math.isfinite(value) else "NaN"
        with pytest.raises(UnfitDataError, match="badTimes"):
            Inspection(events)
