"""Products of the archives in our layout: names, places, subsets of telescope modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from daxa_wf.acquire.observation import Fetcher
from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.archive.records import Record, Status
from daxa_wf.demo.erosita import make_erosita
from daxa_wf.events.erosita.event_file import ErositaEventFile
from daxa_wf.missions import MISSIONS
from daxa_wf.steps.catalogue import STEPS
from daxa_wf.steps.preprocessed import products_in, run
from daxa_wf.steps.runner import Inputs, run_step
from tests.archives import SMALL

from .conftest import wish


def made(mission: str, obsid: str, store: Path, names: list[str], root: Path, place: str, *instruments: str) -> Record:
    layout, unit = Layout(root), Unit(mission, obsid)
    link = layout.raw(unit)
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(store)
    fetched = Record("acquire", unit, Status.DONE, results={"files": [{"path": name} for name in names]})
    options = {"place": place, "instruments": instruments or tuple(each.name for each in MISSIONS[mission].instruments)}
    return run_step(STEPS["preprocessed"], unit, Inputs({"acquire": [fetched]}), options, layout, run)


@pytest.mark.parametrize("place", ["link", "copy", "move"])
def test_products_are_linked_copied_or_moved(place: str, fetcher: Fetcher, tmp_path: Path) -> None:
    acquired = fetcher.acquire(wish("asca"))
    store, names = fetcher.store / acquired.directory, list(SMALL["asca"].files)
    original = (store / "screened/ad87036000s000102h.evt.gz").read_bytes()
    record = made("asca", "87036000", store, names, tmp_path / "archive", place)
    assert record.message == "3 events, 4 image, 2 expmap"
    target = tmp_path / "archive/processed_data/asca/87036000/events/obsid87036000-instSIS0-subexp00102h-events.fits.gz"
    source = store / "screened/ad87036000s000102h.evt.gz"
    assert target.read_bytes() == original
    assert source.exists() == (place != "move")
    if place != "move":
        assert target.samefile(source) == target.is_symlink()
        assert place == "link" or not target.is_symlink()
    if place == "copy":
        only = made("asca", "87036000", store, names, tmp_path / "archive", "copy", "GIS3")
        assert {each["inst"] for each in only.results["products"]} == {"GIS3"}
        assert not target.exists()


def test_a_subset_of_telescope_modules_is_written_and_the_raw_list_left_alone(tmp_path: Path) -> None:
    make_erosita(tmp_path / "lists")
    path = next(each for each in sorted((tmp_path / "lists").rglob("*700195*")) if each.is_file())
    before = path.read_bytes()
    name = "fm00_700195_020_EventList_c001.fits"
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / name).write_bytes(before)
    record = made("erosita_calpv", "700195", tmp_path / "store", [name], tmp_path / "archive", "link", "TM2", "TM6")
    assert record.status is Status.DONE, record.message
    (stamp,) = record.products
    assert stamp.path.endswith("obsid700195-instTM2_TM6-subexpNone-events.fits")
    subset = ErositaEventFile.open(tmp_path / "archive" / stamp.path)
    assert subset.observation.modules == (2, 6)
    assert (tmp_path / "store" / name).read_bytes() == before


def test_an_observation_without_products_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    record = made("chandra", "12812", tmp_path / "store", ["oif.fits"], tmp_path / "archive", "link")
    assert (record.status, record.reason) == (Status.REJECTED, "noProducts")


def test_patterns_find_each_exposure_once() -> None:
    paths = ["resolve/event_cl/xa300049010rsl_p0px5000_cl.evt.gz", "resolve/event_cl/xa300049010rsl_p0px1000_cl.evt.gz"]
    found = products_in(MISSIONS["xrism_pointed"], "300049010", paths, ["RESOLVE"])
    assert [(pattern.kind, exposure) for pattern, _, exposure in found] == [("events", "1000"), ("events", "5000")]
