"""Data that are not public yet: a verdict, and asked for again when the date has passed or credentials change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from daxa_wf.archive.dropping import drop_failed_records
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, read_record, write_record
from daxa_wf.chain.acquire import release_date
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.preflight import check_before_a_run
from daxa_wf.chain.runner import Inputs, run_step
from daxa_wf.chain.step_options import places_of
from daxa_wf.config.reading import parse_config
from daxa_wf.download.credentials import read_secrets
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.release import KEY, NOT_PUBLIC, RetryCondition, mark_of_logins, may_be_had
from daxa_wf.errors import ConfigError, ServiceError, UnfitDataError
from daxa_wf.mission.registry import MISSIONS, STEPS
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.units import Unit
from daxa_wf_simulator.mirror_server import ServedMirror
from tests.unit.conftest import fetcher_of, wish

NOW = datetime.now(UTC)
LATER, BEFORE = NOW + timedelta(days=30), NOW - timedelta(days=30)
UNIT = Unit("chandra", "12812")


def closed(handler: Any, path: str) -> bool:
    handler.page(b"log in", status=403)
    return True


def files_closed(handler: Any, path: str) -> bool:
    return not path.endswith("/") and closed(handler, path)


@pytest.fixture
def proprietary(archives: ServedMirror) -> Iterator[ServedMirror]:
    archives.fault = closed
    yield archives
    archives.fault = None


@pytest.mark.parametrize("fault", [closed, files_closed])
def test_proprietary_data_are_a_verdict_with_the_condition_to_ask_again(
    fault: Any, archives: ServedMirror, tmp_path: Path
) -> None:
    """Whether the listing is closed or only the files are."""
    archives.fault = fault
    fetcher = fetcher_of(archives, tmp_path, "heasarc", "cxc", released=lambda _: LATER)
    with pytest.raises(
        UnfitDataError, match=rf"notPublic: chandra 12812 is not public until {LATER:%Y-%m-%d}"
    ) as caught:
        fetcher.acquire(wish("chandra"))
    assert caught.value.results == {"ask_again": {"released": LATER.isoformat(), "logins": ""}}
    assert "403" in str(caught.value)


def test_an_unknown_release_date_is_a_verdict_too(proprietary: ServedMirror, tmp_path: Path) -> None:
    with pytest.raises(UnfitDataError, match="has no release date for it") as caught:
        fetcher_of(proprietary, tmp_path, "heasarc").acquire(wish("chandra"))
    assert caught.value.results == {"ask_again": {"released": "", "logins": ""}}


def test_public_data_that_an_archive_keeps_back_are_a_fault(proprietary: ServedMirror, tmp_path: Path) -> None:
    """A server that blocks a client answers 403 as well: the next run asks again."""
    with pytest.raises(ServiceError, match="cannot be had"):
        fetcher_of(proprietary, tmp_path, "heasarc", released=lambda _: BEFORE).acquire(wish("chandra"))


def test_an_archive_that_could_not_be_asked_leaves_the_question_open(proprietary: ServedMirror, tmp_path: Path) -> None:
    fetcher = fetcher_of(proprietary, tmp_path, "heasarc", released=lambda _: LATER)
    fetcher.data_centres = {**fetcher.data_centres, "s3": ["http://127.0.0.1:9/"]}
    with pytest.raises(ServiceError, match="cannot be had"):
        fetcher.acquire(wish("chandra"))


def test_another_archive_that_gives_the_data_is_asked(archives: ServedMirror, tmp_path: Path) -> None:
    archives.fault = lambda handler, path: path.startswith("/heasarc") and closed(handler, path)
    fetcher = fetcher_of(archives, tmp_path, "heasarc", "s3", released=lambda _: LATER)
    assert {each.archive for each in fetcher.acquire(wish("chandra")).files} == {"s3"}


@pytest.mark.parametrize(
    ("release", "mark", "due"),
    [(LATER, "m", False), (BEFORE, "m", True), (None, "m", False), (LATER, "other", True), (None, "", True)],
)
def test_archives_are_asked_again_after_the_date_or_with_other_credentials(
    release: datetime | None, mark: str, due: bool
) -> None:
    assert RetryCondition(release, "m").is_met(NOW, mark) is due


@pytest.mark.parametrize("results", [{}, {"ask_again": 1}, {"ask_again": {"released": "x", "logins": ""}},
                                     {"ask_again": {"released": "2999-01-01T00:00:00", "logins": ""}}])  # fmt: skip
def test_a_condition_that_cannot_be_understood_is_met(results: dict[str, Any]) -> None:
    assert may_be_had(Record("acquire", UNIT, Status.REJECTED, NOT_PUBLIC, results=results), {}, NOW)


def left_by(fetcher: Fetcher, layout: Layout) -> Record:
    """The record that the step leaves with this fetcher."""

    def run(*_: Any) -> Any:
        fetcher.acquire(wish("chandra"))

    return run_step(STEPS["acquire"], UNIT, Inputs(), {}, layout, run)


def test_the_record_keeps_the_condition_and_is_dropped_when_it_is_met(
    proprietary: ServedMirror, tmp_path: Path
) -> None:
    layout = Layout(tmp_path / "archive")
    record = left_by(fetcher_of(proprietary, tmp_path / "store", "heasarc", released=lambda _: LATER), layout)
    path = layout.record("acquire", UNIT)
    assert (record.status, record.reason) == (Status.REJECTED, NOT_PUBLIC)
    assert read_record(path).results == RetryCondition(LATER, "").as_results()
    assert not may_be_had(record, {"chandra": ""}, NOW)
    assert not may_be_had(record, {}, NOW)
    assert may_be_had(record, {"chandra": ""}, LATER)
    assert may_be_had(record, {"chandra": "credentials"}, NOW)


def test_other_records_stay_and_the_command_retry_asks_too(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    absent = Record("acquire", UNIT, Status.REJECTED, "notInArchive")
    waiting = Record(
        "acquire", replace(UNIT, obsid="1"), Status.REJECTED, NOT_PUBLIC, results=RetryCondition(None, "").as_results()
    )
    for each in (absent, waiting, Record("acquire", replace(UNIT, obsid="2"), Status.DONE)):
        write_record(layout, each)
        assert not may_be_had(each, {}, NOW)
    assert len(drop_failed_records(layout)) == 2


def test_credentials_of_an_observation_count_for_it_alone(tmp_path: Path) -> None:
    record = Record(
        "acquire",
        Unit("xmm_pointed", "0201903501"),
        Status.REJECTED,
        NOT_PUBLIC,
        results=RetryCondition(None, "old").as_results(),
    )
    assert not may_be_had(record, {"xmm_pointed": "old"}, NOW)
    assert may_be_had(record, {"xmm_pointed": "old", "xmm_pointed 0201903501": "own"}, NOW)
    assert not may_be_had(record, {"xmm_pointed": "new", "xmm_pointed 0201903501": "old"}, NOW)
    assert not may_be_had(record, {"xmm_pointed": "old", "xmm_pointed 0153950401": "own"}, NOW)


def login_file(path: Path, user: str) -> str:
    path.write_text(f"username = {user}\npassword = {user}-w0rd\n")
    path.chmod(0o600)
    return str(path)


def test_a_configuration_may_have_credentials_by_observation(tmp_path: Path) -> None:
    files = {name: login_file(tmp_path / name, name) for name in ("one", "two", "all")}
    given = {"xsa": {"0201903501": files["one"], "0153950401": files["two"], "default": files["all"]}}
    missions = {"xmm_pointed": {"source": {"archives": ["xsa"]}}}

    def planned(credentials: object) -> Plan:
        return Plan(parse_config({"archive": "a", "credentials": credentials, "missions": missions}), tmp_path)

    plan = planned(given)
    for obsid, name in (("0201903501", "one"), ("0153950401", "two"), ("0727960401", "all")):
        places = places_of(plan, SimpleNamespace(mission="xmm_pointed", obsid=obsid))
        assert places["credentials"] == {"xsa": files[name]}
        assert read_secrets(places["credentials"]) == {"xsa": {"AIOUSER": name, "AIOPWD": f"{name}-w0rd"}}
    assert plan.login_marks().keys() == {"xmm_pointed", "xmm_pointed 0201903501", "xmm_pointed 0153950401"}
    del given["xsa"]["default"]
    assert planned(given).credentials("0727960401") == {}
    assert planned({"xsa": files["all"]}).credentials("0727960401") == {"xsa": files["all"]}
    check_before_a_run(plan.config, tmp_path)
    (tmp_path / "two").chmod(0o644)
    with pytest.raises(ConfigError, match=r"others can read .*two"):
        check_before_a_run(plan.config, tmp_path)
    for wrong in ({"0201903501x": files["one"]}, {}, {201903501: files["one"]}):
        with pytest.raises(ConfigError, match=r"credentials\.xsa"):
            planned({"xsa": wrong})


def test_a_mark_changes_with_credentials_and_reveals_nothing(tmp_path: Path) -> None:
    import hashlib

    archives = {"xsa": ["https://xsa/"], "heasarc": ["https://heasarc/"]}
    secrets = {"xsa": {"AIOUSER": "me", "AIOPWD": "one"}}
    marks = [
        mark_of_logins(tmp_path, secrets, archives),
        mark_of_logins(tmp_path, {"xsa": {"AIOUSER": "me", "AIOPWD": "two"}}, archives),
        mark_of_logins(tmp_path, {}, {"heasarc": ["https://me:one@heasarc/"]}),
        mark_of_logins(tmp_path / "another store", secrets, archives),
    ]
    assert len(set(marks)) == 4
    assert marks[0] == mark_of_logins(tmp_path, secrets, archives, makes_key=False)
    assert mark_of_logins(tmp_path / "no store yet", secrets, archives, makes_key=False) not in ("", *marks)
    assert not (tmp_path / "no store yet").exists()
    assert not any(hashlib.sha256(text).hexdigest().startswith(mark) for text in (b"one", b"me:one") for mark in marks)
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0
    assert mark_of_logins(tmp_path, {}, archives) == ""
    assert mark_of_logins(tmp_path, secrets, {"heasarc": archives["heasarc"]}) == ""


def test_a_store_that_cannot_keep_a_key_still_notices_that_credentials_appear(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    secrets = {"xsa": {"AIOPWD": "one"}}
    assert mark_of_logins(tmp_path / "file", secrets, {"xsa": ["https://xsa/"]}) not in ("", "one")


def test_the_release_date_is_that_of_the_missions_table(tmp_path: Path) -> None:
    spec = MISSIONS["chandra"]
    table = pd.DataFrame({
        "obsid": [12812, 1], "ra": 10.0, "dec": 1.0, "time": 55430.0, "exposure": 10.0, "status": "archived",
        "detector": "ACIS-I", "grating": "NONE", "class": "SNR", "public_date": [62000.5, None], "type": "GO",
        "data_mode": "", "cycle": "1",
    })  # fmt: skip
    assert release_date(tmp_path, wish("chandra")) is None
    SnapshotStore(tmp_path).write("chandra", spec.tables[0], table, "u", "q")
    assert release_date(tmp_path, wish("chandra")) == datetime(2028, 8, 17, 12, tzinfo=UTC)
    assert release_date(tmp_path, wish("chandra", obsid="1")) is None
    assert release_date(tmp_path, wish("chandra", obsid="7")) is None
