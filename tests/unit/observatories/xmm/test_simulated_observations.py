"""The simulated observations from lists to exposure maps, step by step in process: verdicts, merged lists, maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from astropy.io import fits

from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from tests.xmm_chain import Chain

OBSID = "0999990101"


def test_verdicts_of_the_simulated_observations(observatory: Path, truth: dict[str, Any], tmp_path: Path) -> None:
    chain = Chain(tmp_path, observatory, engine="native").make()
    assert chain.faults == {}
    for unit, expected in truth.items():
        record = chain.record("espfilt", unit)
        assert (record.status, record.reason) == (expected["verdict"], expected["reason"]), unit
    assert chain.record("merge", f"{OBSID}M2").results["exposures"] == ["S002", "U002"]
    assert chain.statuses("merge")["0999990201M2"].startswith("blocked")
    assert chain.statuses("images")["0999990201M2"].startswith("blocked")
    messages = {chain.record("espfilt", unit).message for unit in truth}
    for message in ("filter CalClosed", "mode Diagnostic: not a science mode"):
        assert any(message in text for text in messages), message

    folder = chain.layout.root / "processed_data" / "xmm_pointed" / OBSID
    merged = EpicEventList.open(folder / "events" / f"obsid{OBSID}-instM2-subexpALL-finalevents.fits")
    names = [f"obsid{OBSID}-instM2-subexp{exposure}-cleanevents.fits" for exposure in ("S002", "U002")]
    parts = [EpicEventList.open(folder / "events" / name) for name in names]
    assert merged.row_count == sum(part.row_count for part in parts)
    both = fits.getdata(folder / "images" / f"obsid{OBSID}-instM2-subexpALL-en0.5_2.0keV-expmap.fits")
    live = sum(part.header["LIVETIME"] for part in parts)
    assert 0.9 * live < both.max() < 1.02 * live
    image = fits.getdata(folder / "images" / f"obsid{OBSID}-instM2-subexpALL-en0.5_2.0keV-image.fits")
    assert image[both <= 0].sum() <= 0.002 * image.sum()
