"""Damaged and contradictory eROSITA lists have a verdict or a named warning."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.inspection import inspect
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf_simulator.erosita_targets import TARGETS

NAMES = {target.obsid: target.file for target in TARGETS}
OBSID = "700195"


@pytest.fixture(scope="module")
def plain(erosita: tuple[Path, object]) -> bytes:
    """A list of all telescope modules, with right checksums."""
    out = io.BytesIO()
    with fits.open(erosita[0] / NAMES[OBSID]) as hdus:
        hdus.writeto(out, checksum=True)
    return out.getvalue()


def test_simulated_lists_pass_without_warnings(event_file: Callable[[str], ErositaEventList]) -> None:
    assert inspect([event_file(obsid) for obsid in NAMES]) == []


def warned(path: Path, data: bytes, change: Callable[[fits.HDUList], object]) -> list[str]:
    with fits.open(io.BytesIO(data)) as hdus:
        change(hdus)
        hdus.writeto(path, checksum=True)
    return [each["name"] for each in inspect([ErositaEventList.open(path)])]


def set_rows(table: str, column: str, value: float) -> Callable[[fits.HDUList], object]:
    def change(hdus: fits.HDUList) -> None:
        hdus[table].data[column][0] = value

    return change


def test_mistakes_have_a_named_warning(plain: bytes, tmp_path: Path) -> None:
    changes = {
        "missingDeadTime": lambda hdus: hdus.pop("DEADCOR2"),
        "invalidTimes": set_rows("EVENTS", "TIME", np.nan),
        "timesOutside": set_rows("EVENTS", "TIME", 1e300),
        "tableTwice": lambda hdus: hdus.append(hdus["GTI1"].copy()),
    }
    for name, change in changes.items():
        assert warned(tmp_path / f"{name}.fits", plain, change) == [name]
    flipped = bytearray(plain)
    flipped[len(plain) // 2] ^= 4
    (tmp_path / "flipped.fits").write_bytes(flipped)
    found = inspect([ErositaEventList.open(tmp_path / "flipped.fits")])
    assert [each["name"] for each in found] == ["wrongDatasum", "wrongChecksum"]


def test_contradictions_have_a_verdict(plain: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnfitDataError, match="badGoodTimes"):
        warned(tmp_path / "a.fits", plain, set_rows("GTI2", "STOP", 1e300))
    with pytest.raises(UnfitDataError, match="twoEventTables"):
        warned(tmp_path / "b.fits", plain, lambda hdus: hdus.append(hdus["EVENTS"].copy()))
