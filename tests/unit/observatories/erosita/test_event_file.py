from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.gti import contains, intersection, total
from daxa_wf.events.sky_plane import OrthographicPlane, projection_of
from daxa_wf.fits.stream import open_bytes, walk_hdus
from daxa_wf.fits.writer import write_hdu
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList, modules_of, unsigned_flags
from daxa_wf.observatories.erosita.native.exposure_maps import bad_pixel_mask
from daxa_wf.observatories.erosita.native.gti_tables import read_gti_file
from daxa_wf_simulator.erosita import write_event_file
from daxa_wf_simulator.erosita_targets import TARGETS

pytestmark = pytest.mark.filterwarnings("error::astropy.utils.exceptions.AstropyUserWarning")
"""A wrong checksum is a warning of astropy's."""


EFEDS = "efeds_evtool_image_6642_GTI_FLAREGTI.fits"


def test_flag_is_unsigned_32_bit(event_file):
    stored = np.array([0, 1, 0x40000000, -(2**31), -1], dtype=">i4")
    assert unsigned_flags(stored).tolist() == [0, 1, 0x40000000, 0x80000000, 0xFFFFFFFF]
    assert unsigned_flags(stored, 2**31).tolist() == [0x80000000, 0x80000001, 0xC0000000, 0, 0x7FFFFFFF]
    events = event_file("700195")
    flags = np.concatenate([events.flags(rows) for rows in events.chunks()])
    with fits.open(events.path) as hdus:
        expected = hdus["EVENTS"].data["FLAG"].astype(np.int64) % 2**32
    np.testing.assert_array_equal(flags, expected)
    assert (flags >> 31).sum() > 500


@pytest.mark.parametrize(
    ("obsid", "modules", "survey"),
    [("700195", (1, 2, 3, 4, 5, 6, 7), False), ("700199", (5, 6, 7), False), ("134135", (1, 2, 3, 4, 5, 6, 7), True)],
)
def test_observation(event_file, obsid, modules, survey):
    observation = event_file(obsid).observation
    assert (observation.obsid, observation.modules, observation.obs_mode == "SURVEY") == (obsid, modules, survey)
    assert observation.sees_sky
    assert observation.owner == "MPE"


def test_columns_are_what_astropy_reads(event_file):
    for obsid in ("700195", "134135"):
        events = event_file(obsid)
        rows = next(events.chunks()).copy()
        with fits.open(events.path) as hdus:
            table = hdus["EVENTS"].data[: len(rows)]
            for name in ("RA", "DEC", "X", "Y", "SUBX", "PI", "TIME"):
                np.testing.assert_allclose(events.physical(rows, name), table[name], rtol=1e-12)


def test_sky_of_x_and_y_is_ra_and_dec(event_file):
    for obsid in ("700195", "134135"):
        events = event_file(obsid)
        rows = next(events.chunks()).copy()
        ra, dec = events.plane.sky(events.physical(rows, "X"), events.physical(rows, "Y"))
        np.testing.assert_allclose(ra, events.physical(rows, "RA"), atol=5e-5)
        np.testing.assert_allclose(dec, events.physical(rows, "DEC"), atol=5e-5)


def test_orthographic_plane_is_astropys():
    from astropy.wcs import WCS

    plane = OrthographicPlane(133.2, 65.4, 3.0, -2.0, -1.4e-5, 1.4e-5)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---SIN", "DEC--SIN"], [plane.ra, plane.dec]
    wcs.wcs.crpix, wcs.wcs.cdelt = [plane.x0, plane.y0], [plane.dx, plane.dy]
    x, y = np.random.default_rng(1).uniform(-1e5, 1e5, (2, 50))
    ra, dec = plane.sky(x, y)
    np.testing.assert_allclose(np.array([ra, dec]), wcs.wcs_pix2world(x, y, 1), rtol=0, atol=1e-10)
    np.testing.assert_allclose(np.array(plane.pixel(ra, dec)), [x, y], atol=1e-4)
    assert projection_of(plane) == "SIN"
    assert np.isnan(plane.pixel(plane.ra + 180, -plane.dec)[0])


def test_tables_of_modules(event_file):
    events = event_file("700195")
    assert sorted(events.gtis) == [1, 2, 3, 5, 6, 7]
    assert events.intervals("FLAREGTI") == {}
    assert events.pointing(3).time.size == 3603
    assert events.pointing(3).ra.std() < 1e-9
    assert events.bad_pixels(2)["RAWX"].tolist() == [80, 100]
    assert "HK11" not in events.extension_names
    only_three = event_file("700199")
    assert only_three.pointing(1) is None
    assert len(only_three.bad_pixels(1)) == 0
    np.testing.assert_array_equal(only_three.live_fraction(1, np.array([0.0, 1.0])), 1)


def test_live_time_is_that_of_every_second(event_file):
    events = event_file("700195")
    good = events.gtis[5]
    seconds = np.concatenate([np.arange(start + 0.05, stop, 0.1) for start, stop in good])
    expected = np.sum(events.live_fraction(5, seconds)) * 0.1
    assert events.live_time(5, good) == pytest.approx(expected, rel=1e-4)
    assert 0.95 < events.live_time(5, good) / total(good) < 0.98
    assert events.live_time(5, good[:0]) == 0


def test_same_bytes_every_time(tmp_path):
    target = TARGETS[2]
    write_event_file(tmp_path / "a" / target.file, target)
    write_event_file(tmp_path / "b" / target.file, target)
    assert (tmp_path / "a" / target.file).read_bytes() == (tmp_path / "b" / target.file).read_bytes()


def test_genuine_efeds_intervals(real_data):
    """CATALOG.md: TM1 has 3976.1 s of 4604.7 s without flares; TM5 and TM6 have none; all within GTI."""
    path = real_data / "erosita" / EFEDS
    with open_bytes(path) as stream:
        tables = {hdu.name: hdu.table() for hdu in walk_hdus(stream, path) if "GTI" in hdu.name}
    assert sorted(tables) == sorted(f"{kind}GTI{module}" for kind in ("", "FLARE") for module in range(1, 8))
    sums = {name: float(np.sum(rows["STOP"] - rows["START"])) for name, rows in tables.items()}
    assert sums["GTI1"] == pytest.approx(4604.7, abs=0.05)
    assert sums["FLAREGTI1"] == pytest.approx(3976.1, abs=0.05)
    assert sums["GTI5"] == sums["GTI6"] == sums["FLAREGTI5"] == 0
    flare_free = read_gti_file(path, range(1, 8))
    header = fits.getheader(path)
    assert modules_of(header) == (1, 2, 3, 4, 5, 6, 7)
    for module, intervals in flare_free.items():
        own = np.column_stack([tables[f"GTI{module}"][name] for name in ("START", "STOP")])
        common = intersection(intervals, own)
        assert total(common) == pytest.approx(total(intervals), abs=1e-6)
        assert total(intervals) == pytest.approx(sums[f"FLAREGTI{module}"], abs=1e-3)
        assert contains(common, intervals.mean(axis=1)).all()


def test_genuine_truncated_file_is_corrupt(real_data):
    path = real_data / "erosita" / "NEGATIVE_truncated_300003_evtool_image_021.fits.gz"
    with open_bytes(path) as stream:
        assert next(walk_hdus(stream, path)).header["CREATOR"].strip() == "EVTOOL"
    with pytest.raises(CorruptFileError, match=r"cut off|short"):
        read_gti_file(path, (1,))


def test_an_image_is_no_event_file(real_data):
    with pytest.raises(CorruptFileError, match=r"no table EVENTS.*eROSITA list"):
        ErositaEventList.open(real_data / "erosita" / EFEDS)


def test_damaged_files(erosita, tmp_path):
    whole = (erosita[0] / "em01_134135_020_EventList_c010.fits.gz").read_bytes()
    cut = tmp_path / "cut.fits.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptFileError, match="damaged or cut off"):
        for _ in ErositaEventList.open(cut).chunks():
            pass
    plain = tmp_path / "plain.fits"
    plain.write_bytes(gzip.decompress(whole).replace(b"'TM_NR   '", b"'TM_XX   '"))
    with pytest.raises(CorruptFileError, match="lacks TM_NR"):
        ErositaEventList.open(plain)


def test_file_that_is_not_there():
    with pytest.raises(CorruptFileError, match="is not there"):
        ErositaEventList.open(Path("nowhere.fits"))


def test_other_ways_to_write_columns(erosita, tmp_path):
    """FLAG as unsigned (TZERO), PAT_TYP as signed bytes, the plane in REFX cards only: the same events."""
    original = erosita[0] / "pm00_700199_020_EventList_c001.fits"
    with fits.open(original, do_not_scale_image_data=True) as hdus:
        table = hdus["EVENTS"].data
        flags = table["FLAG"].astype(np.int64) % 2**32
        columns = [column for column in table.columns if column.name not in ("FLAG", "PAT_TYP")]
        columns.append(fits.Column("FLAG", "J", bzero=2**31, array=flags.astype(np.uint32)))
        columns.append(fits.Column("PAT_TYP", "B", bzero=-128, array=table["PAT_TYP"].astype(np.int8)))
        header = hdus["EVENTS"].header
        new = fits.BinTableHDU.from_columns(columns, name="EVENTS")
        new.header.extend(card for card in header.cards if card.keyword.startswith(("REF", "INSTRU", "OBS_ID")))
        for card in [card for card in new.header if card.startswith("TC")]:
            del new.header[card]
        fits.HDUList([fits.PrimaryHDU(), new]).writeto(tmp_path / "other.fits")
    ours, same = ErositaEventList.open(tmp_path / "other.fits"), ErositaEventList.open(original)
    rows = next(ours.chunks()).copy()
    np.testing.assert_array_equal(ours.flags(rows), flags)
    np.testing.assert_array_equal(ours.physical(rows, "PAT_TYP"), table["PAT_TYP"])
    assert ours.plane == same.plane
    assert ours.observation.modules == (5, 6, 7)


def test_genuine_headers_survive(real_data, tmp_path):
    """Long strings over many cards, and cards that occur twice."""
    path = real_data / "erosita" / EFEDS
    with open_bytes(path) as stream, (tmp_path / "copy.fits").open("wb") as out:
        for hdu in walk_hdus(stream, path):
            write_hdu(out, hdu.header, hdu.read())
    with fits.open(path) as old, fits.open(tmp_path / "copy.fits", checksum=True) as new:
        assert len(old) == len(new) == 16
        for before, after in zip(old, new, strict=True):
            assert before.header["SASSHIST", 0] == after.header["SASSHIST", 0] if "SASSHIST" in before.header else True
            np.testing.assert_array_equal(np.asarray(before.data), np.asarray(after.data))


@pytest.mark.parametrize(
    ("old", "new", "read"),
    [
        (b"'ROLL    '", b"'TURN    '", lambda events: events.pointing(5)),
        (b"'DEADC   '", b"'DEAD    '", lambda events: events.live_fraction(5, np.zeros(1))),
        (b"'YEXTENT '", b"'EXTENT  '", lambda events: bad_pixel_mask(events, 5)),
        (b"'START   '", b"'BEGIN   '", lambda events: events.gtis),
    ],
)
def test_tables_without_a_column(erosita, tmp_path, old, new, read):
    data = (erosita[0] / "pm00_700199_020_EventList_c001.fits").read_bytes()
    (tmp_path / "x.fits").write_bytes(data.replace(old, new))
    events = ErositaEventList.open(tmp_path / "x.fits")
    if b"EXTENT" in new:
        assert read(events).sum() == 2
    else:
        with pytest.raises(CorruptFileError, match=r"\d\] (lacks|has none)"):
            read(events)
