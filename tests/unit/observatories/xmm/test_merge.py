"""Merging exposures of a simulated observation: M2 was observed twice, with two pointings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import StepFailedError
from daxa_wf.events.gti import total
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.evselect import evselect
from daxa_wf.observatories.xmm.native.merge import mean_plane, merge


@pytest.fixture(scope="module")
def pair(observatory: Path, truth: dict, tmp_path_factory: pytest.TempPathFactory) -> list[EpicEventList]:
    folder = tmp_path_factory.mktemp("pair")
    lists = []
    for exposure in ("S002", "U002"):
        output = folder / f"{exposure}.fits"
        evselect(EpicEventList.open(observatory / truth[f"0999990101M2{exposure}"]["file"]), "#XMMEA_EM", None, output)
        lists.append(EpicEventList.open(output))
    return lists


def test_events_and_exposure_add_up(pair: list[EpicEventList], tmp_path: Path) -> None:
    result = merge(pair[::-1], tmp_path / "merged.fits")
    merged = EpicEventList.open(tmp_path / "merged.fits")
    assert result.rows == merged.row_count == sum(events.row_count for events in pair)
    time = merged.columns("TIME")["TIME"]
    first = pair[0].columns("TIME")["TIME"]
    assert np.array_equal(time[: len(first)], first)
    for ccd in merged.ccds:
        assert total(merged.gtis[ccd]) == pytest.approx(sum(total(events.gtis[ccd]) for events in pair))
        assert merged.header[f"LIVETI{ccd:02d}"] == pytest.approx(sum(e.header[f"LIVETI{ccd:02d}"] for e in pair))
        frames = merged.frames(ccd).time
        assert len(frames) == sum(len(events.frames(ccd).time) for events in pair)
        assert np.all(np.diff(frames) > 0)
    with fits.open(tmp_path / "merged.fits", checksum=True) as hdus:
        hdus.verify("exception")


def test_positions_stay_on_the_sky(pair: list[EpicEventList], tmp_path: Path) -> None:
    merge(pair, tmp_path / "merged.fits")
    merged = EpicEventList.open(tmp_path / "merged.fits")
    plane = merged.plane
    assert plane != pair[0].plane
    new = merged.columns("X", "Y")
    sky = plane.sky(new["X"].astype(float), new["Y"].astype(float))
    start = 0
    for events in pair:
        old = events.columns("X", "Y")
        expected = events.plane.sky(old["X"].astype(float), old["Y"].astype(float))
        for mine, real in zip(sky, expected, strict=True):
            assert np.max(np.abs(mine[start : start + len(real)] - real)) * 3600 < 0.04
        start += events.row_count


def test_mean_plane_lies_between(pair: list[EpicEventList]) -> None:
    plane, (one, two) = mean_plane(pair), (events.plane for events in pair)
    assert plane.ra == pytest.approx((one.ra + two.ra) / 2, abs=1e-6)
    assert plane.dec == pytest.approx((one.dec + two.dec) / 2, abs=1e-6)


def test_other_observations_are_refused(
    pair: list[EpicEventList], observatory: Path, truth: dict, tmp_path: Path
) -> None:
    other = EpicEventList.open(observatory / truth["0999990201M2S002"]["file"])
    with pytest.raises(StepFailedError, match=r"differentObservations: .* is of 0999990101"):
        merge([pair[0], other], tmp_path / "x.fits")
    assert [each.name for each in merge([pair[0], pair[0]], tmp_path / "y.fits").findings] == ["fileTimeOverlap"]


def test_columns_that_not_all_have_go(
    observatory: Path, truth: dict, pair: list[EpicEventList], tmp_path: Path
) -> None:
    path = tmp_path / "less.fits"
    with fits.open(pair[1].path) as hdus:
        columns = hdus["EVENTS"].columns
        header = hdus["EVENTS"].header
        less = fits.BinTableHDU.from_columns([c for c in columns if c.name != "PHA"], header=header)
        fits.HDUList([hdus[0], less, *hdus[2:]]).writeto(path)
    merge([pair[0], EpicEventList.open(path)], tmp_path / "merged.fits")
    with fits.open(tmp_path / "merged.fits", checksum=True) as hdus:
        hdus.verify("exception")
        assert "PHA" not in hdus["EVENTS"].columns.names
        assert hdus["EVENTS"].header["TTYPE8"] == "PI"
        assert hdus["EVENTS"].header["TLMAX8"] == 15000
        assert EpicEventList.open(tmp_path / "merged.fits").row_count == sum(events.row_count for events in pair)
