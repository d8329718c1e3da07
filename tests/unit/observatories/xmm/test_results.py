"""Typed results keep the form of records, so that archives of earlier versions stay readable."""

from __future__ import annotations

from typing import Any

import pytest

from daxa_wf.archive.records import Record, Status
from daxa_wf.observatories.xmm.results import (
    AnomalyResults,
    EpicCleaningResults,
    EpicFlareResults,
    EpicImageResults,
    InventoryResults,
)
from daxa_wf.units import Unit

OBSERVATION = Unit("xmm_pointed", "0201903501")
OF_A_LIST = {
    "inst": "PN", "exposure": "S003", "events": "pps/P0201903501PNS003PIEVLI0000.FTZ", "size": 7, "sha256": "ab",
    "data_mode": "IMAGING", "submode": "PrimeFullWindow", "filter": "Medium", "unfit": "", "problem": "", "warning": "",
    "events_in_list": 9,
}  # fmt: skip
UNREADABLE = {"inst": "M2", "exposure": "S002", "events": "", "problem": "", "warning": "", "unfit": "no header",
              "reason": "unusableList"}  # fmt: skip
OF_A_SUMMARY = {
    "inst": "PN", "exposure": "S003", "planned": True, "scheduled": True, "type": "SCIENCE", "submode": "PrimeFullWindow",
    "filter": "Thin1", "start": "2004-10-29T10:00:00", "end": "2004-10-29T20:00:00", "imaging_ccds": [1, 2, 3],
    "unfit": "", "problem": "",
}  # fmt: skip
ABSENT = {"inst": "M1", "exposure": "S009", "planned": True, "unfit": "not in the summary", "problem": ""}
IMAGES = {"bin_size": 87, "bands": [[0.5, 2.0], [2.0, 10.0]], "counts": [12, 3]}

FLARES = {
    "method": "histogram", "kept_seconds": 20.0, "lost_seconds": 5.0, "limits": [0.1, 0.4], "judged_bin": 1.0,
    "fit": {"norm": 9.0, "centre": 0.2, "width": 0.05, "divisor": 2.0}, "gti": [[0.0, 15.0], [20.0, 25.0]],
    "quality": {"removed_fraction": 0.2},
}  # fmt: skip
CLEANING = {"expression": "PATTERN <= 12", "rows": 9, "selected": 4, "ontime": {"1": 20.0}, "livetime": {"1": 19.0}}


def _record(step: str, results: dict[str, Any]) -> Record:
    return Record(step, OBSERVATION, Status.DONE, results=results)


@pytest.mark.parametrize("results", [{"exposures": [OF_A_LIST, UNREADABLE]},
                                     {"exposures": [OF_A_SUMMARY, ABSENT], "active": {"PN": True, "OM": False}}])  # fmt: skip
def test_results_of_inventory_keep_their_form(results: dict[str, Any]) -> None:
    assert InventoryResults.from_record(_record("inventory", results)).as_results() == results


def test_an_exposure_is_found_by_instrument_and_exposure() -> None:
    inventory = InventoryResults.from_record(_record("inventory", {"exposures": [ABSENT, OF_A_SUMMARY]}))
    entry = inventory.entry(Unit("xmm_pointed", "0201903501", "PN", "S003"))
    assert (entry.instrument, entry.imaging_ccds, entry.is_fit) == ("PN", [1, 2, 3], True)
    assert not inventory.exposures[0].is_fit


def test_results_of_emanom_keep_their_form() -> None:
    results = AnomalyResults.from_record(_record("emanom", {"states": {"4": "B", "5": "G"}}))
    assert results.states == {4: "B", 5: "G"}
    assert results.as_results() == {"states": {"4": "B", "5": "G"}}


@pytest.mark.parametrize("of_engine", [{}, {"outside": [1, 0]}], ids=["sas", "native"])
def test_results_of_images_keep_their_form(of_engine: dict[str, Any]) -> None:
    results = EpicImageResults.from_record(_record("images", IMAGES | of_engine))
    assert results.as_results() == IMAGES | of_engine
    assert results.message == "en0.5_2.0keV: 12 counts, en2.0_10.0keV: 3 counts"


@pytest.mark.parametrize(
    "of_engine", [{"judged": "count/s"}, {"log": {"fits": []}}, {"log": {}, "limits": None, "fit": None}]
)
def test_results_of_espfilt_keep_their_form(of_engine: dict[str, Any]) -> None:
    assert EpicFlareResults.from_record(_record("espfilt", FLARES | of_engine)).as_results() == FLARES | of_engine


@pytest.mark.parametrize("of_engine", [{}, {"rejected_by_expression": 3, "rejected_by_gti": 2}], ids=["sas", "native"])
def test_results_of_evselect_keep_their_form(of_engine: dict[str, Any]) -> None:
    assert (
        EpicCleaningResults.from_record(_record("evselect", CLEANING | of_engine)).as_results() == CLEANING | of_engine
    )
