from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.events.gti import intersection, total
from daxa_wf.events.gti_files import gti_table
from daxa_wf.events.rewrite import Changes, rewrite
from daxa_wf.fits.writer import write_hdu
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList, unsigned_flags
from daxa_wf.observatories.erosita.native.evtool import evtool, selection_cards
from daxa_wf.observatories.erosita.native.selection import EvtoolParameters, energy_mask, flag_mask, pattern_mask
from tests.unit.observatories.erosita.conftest import default_parameters

pytestmark = pytest.mark.filterwarnings("error::astropy.utils.exceptions.AstropyUserWarning")
"""A wrong checksum is a warning of astropy's."""


def write_gti_tables(path, tables):
    """Write a file of tables of good times by name."""
    with path.open("wb") as stream:
        write_hdu(stream, fits.PrimaryHDU().header, b"")
        for name, intervals in tables.items():
            gti_table(name, intervals, ()).append_to(stream)


def brute_force(path, gti, pattern, flag, invert, emin, emax, modules):
    """One criterion after the other, as the documentation says them, with astropy's columns."""
    with fits.open(path) as hdus:
        rows = hdus["EVENTS"].data
        good = np.zeros(len(rows), bool)
        for module in modules:
            for start, stop in hdus[f"{gti}{module}"].data if f"{gti}{module}" in hdus else ():
                good |= (rows["TM_NR"] == module) & (rows["TIME"] >= start) & (rows["TIME"] <= stop)
        allowed = [kind for kind in (1, 2, 3, 4) if pattern & 2 ** (kind - 1)]
        hit = (rows["FLAG"].astype(np.int64) % 2**32) & flag != 0
        energy = rows["PI"].astype(float)
        kept = good & np.isin(rows["PAT_TYP"], allowed) & (hit == invert) & (energy >= emin * 1000)
        return kept & (energy < emax * 1000), np.asarray(rows)


@pytest.mark.parametrize(
    ("pattern", "flag", "invert", "emin", "emax", "telid"),
    [
        (15, 0xC0000000, False, 0.2, 10.0, (1, 2, 3, 4, 5, 6, 7)),
        (5, 0xC00FFF30, False, 0.5, 2.0, (5, 7)),
        (3, 0x80000000, True, 0.2, 8.0, (1, 3, 6)),
    ],
)
def test_selection_is_exact(event_file, tmp_path, pattern, flag, invert, emin, emax, telid, sha256):
    events, output = event_file("700195"), tmp_path / "clean.fits"
    before = sha256(events.path)
    parameters = EvtoolParameters(pattern, flag, invert, emin, emax, "GTI", telid)
    result = evtool(events, parameters, output)
    kept, rows = brute_force(events.path, "GTI", pattern, flag, invert, emin, emax, telid)
    assert sha256(events.path) == before
    assert 0 < kept.sum() == result.selected < result.rows == len(rows)
    with fits.open(output, checksum=True) as hdus:
        np.testing.assert_array_equal(np.asarray(hdus["EVENTS"].data), rows[kept])
        header = hdus["EVENTS"].header
        assert header["NAXIS2"] == kept.sum()
        assert any("evtool" in line for line in header["HISTORY"])
        assert (header["GTI_SEL"], header["PAT_SEL"], header["EMIN1"], header["EMAX1"]) == ("GTI", pattern, emin, emax)
        assert header["FLAGINV" if invert else "FLAGSEL"] % 2**32 == flag


def test_patterns():
    kinds = np.array([-2, 0, 1, 2, 3, 4, 5], dtype=">i2")
    assert pattern_mask(kinds, 15).tolist() == [False, False, True, True, True, True, False]
    assert pattern_mask(kinds, 9).tolist() == [False, False, True, False, False, True, False]


def test_bands_side_by_side_share_no_event():
    energies = np.array([-500.0, 199.9, 200.0, 2299.9, 2300.0, 5000.0], dtype=">f4")
    assert energy_mask(energies, 0.2, 2.3).tolist() == [False, False, True, True, False, False]
    assert energy_mask(energies, 2.3, 5.0).tolist() == [False, False, False, False, True, False]
    assert energy_mask(energies, None, None).all()


def test_good_times_are_closed_at_both_ends(event_file, tmp_path):
    events = event_file("700199")
    time = next(events.chunks())["TIME"][1000].item()
    table = {5: np.array([[time, time + 100.0]]), 6: np.array([[time - 100, time]])}
    write_gti_tables(tmp_path / "gti.fits", {f"GTI{module}": good for module, good in table.items()})
    result = evtool(events, default_parameters(gti=tmp_path / "gti.fits"), tmp_path / "out.fits")
    with fits.open(events.path) as hdus:
        rows = hdus["EVENTS"].data
    flags = rows["FLAG"].astype(np.int64) & 0xC0000000
    usual = (rows["PAT_TYP"] > 0) & (rows["PAT_TYP"] < 5) & (flags == 0) & (rows["PI"] >= 200) & (rows["PI"] < 10000)
    of_five = (rows["TM_NR"] == 5) & (rows["TIME"] >= time) & (rows["TIME"] <= time + 100)
    of_six = (rows["TM_NR"] == 6) & (rows["TIME"] >= time - 100) & (rows["TIME"] <= time)
    assert result.selected == np.sum(usual & (of_five | of_six)) > 50
    assert [each.text[:3] for each in result.findings] == ["TM7"]
    assert result.ontime == {5: pytest.approx(100), 6: pytest.approx(100), 7: 0}


def test_flaregti_becomes_gti(event_file, tmp_path):
    """GTIn is the selected time, FLAREGTIn and the tables of modules are carried over as they were."""
    events, with_flares, output = event_file("700195"), tmp_path / "flares.fits", tmp_path / "clean.fits"
    start = events.time_range[0]
    flare_free = {m: np.array([[start - 10, start + 700.0], [start + 1550, start + 2500]]) for m in events.gtis}
    rewrite(events, with_flares, Changes("test", tables={f"FLAREGTI{m}": good for m, good in flare_free.items()}))
    result = evtool(ErositaEventList.open(with_flares), default_parameters(gti="FLAREGTI"), output)
    cleaned = ErositaEventList.open(output)
    for module, good in events.gtis.items():
        expected = intersection(good, flare_free[module])
        np.testing.assert_array_equal(cleaned.gtis[module], expected)
        np.testing.assert_array_equal(cleaned.intervals("FLAREGTI")[module], flare_free[module])
        assert cleaned.header[f"ONTIME{module}"] == total(expected) == result.ontime[module]
        assert cleaned.header[f"LIVETI{module}"] == pytest.approx(events.live_time(module, expected))
    assert cleaned.header["ONTIME"] == max(result.ontime.values())
    assert len(cleaned.gtis[4]) == 0
    assert [each.text for each in result.findings] == ["TM4 has no table GTI4: its events are left out"]
    with fits.open(events.path) as old, fits.open(output, checksum=True) as new:
        assert not np.any(new["EVENTS"].data["TM_NR"] == 4)
        for hdu in old[2:]:
            if not hdu.name.startswith("GTI"):
                assert new[hdu.name].data.tobytes() == hdu.data.tobytes()


def test_exposure_is_the_live_time_that_is_left(event_file, tmp_path):
    """A card that is there is made right; one that is not does not come in. TSTART and TSTOP stay."""
    events = event_file("700199")
    rewrite(events, tmp_path / "with.fits", Changes("test", event_cards={"EXPOSURE": (99999.0, "[s]")}))
    with_card = ErositaEventList.open(tmp_path / "with.fits")
    result = evtool(with_card, default_parameters(gti="GTI", telid=(5, 7)), tmp_path / "out.fits")
    header = ErositaEventList.open(tmp_path / "out.fits").header
    assert header["EXPOSURE"] == header["LIVETIME"] == max(result.livetime.values()) < header["ONTIME"]
    assert (header["TSTART"], header["TSTOP"]) == events.time_range
    evtool(events, default_parameters(gti="GTI"), tmp_path / "without.fits")
    assert "EXPOSURE" not in ErositaEventList.open(tmp_path / "without.fits").header


def test_selections_add_up(event_file):
    header = fits.Header({"FLAGSEL": 0xC0000000 - 2**32, "PAT_SEL": 15, "EMIN1": 0.3, "EMAX1": 5.0})
    cards = selection_cards(header, EvtoolParameters(3, 0x0000F000, emin=0.2, emax=2.3))
    assert cards["FLAGSEL"][0] == -1073680384
    """What the genuine eFEDS image has for 0xC000F000."""
    assert (cards["PAT_SEL"][0], cards["EMIN1"][0], cards["EMAX1"][0]) == (3, 0.3, 2.3)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"region": "circle(1, 2, 3)"}, "region 'circle.*expected a frame"),
        ({"pattern": 16}, "pattern 16: allowed are 0 to 15"),
        ({"pattern": -1}, "pattern -1"),
        ({"flag": 2**32}, "flag 4294967296: allowed"),
        ({"emin": 2.0, "emax": 1.0}, "emin 2.0 keV must be less than emax 1.0 keV"),
        ({"telid": (0,)}, "telid"),
    ],
)
def test_parameters_that_cannot_be(wrong, text):
    with pytest.raises(ConfigError, match=text):
        EvtoolParameters(**wrong)


def test_what_is_not_there(event_file, tmp_path):
    events = event_file("700199")
    with pytest.raises(ConfigError, match="no tables FLAREGTIn; run flaregti first"):
        evtool(events, default_parameters(), tmp_path / "out.fits")
    with pytest.raises(ConfigError, match=r"nowhere\.fits is not there"):
        evtool(events, default_parameters(gti=tmp_path / "nowhere.fits"), tmp_path / "out.fits")
    with pytest.raises(UnfitDataError, match="noInstrument"):
        evtool(events, default_parameters(telid=(1, 2)), tmp_path / "out.fits")


@given(kinds=st.lists(st.integers(-9, 9), min_size=1), pattern=st.integers(0, 15))
def test_any_pattern(kinds, pattern):
    expected = [kind in (1, 2, 3, 4) and bool(pattern & (1, 2, 4, 8)[kind - 1]) for kind in kinds]
    assert pattern_mask(np.array(kinds, ">i2"), pattern).tolist() == expected


@given(flags=st.lists(st.integers(0, 2**32 - 1), min_size=1), flag=st.integers(0, 2**32 - 1))
def test_any_flag(flags, flag):
    stored = np.array([value - 2**32 if value >= 2**31 else value for value in flags], ">i4")
    kept = flag_mask(unsigned_flags(stored), flag)
    assert kept.tolist() == [value & flag == 0 for value in flags]
    assert (flag_mask(unsigned_flags(stored), flag, True) == ~kept).all()
