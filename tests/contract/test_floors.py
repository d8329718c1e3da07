"""Rooms import only from floors below their own, and common rooms name no mission, instrument or task (docs/design.md)."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from daxa_wf.mission.registry import MISSIONS
from tests.contract.source import code_texts, imports_of, room_of, sources, tree_of, wing_of, words_of

FLOORS = {
    "cli": 9,
    "observatories": 8,
    "handover": 8,
    "report": 7,
    "chain": 6,
    "config": 5,
    "download": 4,
    "selection": 3,
    "events": 2,
    "tools": 2,
    "tables": 1,
    "fits": 1,
    "archive": 1,
    "mission": 0,
    "": -1,
}
"""Room -> floor. The root modules ('') are below all rooms, so that `mission/` may import them and they import no room."""

ENTRANCES = {("daxa_wf.__main__", "daxa_wf.cli.main"), ("daxa_wf.mission.registry", "daxa_wf.observatories")}
"""Imports that are exempt: `python -m daxa_wf` starts the command; the registry lists the files of `observatories/`."""

TOOLKITS = {"sas", "esass"}
DATA_CENTRES = {"erosita_de", "https://erosita.mpe.mpg.de/"}
"""Names and addresses of data centres that contain the name of an observatory."""
ORDINARY_WORDS = {"merge", "expmap"}
"""Names of tasks that are words of every mission too."""


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(module) for module in sources()}
    assert rooms == set(FLOORS)


def climbs(importer: str, imported: str) -> bool:
    """True if one module may not import another because its room is on the same floor or above."""
    own, other = room_of(importer), room_of(imported)
    return own != other and FLOORS[other] >= FLOORS[own] and (importer, imported) not in ENTRANCES


def test_the_rule_itself() -> None:
    assert climbs("daxa_wf.fits.stream", "daxa_wf.tables.tap")
    assert climbs("daxa_wf.files", "daxa_wf.mission.spec")
    assert climbs("daxa_wf.events.gti", "daxa_wf.chain.runner")
    assert not climbs("daxa_wf.chain.runner", "daxa_wf.events.gti")
    assert not climbs("daxa_wf.mission.spec", "daxa_wf.near")
    assert not climbs("daxa_wf.fits.stream", "daxa_wf.fits.headers")


def test_rooms_import_only_from_floors_below_their_own() -> None:
    upward = {
        f"{importer} -> {imported}"
        for importer, path in sources().items()
        for imported in imports_of(importer, path)
        if imported.split(".")[0] == "daxa_wf" and climbs(importer, imported)
    }
    assert upward == set()


def test_an_observatory_imports_no_other_observatory() -> None:
    crossing = {
        f"{importer} -> {imported}"
        for importer, path in sources().items()
        for imported in imports_of(importer, path)
        if wing_of(importer) and wing_of(imported) and wing_of(importer) != wing_of(imported)
    }
    assert crossing == set()


def test_the_package_does_not_import_the_simulator() -> None:
    importers = {
        f"{importer} -> {imported}"
        for importer, path in sources().items()
        for imported in imports_of(importer, path)
        if imported.split(".")[0] == "daxa_wf_simulator"
    }
    assert importers == set()


@cache
def task_names() -> frozenset[str]:
    """Return the names of the external tasks that the observatories define: the first argument of each `TaskSpec`."""
    calls = (
        node
        for module, path in sources().items()
        if wing_of(module)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "TaskSpec"
    )
    return frozenset(ast.literal_eval(call.args[0]) for call in calls)


@cache
def forbidden_words() -> dict[str, frozenset[str]]:
    """Return the words that common rooms may not use: those of any case (in lower case), and instruments as they are."""
    wings = {wing_of(module) for module in sources()} - {""}
    whole = {word.lower() for word in {*MISSIONS, *wings, *task_names(), *TOOLKITS}} - ORDINARY_WORDS
    instruments = {
        name for spec in MISSIONS.values() for name in (*(each.name for each in spec.instruments), *spec.groups)
    }
    return {"any case": frozenset(whole), "as written": frozenset(instruments)}


def names_in(text: str) -> set[str]:
    """Return the missions, observatories, instruments and tasks that a piece of code names."""
    words, forbidden = set() if text in DATA_CENTRES else words_of(text), forbidden_words()
    return {word for word in words if word.lower() in forbidden["any case"] or word in forbidden["as written"]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("xmm_pointed", {"xmm_pointed", "xmm"}),
        ("ErositaPlan", {"Erosita"}),
        ("espfilt failed for PN", {"espfilt", "PN"}),
        ("merged", set()),
        ("a swiftly made plan", set()),
    ],
)
def test_words_that_name_an_observatory(text: str, names: set[str]) -> None:
    assert names_in(text) == names


def test_there_are_tasks_and_instruments_to_look_for() -> None:
    assert {"espfilt", "evselect", "cifbuild", "evtool", "flaregti"} <= task_names()
    assert {"PN", "TM1", "FPMA"} <= forbidden_words()["as written"]


def test_common_rooms_name_no_mission_instrument_or_task() -> None:
    named = {
        f"{module}: {word}"
        for module, path in sources().items()
        if not wing_of(module)
        for text in code_texts(path)
        for word in names_in(text)
    }
    assert named == set()


def test_native_jobs_need_no_astropy() -> None:
    """Its import takes longer than a small step runs. The report reads compressed images, and users turn headers."""
    rooms, exempt = {"fits", "events", "observatories"}, {"daxa_wf.fits.images", "daxa_wf.fits.header"}
    importers = {
        name
        for name, path in sources().items()
        if room_of(name) in rooms and any(module.split(".")[0] == "astropy" for module in imports_of(name, path))
    }
    assert importers == exempt
