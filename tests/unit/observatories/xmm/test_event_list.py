"""Reading event lists: real ones, and damaged ones."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.gti import total
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from tests.genuine import Abell907
from tests.unit.observatories.xmm.conftest import WHOLE_LIST


def test_the_header_wins_over_the_name(exod: Path) -> None:
    for name, instrument, exposure in ((WHOLE_LIST, "M1", "S001"), ("P0001730201M2S003MIEVLI.FTZ", "M2", "S002")):
        identity = EpicEventList.open(exod / name).identity
        assert (identity.instrument, identity.exposure) == (instrument, exposure)
        assert (identity.obsid, identity.data_mode, identity.submode) == ("0001730201", "IMAGING", "PrimeFullWindow")
        assert (identity.filter, identity.revolution) == ("Thick", 229)


def test_columns_and_tables_equal_astropy(mos_list: Path) -> None:
    events = EpicEventList.open(mos_list)
    read = events.columns("TIME", "PI", "X", "FLAG", "PATTERN")
    with fits.open(mos_list) as hdus:
        for name, values in read.items():
            assert np.array_equal(values, hdus["EVENTS"].data[name])
        assert list(events.extension_names) == [hdu.name for hdu in hdus[2:]]
        for ccd in events.ccds:
            assert np.array_equal(events.frames(ccd).time, hdus[f"EXPOSU{ccd:02d}"].data["TIME"])
            assert len(events.bad_pixels(ccd)) == len(hdus[f"BADPIX{ccd:02d}"].data)
            assert total(events.gtis[ccd]) == pytest.approx(events.header[f"ONTIME{ccd:02d}"], abs=1e-6)


def test_gti_of_the_data_subspace_wins_over_the_standard_one(abell907: Abell907) -> None:
    events = EpicEventList.open(abell907.event_list)
    assert len(events.gtis) >= 6
    for ccd, intervals in events.gtis.items():
        assert total(intervals) == pytest.approx(events.header[f"ONTIME{ccd:02d}"], abs=1e-3)


def test_plain_and_gzip_under_any_name_are_the_same(mos_list: Path, tmp_path: Path) -> None:
    plain = tmp_path / "called.FTZ"
    with gzip.open(mos_list) as stream:
        plain.write_bytes(stream.read())
    packed = tmp_path / "called.fits"
    shutil.copy(mos_list, packed)
    assert np.array_equal(EpicEventList.open(plain).columns("PI")["PI"], EpicEventList.open(packed).columns("PI")["PI"])


def test_chunks_are_whole_rows_in_order(mos_list: Path) -> None:
    events = EpicEventList.open(mos_list)
    times = [chunk["TIME"].astype(float) for chunk in events.chunks(1000)]
    assert {len(part) for part in times[:-1]} == {1000}
    assert np.array_equal(np.concatenate(times), events.columns("TIME")["TIME"])
    assert sum(map(len, times)) == events.row_count == fits.getheader(mos_list, "EVENTS")["NAXIS2"]


def cut(data: bytes, fraction: float) -> bytes:
    return data[: int(len(data) * fraction)]


DAMAGED = {
    "cut gzip": (lambda data: cut(data, 0.5), "gzip stream is damaged or cut off"),
    "cut FITS": (
        lambda data: cut(gzip.decompress(data), 0.1),
        "is cut off in the data of HDU 1",
    ),
    "cut header": (lambda data: gzip.decompress(data)[:4000], "is cut off in the header of HDU"),
    "HTML": (lambda data: b"<!DOCTYPE html><html>404 Not Found</html>", "is not FITS: it begins with b'<!DOCTYPE"),
    "empty": (lambda data: b"", "is not FITS"),
    "flipped bits": (
        lambda data: data[:9000] + bytes(255 - byte for byte in data[9000:9400]) + data[9400:],
        "gzip|not XTENSION",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_is_named_with_the_file(mos_list: Path, tmp_path: Path, damage: object, message: str) -> None:
    path = tmp_path / "P0001730201M1S002MIEVLI.FTZ"
    path.write_bytes(damage(mos_list.read_bytes()))  # type: ignore[operator]
    with pytest.raises(CorruptFileError, match=message) as caught:
        EpicEventList.open(path).columns("PI")
    assert str(path) in str(caught.value)


def write_table(path: Path, name: str = "EVENTS", forms: tuple[str, ...] = ("D", "I")) -> Path:
    columns = [fits.Column(column, form) for column, form in zip(("TIME", "PI"), forms, strict=False)]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name=name, nrows=3)]).writeto(path)
    return path


def test_what_is_no_event_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match="no table EVENTS"):
        EpicEventList.open(write_table(tmp_path / "a.fits", name="RATE"))
    with pytest.raises(CorruptFileError, match="lacks PI"):
        EpicEventList.open(write_table(tmp_path / "b.fits", forms=("D",)))
    with pytest.raises(CorruptFileError, match="variable-length"):
        EpicEventList.open(write_table(tmp_path / "c.fits", forms=("D", "PJ(3)")))
    with pytest.raises(CorruptFileError, match="is not there"):
        EpicEventList.open(tmp_path / "none.fits")
    with pytest.raises(CorruptFileError, match="'OBS_ID' not found"):
        EpicEventList.open(write_table(tmp_path / "d.fits")).identity  # noqa: B018


def test_pn_frames_take_their_length_from_the_header(observatory: Path, truth: dict) -> None:
    events = EpicEventList.open(observatory / truth["0999990101PNS003"]["file"])
    frames = events.frames(4)
    assert frames.time_delta[0] == pytest.approx(0.1991936)
    assert np.diff(frames.time)[:50] == pytest.approx(0.1991936, abs=1e-6)
