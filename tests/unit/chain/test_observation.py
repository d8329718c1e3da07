"""The steps of an observation in one process: what is run, what is left, what a fault keeps from being made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daxa_wf.chain.observation import ObservationJobs, run_calls
from daxa_wf.chain.plan import WHOLE_FROM
from daxa_wf.chain.staleness import Wildcards
from daxa_wf.config.reading import parse_config
from daxa_wf.units import Unit
from tests.damaged_lists import put, small_list
from tests.xmm_chain import MISSION, Chain

OBSID = "0999991001"
OBSERVATION, EXPOSURE = Unit(MISSION, OBSID), Unit(MISSION, OBSID, "M1", "S001")
OTHERS = {"espfilt": {"method": "threshold"}}


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """An archive of one exposure whose inventory is done, and which has one job for each observation."""
    monkeypatch.setattr("daxa_wf.chain.observation.log_to", lambda path: None)
    put(tmp_path / "lists", OBSID, small_list())
    top = {"one_job_per": "observation"}
    return Chain(tmp_path, tmp_path / "lists", top, engine="native", **OTHERS).make("inventory")


def test_the_calls_are_all_steps_after_acquire_in_their_order(chain: Chain) -> None:
    calls = ObservationJobs(chain.plan).calls(Wildcards.of(OBSERVATION), None)
    steps = ["inventory", "espfilt", "evselect", "merge", "images", "exposure_maps", "report"]
    assert [call.step for call in calls] == steps
    assert [call.unit.identifier for call in calls][1:4] == [EXPOSURE.identifier, EXPOSURE.identifier, f"{OBSID}M1"]


def test_steps_with_a_record_are_left_and_the_others_are_made(chain: Chain) -> None:
    made = chain.layout.record("inventory", OBSERVATION).read_bytes()
    assert run_calls(ObservationJobs(chain.plan).calls(Wildcards.of(OBSERVATION), None), chain.layout) == []
    assert chain.layout.record("inventory", OBSERVATION).read_bytes() == made
    assert chain.statuses("exposure_maps") == {f"{OBSID}M1": "done"}
    assert chain.layout.record("report", OBSERVATION).exists()


def test_a_damaged_record_is_made_again(chain: Chain) -> None:
    chain.layout.record("inventory", OBSERVATION).write_text("{")
    assert run_calls(ObservationJobs(chain.plan).calls(Wildcards.of(OBSERVATION), None), chain.layout) == []
    assert chain.statuses("exposure_maps") == {f"{OBSID}M1": "done"}


def test_a_fault_leaves_a_note_and_nothing_follows_it(chain: Chain) -> None:
    (path,) = (chain.layout.root.parent / "lists").rglob("*MIEVLI*")
    path.write_bytes(path.read_bytes()[:5000])
    (fault,) = run_calls(ObservationJobs(chain.plan).calls(Wildcards.of(OBSERVATION), None), chain.layout)
    assert path.name in str(fault)
    note = json.loads(chain.layout.fault("espfilt", EXPOSURE).read_text())
    assert (note["step"], note["error"]) == ("espfilt", type(fault).__name__)
    assert not chain.layout.record("espfilt", EXPOSURE).exists()
    assert not chain.layout.record("report", OBSERVATION).exists()


@pytest.mark.parametrize(
    ("one_job_per", "observations", "engine", "expected"),
    [
        ("auto", WHOLE_FROM - 1, "native", False),
        ("auto", WHOLE_FROM, "native", True),
        ("auto", WHOLE_FROM, "sas", False),
        ("observation", 1, "sas", True),
        ("step", WHOLE_FROM, "native", False),
    ],
)
def test_large_archives_of_native_steps_have_a_job_for_each_observation(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, one_job_per: str, observations: int, engine: str, expected: bool
) -> None:
    config = chain.plan.config.model_dump(mode="json", exclude_unset=True)
    config |= {"one_job_per": one_job_per}
    config["missions"][MISSION] = {"source": {"local": "lists"}, "engine": engine}
    chain.plan.config = parse_config(config)
    chain.plan.missions = chain.plan.config.all_missions
    monkeypatch.setattr(chain.plan, "_manifest", lambda: dict.fromkeys((MISSION, str(n)) for n in range(observations)))
    assert chain.plan.is_whole(MISSION) is expected
    chain.plan.is_module = True
    assert chain.plan.is_whole(MISSION) is (expected and one_job_per == "observation")


def test_a_step_of_a_whole_observation_is_no_job_of_its_own(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        chain.plan.inputs("images")["merge"](Wildcards.of(Unit(MISSION, OBSID, "M1")))
    told = capsys.readouterr().err
    assert f"images of {MISSION} {OBSID} has no job of its own" in told
    assert f"records/{MISSION}/{OBSID}/report/{OBSID}.json" in told
