"""Headers against astropy's: genuine ones, changed ones, and files that are written whole."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.event_list import EventList
from daxa_wf.fits.header import Header
from daxa_wf.fits.new_hdus import image_hdu, primary_hdu, table_hdu, write_hdus
from daxa_wf.fits.stream import open_bytes, walk_hdus

REAL = Path(__file__).parents[2] / "data" / "real"
COMMENTARY = ("COMMENT", "HISTORY", "")
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)
VALUES = st.one_of(ASCII, st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))

pytestmark = pytest.mark.filterwarnings("ignore:Card is too long", "ignore:Keyword name")


def text_of(header: Header | fits.Header) -> str:
    return "".join(str(card) for card in header.cards)


def genuine_headers() -> list[tuple[str, bytes]]:
    found = []
    for path in sorted(path for path in REAL.rglob("*.f*ts*") if not path.name.startswith("NEGATIVE")):
        with open_bytes(path) as stream:
            found += [(f"{path.name}[{hdu.name}]", hdu.raw) for hdu in walk_hdus(stream, path)]
    return found


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
def test_astropy_takes_a_header_for_its_wcs():
    path = next(REAL.rglob("mos1_exp1_clean_evts.fits.gz"))
    events = EventList.open(path)
    columns = [events.column_names.index(name) + 1 for name in ("X", "Y")]
    ours = WCS(events.header.as_astropy(), keysel=["pixel"], colsel=columns)
    theirs = WCS(fits.getheader(path, "EVENTS"), keysel=["pixel"], colsel=columns)
    assert ours.wcs.crval.tolist() == theirs.wcs.crval.tolist()
    assert ours.wcs_pix2world(26000, 27000, 1) == theirs.wcs_pix2world(26000, 27000, 1)


def change(header: Header | fits.Header) -> None:
    """Change every value or comment, add and remove cards."""
    for name in [name for name in dict.fromkeys(header) if name not in COMMENTARY and not name.startswith("NAXIS")]:
        value = header[name]
        if isinstance(value, float):
            header[name] = (value, "another comment")
        elif isinstance(value, str):
            header[name] = f"{value} isn't short " + "enough " * len(name)
        elif isinstance(value, int):
            header[name] = value + 1
    header["NEW"] = (1.23456789012345678e-100, "a comment that is cut off " * 4)
    header["NEWTEXT"] = ("a b" * 40, "a comment that is continued " * 4)
    header.extend([("NEW", 5, "again"), ("EMPTY", "", "")])
    header.add_history("made by a test " * 8)
    if "BITPIX" in header:
        del header["BITPIX"]


def test_genuine_headers_are_read_changed_and_written_as_by_astropy():
    headers = genuine_headers()
    assert len(headers) > 100
    for place, raw in headers:
        ours, theirs = Header.of(raw, place), fits.Header.fromstring(raw)
        assert list(ours) == list(theirs), place
        for name in set(ours) - set(COMMENTARY):
            value = theirs[name]
            assert (ours[name], type(ours[name])) == (value, type(value)), (place, name)
            assert ours.comments[name] == theirs.comments[name], (place, name)
        untouched = text_of(ours)
        assert untouched == text_of(theirs), place
        copy = ours.copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            change(copy)
            change(theirs)
        assert text_of(copy) == text_of(theirs), place
        assert text_of(ours) == untouched, place


@given(st.lists(st.tuples(st.sampled_from(["A", "KEYWORD8", "TTYPE1"]), VALUES, ASCII), max_size=6))
def test_new_cards_are_written_as_by_astropy(cards):
    ours, theirs = Header(), fits.Header()
    for name, value, comment in cards:
        for header in (ours, theirs):
            header[name] = (value, comment)
    assert text_of(ours) == text_of(theirs)
    again = Header.of(text_of(ours).encode() + b"END".ljust(80), "a file")
    assert text_of(again) == text_of(ours)


def test_a_blank_card_makes_room_for_a_new_one():
    raw = b"NAXIS   =                    0".ljust(80) + b"HISTORY old".ljust(80) + b" " * 240 + b"END".ljust(80)
    header = Header.of(raw, "a file")
    header["A"] = 1
    header.add_history("new")
    assert [str(card).split()[:2] for card in header.cards] == [
        ["NAXIS", "="], ["A", "="], ["HISTORY", "old"], ["HISTORY", "new"], [],
    ]  # fmt: skip


@pytest.mark.parametrize("field", ["'open", "1.2.3", "[1, 2]", "5 five"])
def test_a_card_that_cannot_be_read_names_file_and_card(field):
    header = Header.of(f"A       = {field}".ljust(80).encode() + b"END".ljust(80), "list.fits[EVENTS]")
    with pytest.raises(CorruptFileError, match=r"list\.fits\[EVENTS\]: the card A cannot be read"):
        header["A"]
    with pytest.raises(CorruptFileError, match="card A cannot be read"):
        header["A"] = 5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "Grad °", "two\nlines"])
def test_what_no_card_can_hold_is_refused(value):
    with pytest.raises(ValueError, match="cannot be written in a FITS header"):
        Header()["A"] = value


def test_files_are_those_of_astropy(tmp_path):
    pixels, cards = np.arange(6, dtype=np.float32).reshape(2, 3), [("OBJECT", "Abell 907", "target")]
    columns = [("TIME", "D", "s", [1.0, 2.0]), ("COUNTS", "J", "", [3, 4]), ("QUIET", "L", "", [True, False])]
    write_hdus(
        tmp_path / "ours.fits",
        [primary_hdu(pixels, cards), image_hdu(pixels.astype(np.int32), cards, "COUNTS"), table_hdu(columns, "RATE")],
    )
    header = fits.Header(cards)
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, unit=unit, array=np.array(values)) for name, form, unit, values in columns],
        name="RATE",
    )
    theirs = [fits.PrimaryHDU(pixels, header), fits.ImageHDU(pixels.astype(np.int32), header, name="COUNTS"), table]
    fits.HDUList(theirs).writeto(tmp_path / "theirs.fits", checksum=True)
    with fits.open(tmp_path / "ours.fits", checksum=True) as ours, fits.open(tmp_path / "theirs.fits") as hdus:
        for mine, other in zip(ours, hdus, strict=True):
            for each in (mine, other):
                each.header["CHECKSUM"], each.header["DATASUM"] = ("", ""), ("", "")
            assert text_of(mine.header) == text_of(other.header)
            assert mine.data.tobytes() == other.data.tobytes()


def test_an_image_alone_has_no_card_for_extensions(tmp_path):
    write_hdus(tmp_path / "ours.fits", [primary_hdu(np.zeros((1, 1), np.uint8), has_extensions=False)])
    assert "EXTEND" not in fits.getheader(tmp_path / "ours.fits")
