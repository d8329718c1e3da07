from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.telescope_modules import parse_modules, select_modules

pytestmark = pytest.mark.filterwarnings("error::astropy.utils.exceptions.AstropyUserWarning")
"""A wrong checksum is a warning of astropy's."""


def test_names_of_modules():
    assert parse_modules(["TM1", 5, "3"]) == (1, 3, 5)
    assert parse_modules(["TM9", "TM8"]) == (1, 2, 3, 4, 5, 6, 7)
    for wrong in ("TM0", "PN", ""):
        with pytest.raises(ConfigError, match="TM1 to TM7"):
            parse_modules([wrong])


@pytest.mark.parametrize(("obsid", "modules"), [("700195", (2, 4, 7)), ("134135", (5,))])
def test_subset_is_exact(event_file, tmp_path, obsid, modules, sha256):
    events, output = event_file(obsid), tmp_path / "subset.fits"
    before = sha256(events.path)
    written = select_modules(events, modules, output)
    assert sha256(events.path) == before
    with fits.open(events.path) as old, fits.open(output, checksum=True) as new:
        rows = old["EVENTS"].data
        expected = rows[np.isin(rows["TM_NR"], modules)]
        assert (written.rows, written.selected) == (len(rows), len(expected))
        np.testing.assert_array_equal(np.asarray(new["EVENTS"].data), np.asarray(expected))
        names = [hdu.name for hdu in old if hdu.name[-1] not in "1234567"]
        kept = {hdu.name for hdu in new}
        assert kept == {*names, *(hdu.name for hdu in old if hdu.name[:2] != "HK" and hdu.name[-1] in map(str, modules)),
                        *(f"HK{module}1" for module in modules)}  # fmt: skip
        for hdu in new[2:]:
            assert hdu.data.tobytes() == old[hdu.name].data.tobytes()
            assert "CHECKSUM" in hdu.header
        for hdu in new:
            cards = hdu.header
            assert cards["NINST"] == len(modules)
            assert cards["INSTRUME"] == (f"TM{modules[0]}" if len(modules) == 1 else "merged")
            assert [cards[f"INSTRUM{n + 1}"] for n in range(len(modules))] == [f"TM{m}" for m in modules]
            assert f"INSTRUM{len(modules) + 1}" not in cards
    assert ErositaEventList.open(output).observation.modules == modules


def test_modules_that_the_file_lacks(event_file, tmp_path):
    events = event_file("700199")
    select_modules(events, (1, 5), tmp_path / "five.fits")
    assert ErositaEventList.open(tmp_path / "five.fits").observation.modules == (5,)
    with pytest.raises(UnfitDataError, match=r"noInstrument.*TM1.*has TM5, TM6, TM7"):
        select_modules(events, (1,), tmp_path / "none.fits")


def test_the_file_itself_is_no_output(event_file, sha256):
    events = event_file("700199")
    before = sha256(events.path)
    with pytest.raises(ConfigError, match="never modified"):
        select_modules(events, (5,), events.path)
    assert sha256(events.path) == before
