"""Every task of the SAS route made to fail in every way, one at a time, in an archive where all else has gone well."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from daxa_wf.archive.dropping import drop_failed_records
from daxa_wf.archive.records import Record, read_record
from daxa_wf.mission.registry import STEPS
from daxa_wf.units import Unit
from daxa_wf_simulator.odf import M1, PN, R1, RawExposure, make_odf
from tests.standins import Standins, all_gone, make_standins
from tests.standins.odf import parsed_summary
from tests.standins.sas import make_chain_lists
from tests.xmm_chain import MISSION, Chain

OBSID = "0201903501"
FIRST, SECOND, PN_UNIT, R1_UNIT = (f"{OBSID}{each}" for each in ("M1S001", "M1U002", "PNS003", "R1S004"))
EPIC_OF = {"M1": ("emanom", "espfilt", "evselect"), "PN": ("espfilt", "evselect")}
OF_INSTRUMENT = ("merge", "images", "exposure_maps")


def after(chain: str, unit: str, *steps: str) -> set[str]:
    """What is blocked with an exposure of a chain, and these steps of its instrument."""
    own = EPIC_OF[unit[10:12]]
    return {f"{step} {unit}" for step in own[own.index(chain) + 1 if chain in own else 0 :]} | {
        f"{step} {unit[:12]}" for step in steps
    }


ALL = {
    f"odfingest {OBSID}", f"inventory {OBSID}", f"epchain {PN_UNIT}", f"emchain {FIRST}", f"emchain {SECOND}",
    *after("emchain", FIRST, *OF_INSTRUMENT), *after("emchain", SECOND), *after("epchain", PN_UNIT, *OF_INSTRUMENT),
    f"rgs_events {R1_UNIT}", f"rgs_angles {R1_UNIT}", f"rgs_filter {R1_UNIT}",
}  # fmt: skip
CASES = [
    ("cifbuild", OBSID, "cifbuild", ALL),
    ("odfingest", OBSID, "odfingest", ALL - {f"odfingest {OBSID}"}),
    ("epchain", PN_UNIT, "epchain", after("epchain", PN_UNIT, *OF_INSTRUMENT)),
    ("emchain", FIRST, "emchain", after("emchain", FIRST)),
    ("emanom", FIRST, "emanom", {f"evselect {FIRST}"}),
    ("espfilt", SECOND, "espfilt", {f"evselect {SECOND}"}),
    ("evselect", FIRST, "evselect", set()),
    ("merge", f"{OBSID}M1", "merge", {f"images {OBSID}M1", f"exposure_maps {OBSID}M1"}),
    ("images", f"{OBSID}PN", "evselect", {f"exposure_maps {OBSID}PN"}),
    ("exposure_maps", f"{OBSID}M1", "eexpmap", set()),
    ("rgs_events", R1_UNIT, "rgsproc", {f"rgs_angles {R1_UNIT}", f"rgs_filter {R1_UNIT}"}),
    ("rgs_angles", R1_UNIT, "rgsproc", {f"rgs_filter {R1_UNIT}"}),
    ("rgs_filter", R1_UNIT, "rgsproc", set()),
]
"""Step, unit, its task, and which steps of which units are blocked if it fails."""

VERDICTS = {
    "constituent": ("constituent", "Error in constituent task", 1),
    "exit": ("exitCode", "ended with exit code 1 and reported no error", 1),
    "errorZero": ("someError", "told and gone on", 0),
    "nothing": ("missingProduct", "", 0),
    "crash": ("exitCode", "crashed with SIGSEGV", -11),
}
"""How a task is told to fail -> the reason of the record, words of its message, the exit code."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, chain_lists: Path) -> Iterator[tuple[Chain, Standins]]:
    """An archive of one observation in which nothing has failed, and its stand-ins."""
    root = tmp_path_factory.mktemp("whole")
    standins = make_standins(root / "standins", lists=chain_lists)
    odf = make_odf(root / "raw" / OBSID, OBSID, (M1, RawExposure("M1", "U002", start=700), PN, R1))
    make_chain_lists(parsed_summary(odf), chain_lists)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in standins.environ.items():
            patch.setenv(name, value)
        chain = made(root).make()
        assert chain.faults == {}
        assert {record.status for record in records(chain).values()} == {"done"}
        yield chain, standins


def made(folder: Path, time_limit: str = "1 h") -> Chain:
    bands = {"bands": [["0.5 keV", "2 keV"]], "pixel_size": "20 arcsec"}
    return Chain(folder, folder / "raw", {"sas": {"time_limit": time_limit}}, images=bands, emanom={"run": True},
                 instruments=["M1", "PN", "R1"])  # fmt: skip


def records(chain: Chain) -> dict[str, Record]:
    """Step and unit -> record."""
    paths = (chain.layout.root / "records" / MISSION).glob("*/*/*.json")
    return {f"{path.parent.name} {path.stem}": read_record(path) for path in paths}


def unit_of(identifier: str) -> Unit:
    return Unit(MISSION, identifier[:10], identifier[10:12], identifier[12:])


def related(mine: str, other: str) -> bool:
    """True if one of two units is part of the other."""
    return mine.startswith(other) or other.startswith(mine)


@pytest.fixture
def copied(whole: tuple[Chain, Standins], tmp_path: Path) -> Chain:
    """A copy of that archive, with its raw data where they were."""
    shutil.copytree(whole[0].plan.started_in / "archive", tmp_path / "archive", symlinks=True)
    (tmp_path / "raw").symlink_to(whole[0].plan.source(MISSION))
    return made(tmp_path)


@pytest.mark.parametrize(("step", "unit", "task", "blocked"), CASES, ids=[case[0] for case in CASES])
def test_a_task_fails_in_every_way(
    whole: tuple[Chain, Standins], copied: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    step: str, unit: str, task: str, blocked: set[str],
) -> None:  # fmt: skip
    standins, chain, place = whole[1], copied, copied.layout.record(step, unit_of(unit))
    good, here = records(chain), f"{step}-{unit}"
    for how, (reason, said, code) in VERDICTS.items():
        place.unlink()
        standins.tell(f"{task}@{here}:{how}")
        chain.make(step)
        record = read_record(place)
        assert (record.status, record.reason, record.products) == ("failed", reason, []), how
        assert said in record.message, how
        assert (record.engine, record.exit_code, bool(record.command)) == ("sas", code, True), how
        assert [each["name"] for each in record.errors] == ([reason] if how in ("constituent", "errorZero") else []), (
            how
        )
        assert all((chain.layout.root / log).is_file() for log in record.logs[1:]), how
    pids = tmp_path / "pids"
    monkeypatch.setenv("DAXA_WF_STANDIN_PIDS", str(pids))
    for how, said, limit in (("killed", "killed by signal 9", "1 h"), ("hang", "was killed", "0.8 s")):
        place.unlink(missing_ok=True)
        standins.tell(f"{task}@{here}:{how}")
        limited = made(tmp_path, limit).make(step)
        assert said in str(limited.faults[step, unit])
        assert not place.exists()
    # On a busy machine its time may be over before it has children at all.
    assert not pids.exists() or len(pids.read_text().split()) < 3 or all_gone(pids)

    standins.tell(f"{task}@{here}:exit")
    for name in good:
        other_step, other = name.split()
        if list(STEPS).index(other_step) > list(STEPS).index(step) and related(unit, other):
            chain.layout.record(other_step, unit_of(other)).unlink()
    chain.make()
    found = records(chain)
    assert {name for name, record in found.items() if record.status == "blocked"} == blocked
    assert {name for name, record in found.items() if record.status == "failed"} == {f"{step} {unit}"}
    assert set(found) == set(good)
    for name, record in found.items():
        if not related(unit, name.split()[1]):
            assert record == good[name], f"{name} was done again"
    if f"{unit[10:12]}{step}" in ("M1emchain", "M1emanom", "M1espfilt", "M1evselect"):
        other = {FIRST: "U002", SECOND: "S001"}[unit]
        assert found[f"merge {OBSID}M1"].results["exposures"] == [other]
    assert found[f"report {OBSID}"].results["usable"] == (unit != OBSID)

    standins.tell(f"{task}@{here}:warn")
    assert [path.stem for path in drop_failed_records(chain.layout)] == [unit]
    again = read_record(chain.make(step).layout.record(step, unit_of(unit)))
    assert again.status == "done"
    assert len(again.products) == len(good[f"{step} {unit}"].products)
    assert again.warnings
