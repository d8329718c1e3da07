"""select, fetch-tables, show and missions, as commands; and what `select` leaves on disk."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
import yaml
from astropy.table import Table
from typer.testing import CliRunner

from daxa_wf.cli.main import app, main
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.options import PositionTable, Select, filters_of, positions_of
from daxa_wf.selection.plots import coverage
from daxa_wf.selection.position_files import read_positions
from daxa_wf.selection.select import associate
from daxa_wf.tables.http import session
from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables
from tests.archives import make_archives
from tests.damaged_lists import put, small_list

CALPV = MISSIONS["erosita_calpv"]


def process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "daxa_wf", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which spares the start of Python and of its packages."""
    out, err = io.StringIO(), io.StringIO()
    with (
        chdir(folder),
        patch.dict(os.environ, COLUMNS="200"),
        patch.object(sys, "argv", ["daxa-wf", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), err.getvalue())


def config(folder: Path, **select: Any) -> str:
    path = folder / "select.yaml"
    missions = {"erosita_calpv": {"select": select}, "erosita_all_sky_de_dr1": {"select": select}}
    path.write_text(yaml.safe_dump({"archive": "archive", "tables": "tables", "missions": missions}))
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    specs = [CALPV, MISSIONS["erosita_all_sky_de_dr1"]]
    fetch_tables(specs, SnapshotStore(tmp_path / "tables"), {}, session(retries=0))
    return tmp_path


def test_one_point_in_two_missions(folder: Path) -> None:
    done = process(folder, "select", config(folder, positions=[[133.071, -1.025]]))
    assert done.returncode == 0, done.stderr
    assert "eROSITA CalPV: 2 observations" in done.stdout
    assert "eRASS1 DE: 2 observations" in done.stdout
    made = folder / "archive" / "selection"
    tiles = pd.read_parquet(made / "erosita_all_sky_de_dr1_selection.parquet")
    assert tiles["obsid"].tolist() == ["134090", "134093"]
    association = Table.read(made / "erosita_all_sky_de_dr1_association.ecsv")
    assert list(association["obsid"]) == ["134090", "134093"]
    assert association["separation"].unit == "deg"
    assert all((made / name).read_bytes().startswith(b"\x89PNG") for name in ("sky.png", "timeline.png"))
    flow = pd.read_csv(made / "erosita_calpv_cutflow.tsv", sep="\t")
    assert flow[["filter", "before", "left"]].to_numpy().tolist() == [
        ["science_usable", 170, 170],
        ["positions", 170, 2],
    ]


def test_nothing_left_ends_with_the_cutflow_and_2(folder: Path) -> None:
    done = command(folder, "select", config(folder, positions=[[0.0, 89.0]], radius="1 arcmin"))
    assert done.returncode == 2
    assert "erosita_calpv: no observation is left of 170" in done.stderr
    assert "positions (1 positions): 170 -> 0" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_table_that_was_never_fetched_is_fetched(tmp_path: Path) -> None:
    done = command(tmp_path, "select", config(tmp_path, positions=[133.071, -1.025]))
    assert done.returncode == 0, done.stderr
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump({"archive": "a", "services": {"heasarc": []}, "missions": {"asca": {}}}))
    done = command(tmp_path, "select", str(path))
    assert done.returncode == 1
    assert done.stderr == "daxa-wf: asca: no service is configured for heasarc\n"


def test_fetch_show_and_missions(tmp_path: Path) -> None:
    fetched = command(tmp_path, "fetch-tables", "--mission", "erosita_calpv")
    assert (fetched.returncode, "170 rows" in fetched.stdout) == (0, True)
    again = command(tmp_path, "fetch-tables", "--mission", "erosita_calpv", "--max-age", "7 d")
    assert "(new)" in fetched.stdout
    assert "(new)" not in again.stdout
    assert "EFEDS" in command(tmp_path, "show", "300007").stdout
    assert command(tmp_path, "show", "999999").returncode == 2
    assert command(tmp_path, "fetch-tables", "--mission", "hubble").returncode == 2
    listed = command(tmp_path, "missions").stdout
    assert all(name in listed for name in MISSIONS)


def test_services_and_missions_of_a_configuration(tmp_path: Path) -> None:
    from daxa_wf_simulator.tap_service import serve_tables
    from daxa_wf_simulator.xmm_tables import exposure_rows, observation_rows

    served = {"xsa.v_all_observations": observation_rows(), "xsa.v_exposure": exposure_rows()}
    with serve_tables(served) as url:
        path = tmp_path / "my.yaml"
        services = {"xsa": ["http://127.0.0.1:9/tap", url]}
        path.write_text(
            yaml.safe_dump({"archive": "a", "tables": "t", "services": services, "missions": {"xmm_pointed": {}}})
        )
        done = command(tmp_path, "fetch-tables", "--config", str(path))
    assert done.returncode == 0, done.stderr
    assert "xmm_pointed: 3 rows" in done.stdout
    assert SnapshotStore(tmp_path / "t").latest("xmm_pointed").url == url  # type: ignore[union-attr]


@pytest.fixture
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections to other hosts than this one are failures."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        assert address[0] in ("127.0.0.1", "localhost"), f"a connection to {address} was tried"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def test_a_plan_of_simulated_observations_follows_the_simulator(
    tmp_path: Path, simulated: Path, monkeypatch: pytest.MonkeyPatch, only_this_machine: None
) -> None:
    """Before, real tables would be fetched in place of the simulated ones; afterwards the simulated ones are read."""
    monkeypatch.chdir(tmp_path)
    config = {
        "archive": "a", "simulator": "trial", "tables": "trial/tables",
        "archives": {"heasarc": ["./trial/mirror/heasarc"]},
        "missions": {"xmm_pointed": {"source": {"archives": ["heasarc"]}, "obsids": ["0999990101"]}},
    }  # fmt: skip
    Path("my.yaml").write_text(yaml.safe_dump(config))
    for before in ("plan", "select"):
        early = CliRunner().invoke(app, [before, "my.yaml"])
        assert isinstance(early.exception, ConfigError)
        assert f"simulator: {tmp_path / 'trial'} holds no simulated observations yet" in str(early.exception)
    assert not Path("trial").exists()
    shutil.copytree(simulated / "tables", "trial/tables")
    for name in ("mirror", "truth.json"):
        Path("trial", name).symlink_to(simulated / name)
    done = CliRunner().invoke(app, ["plan", "my.yaml", "--list", "1"])
    assert done.exit_code == 0, done.output
    assert "XMM-Newton Pointed: 1 observations" in done.output
    assert "exposures: 4, of which 0 are not fit for science" in done.output


def test_a_mission_without_a_match_is_no_mistake_beside_one_with_a_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only_this_machine: None
) -> None:
    monkeypatch.chdir(tmp_path)
    missions = {"erosita_calpv": {"select": {"obsids": ["700199"]}},
                "erosita_all_sky_de_dr1": {"select": {"positions": [270.0, 60.0]}}}  # fmt: skip
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": missions}))
    for command in ("select", "plan"):
        done = CliRunner().invoke(app, [command, "my.yaml"])
        assert done.exit_code == 0, done.output
        assert "eROSITA CalPV: 1 observations" in done.output
        assert "erosita_all_sky_de_dr1: no observation is left of 2447" in done.output
    del missions["erosita_calpv"]
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": missions}))
    assert [CliRunner().invoke(app, [command, "my.yaml"]).exit_code for command in ("select", "plan")] == [2, 2]


def test_select_and_plan_of_obsids_in_a_mirror_need_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        socket.socket, "connect", lambda *arguments: pytest.fail(f"a connection was tried: {arguments}")
    )
    mirror = make_archives(tmp_path / "served") / "heasarc"
    missions = {"chandra": {"source": {"local": str(mirror)}, "obsids": ["12812"]},
                "xmm_pointed": {"source": {"archives": ["heasarc"]}, "obsids": ["0201903501"]}}  # fmt: skip
    config = {"archive": "a", "archives": {"heasarc": [str(mirror)]}, "missions": missions}
    Path("my.yaml").write_text(yaml.safe_dump(config))
    selected = CliRunner().invoke(app, ["select", "my.yaml"])
    assert selected.exit_code == 0, selected.output
    assert "Chandra: 1 observations\n" in selected.output
    assert "are not compared with it" in selected.output
    planned = CliRunner().invoke(app, ["plan", "my.yaml", "--list", "1"])
    assert planned.exit_code == 0, planned.output
    assert "1 observations listed" in planned.output
    assert (
        "  products: events of ACIS-I, ACIS-S, HRC-I, HRC-S; image in 0.5-7 keV of ACIS-I, ACIS-S; "
        "centreimage in 0.5-7 keV of ACIS-I, ACIS-S; spectrum of ACIS-I, ACIS-S, HRC-I, HRC-S; "
        "image in 0.06-10 keV of HRC-I, HRC-S; centreimage in 0.06-10 keV of HRC-I, HRC-S\n" in planned.output
    )
    assert "observations whose exposures a run looks up in the archives' listings: 1" in planned.output


def test_select_and_plan_of_local_lists_need_neither_network_nor_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", lambda *given: pytest.fail(f"a connection was tried: {given}"))
    for obsid in ("0999991001", "0999991002"):
        put(tmp_path / "lists", obsid, small_list(obsid))
    missions = {"xmm_pointed": {"source": {"local": "lists"}}}
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": missions}))
    for name in ("select", "plan"):
        shown = CliRunner().invoke(app, [name, "my.yaml"])
        assert shown.exit_code == 0, shown.output
        assert f"XMM-Newton Pointed: 2 observations, 2 exposures in {tmp_path / 'lists'}\n" in shown.output
    assert "engine native: inventory" in CliRunner().invoke(app, ["plan", "my.yaml"]).output

    missions["xmm_pointed"]["source"]["local"] = "nowhere"
    missions["erosita_calpv"] = {"obsids": ["700199"]}  # type: ignore[dict-item]
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": missions}))
    for name in ("select", "plan"):
        shown = CliRunner().invoke(app, [name, "my.yaml"])
        assert shown.exit_code == 2, shown.output
        assert f"missions.xmm_pointed.source: {tmp_path / 'nowhere'} is not a directory" in shown.output
        assert "eROSITA CalPV: 1 observations" in shown.output, "a mistake in one mission stops no other"


def test_every_key_makes_its_filter() -> None:
    options = Select.model_validate({
        "obsids": ["700199"], "exclude": ["700200"], "rectangle": {"lower_left": [0, -80], "upper_right": [359, 80]},
        "polygon": [[120, -50], [130, -50], [130, -40]], "time": {"start": "2019-01-01"}, "instruments": ["TM1"],
        "columns": {"field": ["PUPPIS_A"]}, "expression": "duration > 1000", "public": True, "target_types": ["SNR"],
    })  # fmt: skip
    names = [each.name for each in filters_of(options, pd.Timestamp("2026-01-01"))]
    assert names == ["science_usable", "obsids", "not_obsids", "rectangle", "polygon", "time", "target_type", "instruments",
                     "field", "expression", "public"]  # fmt: skip


def test_only_a_list_of_obsids_needs_no_table(tmp_path: Path) -> None:
    (tmp_path / "o.txt").write_text("12812\n22642 # a comment\n")
    listed = {"obsids": ["12812"]}
    told = {
        ("12812",): [listed, {**listed, "science_usable": False}],
        ("12812", "22642"): [{"obsids_file": str(tmp_path / "o.txt")}],
        (): [{}, {**listed, "public": True}, {**listed, "exclude": ["1"]}, {**listed, "instruments": ["HRC"]},
             {**listed, "obsids_file": str(tmp_path / "o.txt")}, {"positions": [1, 2]}],
    }  # fmt: skip
    for obsids, sections in told.items():
        assert [Select.model_validate(each).listed_obsids() for each in sections] == [obsids] * len(sections)


def test_options_survive_being_parameters_of_a_rule() -> None:
    options = Select.model_validate(
        {"positions": [[1, 2]], "radius": {"TM1": "30 arcmin"}, "exposure": {"TM1": "10 ks"}}
    )
    assert options.radius == {"TM1": 0.5}
    assert Select.from_values(options.model_dump(mode="json")) == options


@pytest.mark.parametrize("kind", ["csv", "ecsv", "fits", "vot", "parquet"])
def test_positions_from_files_of_every_kind(tmp_path: Path, kind: str) -> None:
    table = Table({"who": ["a", "b"], "l": [0.0, 90.0], "b": [0.0, 10.0], "r": [0.1, 0.2]})
    path = tmp_path / f"objects.{kind}"
    if kind == "parquet":
        table.to_pandas().to_parquet(path)
    else:
        table.write(path, format={"csv": "ascii.csv", "ecsv": "ascii.ecsv", "vot": "votable"}.get(kind, kind))
    read = read_positions(PositionTable(file=path, ra="l", dec="b", name="who", radius="r", frame="galactic"), None, ())
    assert read.names == ("a", "b")
    assert read.ra[0] == pytest.approx(266.405, abs=0.001)
    assert read.dec[0] == pytest.approx(-28.936, abs=0.001)
    assert read.radius.tolist() == [0.1, 0.2]  # type: ignore[union-attr]


def test_each_object_with_its_window_of_time(tmp_path: Path) -> None:
    path = tmp_path / "objects.csv"
    path.write_text("ra,dec,from,to\n133.071,-1.025,2019-11-04,soon\n")
    with pytest.raises(ConfigError, match="column to holds no times"):
        read_positions(PositionTable(file=path, start="from", end="to"), None, ())
    with pytest.raises(ConfigError, match="for both ends"):
        read_positions(PositionTable(file=path, start="from"), None, ())
    path.write_text("ra,dec,from,to\n133.071,-1.025,58791.0,58792.0\n133.071,-1.025,58000.0,58001.0\n")
    sought = read_positions(PositionTable(file=path, start="from", end="to"), None, ())
    assert sought.start.tolist() == [pd.Timestamp("2019-11-04"), pd.Timestamp("2017-09-04")]
    rows = pd.DataFrame({"obsid": ["1"], "ra": [133.0], "dec": [-1.0], "instruments": ["TM1"],
                         "start": [pd.Timestamp("2019-11-04T12:00")], "end": [pd.Timestamp("2019-11-06")]})  # fmt: skip
    found = associate(rows, CALPV, sought)
    assert found[["object", "overlap"]].to_numpy().tolist() == [["1", 43200.0]]


OBJECTS = [
    {"ra": 133.071, "dec": -1.025, "name": "A", "radius": "3 deg", "start": "2019-11-04", "end": "2019-11-05T00:00Z"},
    {"ra": "08 52 17.04", "dec": "-01 01 30", "name": "B", "end": "2019-11-04T12:00"},
    {"ra": 133.071, "dec": -1.025, "radius": "5 deg"},
]
"""One place on the sky, with different radii and windows."""


def test_objects_of_a_list_have_their_own_radii_and_windows() -> None:
    """300007 lies 4.3 degrees from the place and 300008 at 2.6; they begin on 3 November at 2:42 and the day after at 3:49."""
    options = Select.model_validate({"positions": OBJECTS, "radius": "1 deg"})
    assert Select.from_values(options.model_dump(mode="json")) == options
    assert Select.from_values(options.plain_values()) == options
    sought = positions_of(options, CALPV)
    assert sought is not None
    assert sought.names == ("A", "B", "(133.071, -1.025)")
    assert sought.ra == pytest.approx([133.071] * 3, abs=1e-6)
    assert sought.dec == pytest.approx([-1.025] * 3, abs=1e-6)
    assert sought.radius.tolist() == [3.0, 1.0, 5.0]  # type: ignore[union-attr]
    rows = pd.DataFrame({
        "obsid": ["300007", "300008"], "ra": [129.55, 133.86], "dec": [1.5, 1.5], "instruments": "TM1",
        "start": pd.to_datetime(["2019-11-03T02:42:50", "2019-11-04T03:49:16"]),
        "end": pd.to_datetime(["2019-11-04T03:36:37", "2019-11-05T05:16:39"]),
    })  # fmt: skip
    pairs = associate(rows, CALPV, sought)
    matched = sorted(zip(pairs["object"], pairs["obsid"], pairs["overlap"].round(), strict=True))
    # A: only the near one, until midnight. B: none within 1 degree. The third: both as a whole.
    assert matched == [
        ("(133.071, -1.025)", "300007", 89627.0), ("(133.071, -1.025)", "300008", 91643.0), ("A", "300008", 72644.0),
    ]  # fmt: skip


def test_mistakes_in_objects_of_a_list_are_named() -> None:
    with pytest.raises(ConfigError, match=r"B has no radius, but other objects have one"):
        positions_of(Select.model_validate({"positions": OBJECTS}), CALPV)
    with pytest.raises(ConfigError, match="match: footprint does not use a radius"):
        positions_of(Select.model_validate({"positions": OBJECTS[:1], "match": "footprint"}), CALPV)
    for wrong, problem in {
        "start": "2020-01-01 00:00:00 is after the end 2019-11-05",
        "dec": "'2020-01-01' is not a coordinate",
    }.items():
        with pytest.raises(ValueError, match=problem):
            Select.model_validate({"positions": [{**OBJECTS[0], wrong: "2020-01-01"}]})


def test_windows_around_a_moment_of_each_object(tmp_path: Path) -> None:
    path = tmp_path / "supernovae.csv"
    path.write_text("ra,dec,discovery\n10,20,2019-11-04\n11,21,2020-03-01T12:00:00\n")
    table = PositionTable.model_validate({"file": path, "time": "discovery", "before": "1 d", "after": "30 d"})
    sought = read_positions(table, None, ())
    assert pd.to_datetime(sought.start).tolist() == [pd.Timestamp("2019-11-03"), pd.Timestamp("2020-02-29T12:00")]
    assert pd.to_datetime(sought.end).tolist() == [pd.Timestamp("2019-12-04"), pd.Timestamp("2020-03-31T12:00")]
    for wrong, problem in (
        ({"before": "1 d"}, "need 'time'"),
        ({"time": "discovery"}, "'time' needs 'before', 'after' or both"),
        ({"time": "discovery", "after": "1 d", "start": "x", "end": "y"}, "not both"),
    ):
        with pytest.raises(ValueError, match=problem):
            PositionTable.model_validate({"file": path, **wrong})


def test_regions_from_stcs_and_moc_files(tmp_path: Path) -> None:
    from mocpy import MOC

    rows = pd.DataFrame({"ra": [10.0, 13.0], "dec": [0.0, 0.0]})
    text = "Circle ICRS 10 0 1.5"
    path = tmp_path / "region.fits"
    MOC.from_stcs(text, max_depth=10).save(path, format="fits")
    for region in ({"stcs": text}, {"moc": str(path)}):
        (_, made) = filters_of(Select.model_validate({"region": region}), None)
        assert made.keep(rows, CALPV).tolist() == [True, False]
    with pytest.raises(ConfigError, match="region: Zirkel"):
        filters_of(Select.model_validate({"region": {"stcs": "Zirkel 1 2"}}), None)


def test_mistakes_in_position_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "objects.csv"
    path.write_text("ra,dec\n1,2\nnan,3\n")
    with pytest.raises(ConfigError, match=r"objects.csv has no column RAJ2000; it has ra, dec"):
        read_positions(PositionTable(file=path, ra="RAJ2000"), None, ())
    with pytest.raises(ConfigError, match="position 2"):
        read_positions(PositionTable(file=path), None, ())
    with pytest.raises(ConfigError, match="cannot be read"):
        read_positions(PositionTable(file=tmp_path / "none.csv"), None, ())
    with pytest.raises(ConfigError, match="frame: 'gallactic' cannot be used"):
        read_positions(PositionTable(file=path, frame="gallactic"), None, ())


def test_the_sky_map_covers_what_was_selected() -> None:
    from astropy import units

    rows = pd.DataFrame({"ra": [150.0, 359.9], "dec": [-40.0, 89.0]})
    moc = coverage(MISSIONS["chandra"], rows)
    inside = moc.contains_lonlat([150.0, 359.9, 150.0] * units.deg, [-39.2, 89.5, -42.0] * units.deg)
    assert inside.tolist() == [True, True, False]


def test_two_positions_as_lists() -> None:
    sought = positions_of(Select(positions=((1.0, 2.0), (3.0, 4.0))), CALPV)
    assert sought is not None
    assert (sought.ra.tolist(), sought.dec.tolist(), sought.radius) == ([1.0, 3.0], [2.0, 4.0], None)
