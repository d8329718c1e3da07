"""Mission tables over loopback TAP: good answers, every fault, snapshots."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from daxa_wf.errors import CorruptFileError, ServiceError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.tables.http import session
from daxa_wf.tables.observation_table import observation_table
from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables
from daxa_wf.tables.tap import fetch_table
from daxa_wf_simulator.tap_service import HttpAnswer, serve_tables

SPEC = MISSIONS["chandra"]
SOURCE = SPEC.tables[0]
SIZE = 2500
QUICK = session(retries=2, backoff=0.0, read=2.0)
TABLE = pd.DataFrame({
    "obsid": np.arange(1, SIZE + 1, dtype="int32"), "ra": np.linspace(0, 359, SIZE), "dec": np.linspace(-89, 89, SIZE),
    "time": np.linspace(51000, 60000, SIZE), "exposure": 1000.0, "status": "archived", "detector": "ACIS-S",
    "grating": "NONE", "class": "SNR", "name": "α Ori", "public_date": 52000.0, "type": "GO", "data_mode": "FAINT", "cycle": "1",
})  # fmt: skip


def fetched(table: pd.DataFrame = TABLE, change: Callable[[str, HttpAnswer], HttpAnswer] | None = None) -> pd.DataFrame:
    with serve_tables({"chanmaster": table}, change) as url:
        return fetch_table(SOURCE, [url], QUICK)[0]


def test_all_rows_come_and_are_what_was_served() -> None:
    rows = fetched()
    assert len(rows) == SIZE
    assert rows["obsid"].tolist() == TABLE["obsid"].tolist()
    table = observation_table(SPEC, SOURCE, rows).rows
    assert table["obsid"].iloc[[0, -1]].tolist() == ["1", "2500"]
    assert table["ra"].to_numpy() == pytest.approx(TABLE["ra"].to_numpy())
    assert set(table["target"]) == {"α Ori"}


def test_columns_that_may_be_missing_are_left_out() -> None:
    rows = fetched(TABLE.drop(columns=["cycle", "name"]))
    assert len(rows) == SIZE
    assert "cycle" not in rows


def html(query: str, sent: HttpAnswer) -> HttpAnswer:
    return 200, {"Content-Type": "text/html"}, b"<html><body>Scheduled maintenance</body></html>"


def only_for_rows(change: Callable[[str, HttpAnswer], HttpAnswer]) -> Callable[[str, HttpAnswer], HttpAnswer]:
    return lambda query, sent: sent if "COUNT" in query else change(query, sent)


def cut_votable(query: str, sent: HttpAnswer) -> HttpAnswer:
    return sent[0], sent[1], sent[2][: len(sent[2]) // 2]


def capped(query: str, sent: HttpAnswer) -> HttpAnswer:
    from daxa_wf_simulator.tap_service import respond

    return respond(query, {"chanmaster": TABLE.iloc[:2000]})


FAULTS: dict[str, tuple[Any, Any, str]] = {
    "HTML with status 200": (TABLE, html, "is not a (readable )?VOTable|cannot be read"),
    "HTML for the rows only": (TABLE, only_for_rows(html), "is not a (readable )?VOTable|cannot be read"),
    "cut off in the middle": (TABLE, only_for_rows(cut_votable), "readable VOTable|cannot be read|came with"),
    "capped without a word": (TABLE, only_for_rows(capped), "came with 2000 of 2500 rows"),
    "a column is missing": (TABLE.drop(columns=["exposure"]), None, "no column exposure"),
    "empty": (TABLE.iloc[:0], None, "is empty"),
    "columns mixed up": (TABLE.assign(dec=TABLE["ra"]), None, "declinations beyond 90"),
    "server error": (TABLE, lambda query, sent: (500, {}, b"password=secret boom"), "500|boom"),
}


@pytest.mark.parametrize(("table", "change", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_have_their_own_words(table: pd.DataFrame, change: Any, message: str) -> None:
    with pytest.raises(ServiceError, match=message) as caught:
        fetched(table, change)
    assert "chanmaster" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_service_that_stalls_is_given_up() -> None:
    over = threading.Event()

    def stall(query: str, sent: HttpAnswer) -> HttpAnswer:
        over.wait(60)
        return sent

    impatient = session(retries=0, read=2.0)
    with serve_tables({"chanmaster": TABLE}, stall) as slow, serve_tables({"chanmaster": TABLE}) as url:
        try:
            assert fetch_table(SOURCE, [slow, url], impatient)[2] == url
            with pytest.raises(ServiceError, match=r"chanmaster: no answer \("):
                fetch_table(SOURCE, [slow], impatient)
        finally:
            over.set()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_tables({"chanmaster": TABLE}) as url:
        monkeypatch.setenv("http_proxy", url.removesuffix("/tap"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        rows, _, used = fetch_table(SOURCE, ["http://archive.invalid/tap"], session(retries=0))
    assert (len(rows), used) == (SIZE, "http://archive.invalid/tap")


def test_what_is_cut_off_is_asked_again_as_a_job() -> None:
    with serve_tables({"chanmaster": TABLE}, only_for_rows(capped), jobs=True) as url:
        assert len(fetch_table(SOURCE, [url], QUICK)[0]) == SIZE


def test_a_wrong_answer_is_kept_to_be_looked_at(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    with serve_tables({"chanmaster": TABLE}, html) as url:
        problem = fetch_tables([SPEC], store, {"heasarc": [url]}, QUICK)["chandra"].problem
    kept = tmp_path / "chandra.bad_answer"
    assert str(kept) in problem
    assert b"Scheduled maintenance" in kept.read_bytes()


def test_chandra_comes_from_its_own_archive_when_heasarc_is_dead(tmp_path: Path) -> None:
    theirs = pd.DataFrame({
        "obsid": ["12812", "1"], "ra": [10.0, 20.0], "dec": [1.0, 2.0], "start_date": "2010-01-01 00:00:00",
        "exposure_time": [10.0, 2.5], "status": ["archived", "scheduled"], "instrument": ["ACIS-I", "HRC-S"], "grating": "NONE",
        "target_name": "M31", "public_avail_date": "2011-01-01 00:00:00",
    })  # fmt: skip
    with serve_tables({"cxc.observation": theirs}) as url:
        endpoints = {"heasarc": ["http://127.0.0.1:9/tap"], "cxc": [url]}
        fetched = fetch_tables([SPEC], SnapshotStore(tmp_path), endpoints, QUICK)["chandra"]
    assert fetched.new
    rows = SnapshotStore(tmp_path).observations(SPEC)
    assert rows["obsid"].tolist() == ["12812"]
    assert rows[["exposure", "duration"]].iloc[0].tolist() == [10_000.0, 10_000.0]
    assert rows["instruments"].tolist() == ["ACIS-I"]
    assert rows["end"].tolist() == [pd.Timestamp("2010-01-01T02:46:40")]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_passing_faults_are_tried_again(status: int) -> None:
    asked: list[str] = []

    def once(query: str, sent: HttpAnswer) -> HttpAnswer:
        asked.append(query)
        return (status, {"Retry-After": "0"}, b"later") if len(asked) == 1 else sent

    assert len(fetched(change=once)) == SIZE
    assert len(asked) == 3


def test_the_next_service_answers_when_the_first_is_dead() -> None:
    with serve_tables({"chanmaster": TABLE}) as url:
        rows, _, used = fetch_table(SOURCE, ["http://127.0.0.1:9/tap", url], QUICK)
    assert (len(rows), used) == (SIZE, url)


def test_column_case_does_not_matter() -> None:
    with serve_tables(
        {"chanmaster": TABLE},
        lambda query, sent: (sent[0], sent[1], sent[2].replace(b'name="exposure"', b'name="EXPOSURE"')),
    ) as url:
        assert "exposure" in fetch_table(SOURCE, [url], QUICK)[0]


def test_a_snapshot_repeats_offline_and_survives_a_dead_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SnapshotStore(tmp_path / "tables")
    with serve_tables({"chanmaster": TABLE}) as url:
        first = fetch_tables([SPEC], store, {"heasarc": [url]}, QUICK)["chandra"]
    assert first.new
    assert first.snapshot is not None
    assert (first.snapshot.rows, first.snapshot.url) == (SIZE, url)
    assert "SELECT TOP 3500 obsid, ra" in first.snapshot.query
    assert len(store.read("chandra")) == SIZE
    dead = fetch_tables([SPEC, MISSIONS["erosita_calpv"]], store, {"heasarc": ["http://127.0.0.1:9/tap"]}, QUICK)
    assert dead["chandra"].snapshot == first.snapshot
    assert "chanmaster" in dead["chandra"].problem
    assert "0 days old" in caplog.text
    assert dead["erosita_calpv"].new
    assert len(store.read("erosita_calpv")) == 170
    fresh = fetch_tables([SPEC], store, {}, QUICK, max_age=timedelta(days=7))["chandra"]
    assert (fresh.snapshot, fresh.new, fresh.problem) == (first.snapshot, False, "")


def test_bad_answers_do_not_replace_a_good_snapshot(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    with serve_tables({"chanmaster": TABLE}) as url:
        fetch_tables([SPEC], store, {"heasarc": [url]}, QUICK)
    for _, change, _ in list(FAULTS.values())[:3]:
        with serve_tables({"chanmaster": TABLE}, change) as url:
            assert fetch_tables([SPEC], store, {"heasarc": [url]}, QUICK)["chandra"].problem
        assert len(store.read("chandra")) == SIZE


def test_changed_and_damaged_snapshots_are_told(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    with pytest.raises(ServiceError, match=r"no snapshot in .*fetch-tables --mission chandra"):
        store.read("chandra")
    fetch_tables([MISSIONS["erosita_calpv"]], store, {}, QUICK)
    sidecar = json.loads((tmp_path / "erosita_calpv.json").read_text())
    (tmp_path / "erosita_calpv.json").write_text(json.dumps({**sidecar, "sha256": "0" * 64}))
    with pytest.raises(CorruptFileError, match="has changed since it was fetched"):
        store.read("erosita_calpv")
    for damaged in ("", "{}", "[1]", '{"mission'):
        (tmp_path / "erosita_calpv.json").write_text(damaged)
        assert store.latest("erosita_calpv") is None
    assert fetch_tables([MISSIONS["erosita_calpv"]], store, {}, QUICK)["erosita_calpv"].new
    assert len(store.read("erosita_calpv")) == sidecar["rows"]


def test_terminal_escapes_of_services_reach_neither_messages_nor_tables(tmp_path: Path) -> None:
    def rude(query: str, sent: HttpAnswer) -> HttpAnswer:
        return 400, {"Content-Type": "text/plain"}, b"no\x1b[2Jt \x1b]0;owned\x07this\x9b31m way"

    with pytest.raises(ServiceError, match="not this") as caught:
        fetched(TABLE, rude)
    assert str(caught.value).isprintable()
    store = SnapshotStore(tmp_path)
    with serve_tables({"chanmaster": TABLE}, lambda query, sent: (200, {}, rude(query, sent)[2])) as url:
        problem = fetch_tables([SPEC], store, {"heasarc": [url]}, QUICK)["chandra"].problem
    assert problem.isprintable()
    assert "\x1b" not in (tmp_path / "chandra.bad_answer").read_text()
    table = TABLE.assign(name="a\x85\x9b31mred\u202e")
    (name,) = set(fetched(table)["name"])
    assert name.isprintable()


def test_identifiers_that_differ_in_space_only_are_one() -> None:
    table = pd.DataFrame([TABLE.iloc[0]] * 3).astype({"obsid": str})
    table["obsid"] = ["12812", "12812\n", "12812 "]
    with serve_tables({"chanmaster": table}) as url:
        rows = fetch_table(SOURCE, [url], QUICK)[0]
    assert rows["obsid"].tolist() == ["12812"] * 3
    result = observation_table(SPEC, SOURCE, rows)
    assert result.rows["obsid"].tolist() == ["12812"]
    (note,) = [note for note in result.notes if "repeated" in note]
    assert note.startswith("2 rows dropped")


@pytest.mark.parametrize("damage", [b"", b"PAR1 not a table", None])
def test_a_snapshot_that_changed_is_never_read(damage: bytes | None, tmp_path: Path) -> None:
    """By whatever reads it: selections, exposures, commands."""
    store = SnapshotStore(tmp_path)
    fetch_tables([MISSIONS["erosita_calpv"]], store, {}, QUICK)
    table = tmp_path / "erosita_calpv.parquet"
    other = pd.read_parquet(table).iloc[:5]
    if damage is None:
        other.to_parquet(table)
    else:
        table.write_bytes(damage)
    for read in (lambda: store.read("erosita_calpv"), lambda: store.observations(MISSIONS["erosita_calpv"])):
        with pytest.raises(
            CorruptFileError, match=r"has changed since it was fetched.*fetch-tables --mission erosita_calpv"
        ):
            read()
    table.unlink()
    with pytest.raises(CorruptFileError, match=r"cannot be read \(No such file"):
        store.read("erosita_calpv")
    assert fetch_tables([MISSIONS["erosita_calpv"]], store, {}, QUICK)["erosita_calpv"].new
    assert len(store.read("erosita_calpv")) == 170


def test_a_snapshot_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is in its place a moment before its sidecar."""
    store = SnapshotStore(tmp_path)
    fetch_tables([MISSIONS["erosita_calpv"]], store, {}, QUICK)
    sidecar = (tmp_path / "erosita_calpv.json").read_text()
    (tmp_path / "erosita_calpv.json").write_text(json.dumps({**json.loads(sidecar), "sha256": "0" * 64}))
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        (tmp_path / "erosita_calpv.json").write_text(sidecar)

    monkeypatch.setattr("daxa_wf.tables.snapshots.time.sleep", sleep)
    assert len(store.read("erosita_calpv")) == 170
    assert waited == [0.5]


def test_a_password_of_a_service_is_used_and_kept_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SnapshotStore(tmp_path)
    with serve_tables({"chanmaster": TABLE}) as url:
        secret = url.replace("://", "://me:s3cr3t@")
        assert fetch_tables([SPEC], store, {"heasarc": [secret]}, QUICK)["chandra"].new
    dead = [
        "http://me:s3cr3t@127.0.0.1:9/tap",
        "http://127.0.0.1:9/tap?token=s3cr3t",
        "http://me:s3cr3t@far.invalid/tap",
    ]
    problem = fetch_tables([SPEC], store, {"heasarc": dead}, QUICK)["chandra"].problem
    assert "credentials are sent over https only" in problem
    assert "s3cr3t" not in problem + caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]
