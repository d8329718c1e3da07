"""The manifest: a mission without a match, what is left out, and when it is made again; in process, without a network."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.origin import Origin, identity_to_ask, read_origin, write_origin
from daxa_wf.archive.status import print_summary
from daxa_wf.chain import acquire, manifest
from daxa_wf.chain.observation import call_of
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.runner import Inputs
from daxa_wf.chain.staleness import Wildcards, manifest_changes
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError, ServiceError
from daxa_wf.mission.registry import MISSIONS, STEPS
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.units import Unit
from daxa_wf_simulator.mirror_server import serve_mirror
from daxa_wf_simulator.tap_service import serve_tables
from tests.archives import SMALL, make_archives
from tests.damaged_lists import put, small_list

TILE = {"source": {"archives": "any"}, "engine": "preprocessed", "select": {"obsids": ["134090"]}}
CALPV = {"source": {"archives": "any"}, "engine": "preprocessed"}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be asked of any host."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection was tried: {arguments[1:]}")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)


@pytest.fixture(scope="module")
def small_archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small observations, laid out like the data centres."""
    return make_archives(tmp_path_factory.mktemp("served"))


def plan_of(folder: Path, missions: dict[str, Any], **top: Any) -> Plan:
    return Plan(parse_config({"archive": "archive", "missions": missions, **top}), folder)


def make(plan: Plan) -> list[str]:
    """Make the manifest as its job does; the units that it has."""
    manifest.run(plan.selection_options(), plan.layout.manifest, plan.tables_identity(), plan.data_centres(None, None))
    return [row.unit.identifier for row in read_manifest(plan.layout.manifest)]


def origin_of(plan: Plan) -> Origin:
    origin = read_origin(plan.layout)
    assert origin is not None
    return origin


def keep_table(plan: Plan, mission: str, number: int = 0, **columns: list[Any]) -> None:
    """Keep a snapshot of a mission's table as table_of makes it."""
    store = SnapshotStore(plan.started_in / plan.config.tables)
    store.write(mission, MISSIONS[mission].tables[number], table_of(mission, number, **columns), "test", "")


def table_of(mission: str, number: int, **columns: list[Any]) -> pd.DataFrame:
    """A mission's table with these columns of the service; the rest is the same in every row."""
    filled: dict[str, Any] = {
        "text": "",
        "number": 1000.0,
        "flag": "true",
        "mjd": 52000.0,
        "utc": "2001-01-01",
        "instrument": "",
    }
    source = MISSIONS[mission].tables[number]
    size = len(next(iter(columns.values())))
    usual = {each.source: [filled[each.kind]] * size for each in source.columns}
    return pd.DataFrame({**usual, "dec": [2.0] * size, **columns})


def test_a_mission_without_a_match_is_one_line_and_the_others_are_processed(
    tmp_path: Path, offline: None, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = {**CALPV, "select": {"positions": [0.0, 89.0]}}
    plan = plan_of(tmp_path, {"erosita_calpv": nowhere, "erosita_all_sky_de_dr1": TILE})
    assert make(plan) == ["134090"]
    line = "erosita_calpv: none of 170 observations is selected; positions (1 positions) left none"
    assert origin_of(plan).notes == [line]
    print_summary(plan.layout, [], stderr=False)
    assert line in " ".join(capsys.readouterr().out.split())


def test_no_mission_with_a_match_is_an_error_with_every_cutflow(tmp_path: Path, offline: None) -> None:
    nowhere = {"positions": [0.0, 89.0]}
    plan = plan_of(
        tmp_path, {name: {**CALPV, "select": nowhere} for name in ("erosita_calpv", "erosita_all_sky_de_dr1")}
    )
    with pytest.raises(ConfigError) as caught:
        make(plan)
    assert "erosita_calpv: no observation is left of 170:" in str(caught.value)
    assert "erosita_all_sky_de_dr1: no observation is left of 2447:" in str(caught.value)
    assert not plan.layout.manifest.exists()


def test_observations_without_data_of_the_processed_instruments_are_dropped_and_counted(
    tmp_path: Path, offline: None
) -> None:
    plan = plan_of(tmp_path, {"swift": {"source": {"archives": "any"}}})
    keep_table(
        plan, "swift", obsid=["00020153006", "00020153007", "00020153008"], ra=[1.0, 2.0, 3.0],
        xrt_exposure=[100.0, 0.0, 0.0], uvot_exposure=[0.0, 50.0, 0.0], bat_exposure=[9.0, 9.0, 9.0],
    )  # fmt: skip
    assert make(plan) == ["00020153006"]
    assert origin_of(plan).notes == ["swift: dropped 2 of 3 observations without data of XRT"]
    flow = pd.read_csv(plan.layout.root / "selection" / "swift_cutflow.tsv", sep="\t")
    assert flow.iloc[-1].tolist() == ["data", "data of XRT", 3, 1]
    everything = plan_of(tmp_path, {"swift": {"source": {"archives": "any"}, "instruments": ["XRT", "UVOT"]}})
    assert make(everything) == ["00020153006", "00020153007"]


def test_the_manifest_is_asked_for_anew_when_its_tables_change_and_only_then(tmp_path: Path, offline: None) -> None:
    plan = plan_of(tmp_path, {"chandra": {"source": {"archives": "any"}}})
    before_any_table = plan.tables_identity()
    keep_table(plan, "chandra", obsid=[1, 2], ra=[1.0, 2.0], status=["archived"] * 2, detector=["ACIS-I"] * 2)
    # As in a first run, in which the job itself fetches the table.
    manifest.run(plan.selection_options(), plan.layout.manifest, before_any_table, plan.data_centres(None, None))
    assert plan.tables_identity() == before_any_table
    keep_table(plan, "chandra", obsid=[1, 2], ra=[1.0, 2.0], status=["archived"] * 2, detector=["ACIS-I"] * 2)
    assert plan.tables_identity() == before_any_table, "a table with the same rows is not another one"
    keep_table(plan, "chandra", obsid=[1, 2, 3], ra=[1.0] * 3, status=["archived"] * 3, detector=["ACIS-I"] * 3)
    asked = plan.tables_identity()
    assert asked not in (before_any_table, "")
    assert plan.tables_identity() == asked, "it is the same until the manifest is made"
    assert make(plan) == ["1", "2", "3"]
    assert plan.tables_identity() == asked


def test_a_mission_without_a_match_is_selected_again_when_its_table_changes(tmp_path: Path, offline: None) -> None:
    chandra = {"source": {"archives": "any"}, "select": {"obsids": ["3"]}}
    plan = plan_of(tmp_path, {"chandra": chandra, "erosita_all_sky_de_dr1": TILE})
    keep_table(plan, "chandra", obsid=[1], ra=[1.0], status=["archived"], detector=["ACIS-I"])
    assert make(plan) == ["134090"]
    asked = plan.tables_identity()
    keep_table(plan, "chandra", obsid=[1, 3], ra=[1.0, 2.0], status=["archived"] * 2, detector=["ACIS-I"] * 2)
    assert plan.tables_identity() != asked
    assert make(plan) == ["3", "134090"]


def test_a_selection_of_public_observations_is_made_again_when_one_becomes_public(
    tmp_path: Path, offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(tmp_path, {"chandra": {"source": {"archives": "any"}, "select": {"public": True}}})
    epoch, now = datetime(1858, 11, 17, tzinfo=UTC), datetime.now(UTC)
    days = [(now - epoch).total_seconds() / 86400 + later for later in (-10.0, 20.0, 30.0)]
    keep_table(
        plan,
        "chandra",
        obsid=[1, 2, 3],
        ra=[1.0] * 3,
        status=["archived"] * 3,
        detector=["ACIS-I"] * 3,
        public_date=days,
    )
    assert make(plan) == ["1"]
    origin, snapshots = origin_of(plan), origin_of(plan).snapshots
    assert datetime.fromisoformat(origin.until).replace(tzinfo=UTC) - now == pytest.approx(
        timedelta(days=20), abs=timedelta(seconds=1)
    )
    assert identity_to_ask(origin, snapshots, now + timedelta(days=19)) == origin.asked
    assert identity_to_ask(origin, snapshots, now + timedelta(days=21)) != origin.asked


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"asked": 1}', '{"other": "x"}', '{"until": "soon"}'])
def test_a_damaged_origin_makes_the_manifest_again(tmp_path: Path, damage: str) -> None:
    plan = plan_of(tmp_path, {"erosita_all_sky_de_dr1": TILE})
    write_origin(plan.layout, Origin("before", plan_snapshots(plan)))
    assert plan.tables_identity() == "before"
    plan.layout.manifest_origin.write_text(damage)
    assert plan.tables_identity() != "before"


def plan_snapshots(plan: Plan) -> dict[str, str]:
    return SnapshotStore(plan.started_in / plan.config.tables).identities(MISSIONS["erosita_all_sky_de_dr1"])


@pytest.mark.parametrize(
    ("engine", "units"),
    [
        ("native", ["0201903501M1S001", "0201903501M2S002", "0201903501PNS003"]),
        ("sas", ["0201903501M1S001"]),
    ],
)
def test_exposures_come_from_the_listing_where_no_table_has_them(
    tmp_path: Path, small_archives: Path, engine: str, units: list[str]
) -> None:
    """With XSA down, only HEASARC's table of observations is there: XSA's of exposures is not."""
    with serve_mirror(small_archives) as served:
        plan = plan_of(
            tmp_path, {"xmm_pointed": {"engine": engine, "source": {"archives": ["xsa", "heasarc"]}}},
            archives={"heasarc": list(served.bases["heasarc"])},
        )  # fmt: skip
        keep_table(plan, "xmm_pointed", 1, obsid=["0201903501"], ra=[1.0])
        assert make(plan) == units
        asked = served.requests.total()
        assert make(plan) == units
        assert served.requests.total() == asked, "a listing is asked for once"
    rows = read_manifest(plan.layout.manifest)
    if engine == "native":
        assert rows[0].events == "PPS/P0201903501M1S001MIEVLI0000.FTZ"
        assert {row.attitude for row in rows} == {"PPS/P0201903501OBX000ATTTSR0000.FTZ"}
    else:
        assert rows[0].odf == "ODF"
    assert json.loads(rows[0].facts)["obsid"] == "0201903501"
    assert (origin_of(plan).notes, origin_of(plan).is_unfinished) == ([], False)
    assert plan.tables_identity() == origin_of(plan).asked


def test_with_xsa_down_and_heasarc_up_the_exposures_are_known(tmp_path: Path, small_archives: Path) -> None:
    with (
        serve_tables({"xmmmaster": table_of("xmm_pointed", 1, obsid=["0201903501"], ra=[1.0])}) as url,
        serve_mirror(small_archives) as served,
    ):
        plan = plan_of(
            tmp_path, {"xmm_pointed": {"source": {"archives": "any"}, "select": {"positions": [1.0, 2.0]}}},
            services={"xsa": [url], "heasarc": [url]},
            archives={name: list(served.bases[name]) for name in ("heasarc", "s3", "xsa")},
        )  # fmt: skip
        assert make(plan) == ["0201903501M1S001", "0201903501M2S002", "0201903501PNS003"]
    assert origin_of(plan).snapshots["xmm_pointed_exposures"] == ""


def test_observations_that_cannot_be_listed_are_asked_for_by_the_next_run(tmp_path: Path, small_archives: Path) -> None:
    with serve_mirror(small_archives) as served:
        plan = plan_of(
            tmp_path, {"xmm_pointed": {"source": {"archives": ["heasarc"]}}},
            archives={"heasarc": list(served.bases["heasarc"])},
        )  # fmt: skip
        keep_table(plan, "xmm_pointed", 1, obsid=["0201903501", "0201903502"], ra=[1.0, 1.0])
        assert len(make(plan)) == 3
        assert not origin_of(plan).is_unfinished, "the data centre answered that it does not have the other"
        assert origin_of(plan).notes[0] == "xmm_pointed: 1 selected observations have no known exposure: 0201903502"
        served.fault = lambda handler, path: "0201903502" in path and (handler.page(b"", status=500) or True)
        assert len(make(plan)) == 3
        assert origin_of(plan).is_unfinished
        assert (
            origin_of(plan)
            .notes[0]
            .endswith("1 selected observations could not be listed, and the next run tries again: 0201903502")
        )
        asked = plan.tables_identity()
        assert asked != origin_of(plan).asked
    alone = plan_of(tmp_path, {"xmm_pointed": {"source": {"archives": ["heasarc"]}, "obsids": ["0201903502"]}},
                    archives={"heasarc": ["http://127.0.0.1:9/"]})  # fmt: skip
    with pytest.raises(ServiceError, match=r"services did not answer:\n  .*0201903502"):
        make(alone)


def test_data_centres_that_do_not_answer_are_given_up_after_some_failures(tmp_path: Path) -> None:
    with serve_mirror(tmp_path) as served:
        served.fault = lambda handler, path: handler.page(b"", status=401) or True
        plan = plan_of(
            tmp_path, {"xmm_pointed": {"source": {"archives": ["heasarc"]}}},
            archives={"heasarc": list(served.bases["heasarc"])},
        )  # fmt: skip
        keep_table(plan, "xmm_pointed", 1, obsid=[f"02019035{n:02d}" for n in range(60)], ra=[1.0] * 60)
        with pytest.raises(ServiceError, match="60 selected observations could not be listed"):
            make(plan)
        assert served.requests.total() < 60


def test_a_mission_whose_table_cannot_be_had_does_not_stop_the_others(tmp_path: Path) -> None:
    nowhere = {"heasarc": ["http://127.0.0.1:9/tap"], "cxc": []}
    missions = {"chandra": {"source": {"archives": "any"}}, "erosita_all_sky_de_dr1": TILE}
    plan = plan_of(tmp_path, missions, services=nowhere)
    assert make(plan) == ["134090"]
    (note,) = origin_of(plan).notes
    assert note.startswith("chandra: its observations could not be selected, and the next run tries again: ")
    assert plan.tables_identity() != origin_of(plan).asked
    with pytest.raises(ServiceError, match="chanmaster"):
        make(plan_of(tmp_path, {"chandra": missions["chandra"]}, services=nowhere, archive="other"))


def test_obsids_of_local_files_need_no_table(tmp_path: Path, observatory: Path, offline: None) -> None:
    for number, chosen in enumerate(({"obsids": ["0999990101"]}, {"select": {"obsids": ["0999990101"]}})):
        section = {"source": {"local": str(observatory / "heasarc")}, **chosen}
        plan = plan_of(tmp_path, {"xmm_pointed": section}, archive=f"archive{number}")
        assert make(plan) == ["0999990101M1S001", "0999990101M2S002", "0999990101M2U002", "0999990101PNS003"]


MIRRORED = [name for name in SMALL if name != "erosita_calpv"]


@pytest.mark.parametrize("mission", MIRRORED)
def test_obsids_and_a_complete_mirror_need_no_network(
    tmp_path: Path, small_archives: Path, mission: str, offline: None
) -> None:
    """Files laid out like the data centre, named with `archives` or with `source.local`, of a table never fetched."""
    root = small_archives
    mirror = root / SMALL[mission].directory.split("/")[0]
    archives = {name: [str(mirror)] for name in MISSIONS[mission].archives}
    engine = {"engine": "preprocessed"} if MISSIONS[mission].engines else {}
    obsid = SMALL[mission].obsid
    for name, source, top in (
        ("archives", {"archives": "any"}, {"archives": archives}),
        ("local", {"local": str(mirror)}, {}),
    ):
        plan = plan_of(tmp_path / name, {mission: {"source": source, "obsids": [obsid], **engine}}, **top)
        assert make(plan) == [obsid]
        assert acquired(plan, mission, obsid) >= set(SMALL[mission].files)


def test_the_step_acquire_gets_by_hand_what_its_rule_passes(tmp_path: Path, small_archives: Path) -> None:
    small = SMALL["chandra"]
    archives = {name: [str(small_archives / small.directory.split("/")[0])] for name in MISSIONS["chandra"].archives}
    section = {"source": {"archives": "any"}, "obsids": [small.obsid]}
    plan = plan_of(tmp_path, {"chandra": section}, archives=archives)
    assert make(plan) == [small.obsid]
    call = call_of(plan, STEPS["acquire"], Unit("chandra", small.obsid))
    record = call.run(plan.layout)
    assert record.status == "done", record.message
    assert {file["path"] for file in record.results["files"]} >= set(small.files)


def acquired(plan: Plan, mission: str, obsid: str) -> set[str]:
    """Fetch an observation as its job does; the paths of its files."""
    wildcards = Wildcards(mission=mission, obsid=obsid)
    workspace = SimpleNamespace(context=plan.context("acquire")(wildcards, None), layout=plan.layout)
    options: dict[str, Any] = plan.options("acquire")(wildcards)
    outcome = acquire.run(Unit(mission, obsid), Inputs({}, {}), options, workspace)  # type: ignore[arg-type]
    return {each["path"] for each in outcome.results["files"]}


def test_exposures_of_a_mirror_need_no_network(tmp_path: Path, small_archives: Path, offline: None) -> None:
    mirror = small_archives / "heasarc"
    section = {"source": {"archives": ["heasarc"]}, "obsids": ["0201903501", "0201903502"]}
    plan = plan_of(tmp_path, {"xmm_pointed": section}, archives={"heasarc": [str(mirror)]})
    assert make(plan) == ["0201903501M1S001", "0201903501M2S002", "0201903501PNS003"]
    assert "have no known exposure: 0201903502" in " ".join(origin_of(plan).notes)
    assert plan.tables_identity() != origin_of(plan).asked, "the next run looks for it again"


def test_obsids_that_a_mirror_lacks_are_named(tmp_path: Path, small_archives: Path, offline: None) -> None:
    mirror = small_archives / "heasarc"
    section = {"source": {"local": str(mirror)}, "obsids": ["00020153006", "00020153999"]}
    plan = plan_of(tmp_path, {"swift": section})
    assert make(plan) == ["00020153006"]
    assert origin_of(plan).notes[-1] == f"swift: ObsIDs that are missing below {mirror}: 00020153999"
    assert "was never fetched into" in origin_of(plan).notes[0]
    assert plan.tables_identity() != origin_of(plan).asked, "the next run looks for it again"
    none = plan_of(tmp_path, {"swift": {**section, "obsids": ["00020153999"]}})
    with pytest.raises(ConfigError, match=f"swift: {mirror} contains none of the 1 ObsIDs"):
        make(none)


def test_a_selection_by_more_than_obsids_needs_the_table(tmp_path: Path, small_archives: Path) -> None:
    mirror = small_archives / "heasarc"
    for select in ({"obsids": ["12812"], "time": {"start": "2010-01-01"}}, {"positions": [1.0, 2.0]}):
        plan = plan_of(
            tmp_path, {"chandra": {"source": {"local": str(mirror)}, "select": select}},
            services={"heasarc": ["http://127.0.0.1:9/tap"], "cxc": []},
        )  # fmt: skip
        with pytest.raises(ServiceError, match="chanmaster"):
            make(plan)


def test_simulated_tables_and_their_mirror_need_no_network(tmp_path: Path, simulated: Path, offline: None) -> None:
    """Tables and mirror are named as real ones are; a relative directory starts where the run starts."""
    mirror = f"./{os.path.relpath(simulated, tmp_path)}/mirror/heasarc"
    top = {"tables": str(simulated / "tables"), "archives": {"heasarc": [mirror]}}
    selected = {"positions": [[150.0, 2.2]], "radius": "0.3 deg"}
    plan = plan_of(tmp_path, {"xmm_pointed": {"source": {"archives": ["heasarc"]}, "select": selected}}, **top)
    assert make(plan) == ["0999990101M1S001", "0999990101M2S002", "0999990101M2U002", "0999990101PNS003"]
    assert plan.tables_identity() == origin_of(plan).asked
    assert "PPS/P0999990101M2U002MIEVLI0000.FTZ" in acquired(plan, "xmm_pointed", "0999990101")


def test_what_makes_the_list_of_observations_outdated_is_named(tmp_path: Path, offline: None) -> None:
    lists = tmp_path / "lists"
    put(lists, "0999991001", small_list("0999991001"))
    local = {"source": {"local": str(lists)}}
    first = plan_of(tmp_path, {"xmm_pointed": local})
    assert manifest_changes(first) == [], "there is no manifest yet"
    make(first)
    assert manifest_changes(first) == []
    narrowed = {**local, "instruments": ["M1"], "process_unscheduled": False}
    assert manifest_changes(plan_of(tmp_path, {"xmm_pointed": narrowed})) == [
        "xmm_pointed: instruments, process_unscheduled"
    ]
    put(lists, "0999991002", small_list("0999991002"))
    assert manifest_changes(first) == ["xmm_pointed: files in source.local"]
    calpv = plan_of(tmp_path, {"erosita_calpv": {**CALPV, "obsids": ["700199"]}})
    assert manifest_changes(calpv)[:2] == ["xmm_pointed was removed", "erosita_calpv was added"]
    first.layout.manifest.write_text("damaged")
    assert manifest_changes(first) == ["it cannot be read"]


def test_new_tables_make_the_list_of_observations_outdated(tmp_path: Path, offline: None) -> None:
    plan = plan_of(tmp_path, {"erosita_calpv": {**CALPV, "obsids": ["700199"]}})
    make(plan)
    assert manifest_changes(plan) == []
    origin = origin_of(plan)
    write_origin(plan.layout, replace(origin, snapshots={"erosita_calpv": "older"}))
    assert manifest_changes(plan) == ["the missions' tables changed"]
    write_origin(plan.layout, replace(origin, until="2001-01-01"))
    assert manifest_changes(plan) == ["more observations have become public"]
    write_origin(plan.layout, replace(origin, is_unfinished=True))
    assert manifest_changes(plan) == ["the last run could not complete it"]
