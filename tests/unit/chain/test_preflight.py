"""What is looked for before a run: directories, files, and what selections ask of the missions' tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from daxa_wf.chain.preflight import check_before_a_run
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS


def check(folder: Path, mission: str = "xmm_pointed", archive: str = "archive", **sections: Any) -> None:
    top = {key: sections.pop(key) for key in ("tables", "data", "credentials", "simulator") if key in sections}
    check_before_a_run(parse_config({"archive": archive, **top, "missions": {mission: sections}}), folder)


def said(folder: Path, **sections: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        check(folder, **sections)
    return str(caught.value)


def put_list(folder: Path) -> None:
    folder.mkdir()
    (folder / "P0201903501M1S001MIEVLI0000.FTZ").write_bytes(b"")


def test_what_is_right_passes(tmp_path: Path) -> None:
    put_list(tmp_path / "raw")
    (tmp_path / "o.txt").write_text("0201903501\n")
    check(tmp_path, source={"local": "raw"}, select={"obsids_file": "o.txt", "expression": "pn_exposure > 1e4"})
    check(tmp_path, archive="raw_archive/a", source={"local": "raw"})
    put_list(tmp_path / "lists")
    check(tmp_path, archive=".", source={"local": "lists"})
    check(tmp_path, source={"archives": "any"}, select={"query": "PN > 5 ks", "columns": {"pn_filter": ["Thin1"]}})


def test_archive_and_source_are_apart(tmp_path: Path) -> None:
    for folder in ("raw/deep", "a/records"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "raw")
    assert "source.local: " in said(tmp_path, archive="raw", source={"local": "raw"})
    assert "is the archive itself" in said(tmp_path, archive="link", source={"local": "raw"})
    within = said(tmp_path, archive="raw/deep/archive", source={"local": "raw"})
    assert f"the archive {tmp_path}/raw/deep/archive is inside {tmp_path}/raw, which is searched for files" in within
    assert f"the archive {tmp_path}/a keeps its own files in {tmp_path}/a/records" in said(
        tmp_path, archive="a", source={"local": "a/records"}
    )


def test_directories_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "raw").mkdir()
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    places = {"archive": "file/below/it", "data": "file", "tables": "broken/t", "simulator": "file/trial"}
    wrong = said(tmp_path, **places, source={"local": "none"})
    assert wrong.splitlines()[1:] == [
        f"  archive: {tmp_path}/file is not a directory, so {tmp_path}/file/below/it cannot be created; choose another path",
        f"  tables: {tmp_path}/broken is not a directory, so {tmp_path}/broken/t cannot be created; choose another path",
        f"  data: {tmp_path}/file is not a directory, so {tmp_path}/file cannot be created; choose another path",
        f"  simulator: {tmp_path}/file is not a directory, so {tmp_path}/file/trial cannot be created; choose another path",
        f"  missions.xmm_pointed.source.local: {tmp_path}/none is not a directory; choose the directory that contains your files",
    ]
    monkeypatch.setattr(os, "access", lambda path, mode: (Path(path), mode) != (tmp_path, os.W_OK | os.X_OK))
    unwritable = said(tmp_path, archive="not/there", source={"local": "raw"})
    assert f"archive: {tmp_path} is not writable for you; choose another path for {tmp_path}/not/there" in unwritable


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ({"expression": "pn_exposre > 1e4"}, "pn_exposre is not a column of this list; .* did you mean 'pn_exposure'"),
        ({"expression": "target > 1"}, "target is not a column of this list"),
        ({"query": "exposre > 5 ks"}, "has no column 'exposre'; .* did you mean 'exposure'"),
        ({"columns": {"pn_fitler": ["Thin1"]}}, "has no column 'pn_fitler'; .* did you mean 'pn_filter'"),
        ({"columns": {"revolution": ["first"]}}, "columns.revolution: 'first' is not a number"),
        ({"instruments": ["PM"]}, r"no instrument 'PM'; it has M1 \(MOS1, EMOS1\), M2"),
        ({"exposure": {"ACIS": "5 ks"}}, "no instrument 'ACIS'"),
        ({"positions": [1, 2], "radius": {"MOS3": "1 deg"}}, "no instrument 'MOS3'"),
        ({"positions": [1, 2], "frame": "galaktic"}, "frame: 'galaktic' cannot be used"),
        ({"target_types": ["AGN"]}, "has no target types in its table"),
        ({"obsids_file": "none.txt"}, "obsids_file: .*none.txt cannot be read"),
        ({"positions": {"file": "none.csv"}}, "none.csv cannot be read"),
        ({"region": {"stcs": "Zirkel 1 2"}}, "region: Zirkel 1 2 cannot be used"),
        ({"rectangle": {"lower_left": [0, 100], "upper_right": [1, 101]}}, "100.0 is not a latitude"),
    ],
    ids=str,
)
def test_selections_that_the_table_cannot_answer(select: dict[str, Any], expected: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        check(tmp_path, select=select)
    assert "  missions.xmm_pointed.select: " in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_all_that_is_wrong_with_a_selection_is_told_once(tmp_path: Path) -> None:
    wrong = said(tmp_path, select={"instruments": ["PM"], "columns": {"x": ["1"]}, "positions": [1, 2]})
    assert (wrong.count("no instrument 'PM'"), wrong.count("no column 'x'")) == (1, 1)


@pytest.mark.parametrize("mission", list(MISSIONS))
def test_every_mission_knows_its_columns_without_a_table(mission: str, tmp_path: Path) -> None:
    check(tmp_path, mission, select={"positions": [10.68, 41.27], "query": "duration > 1 ks", "science_usable": True})
    for column in {column.name for source in MISSIONS[mission].tables for column in source.columns}:
        check(
            tmp_path,
            mission,
            select={"columns": {column: ["1"]}} if column not in TIMES else {"query": f"{column} > 2000-01-01"},
        )


TIMES = ("start", "end", "proprietary_end")


def test_names_are_not_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from daxa_wf.tables.names import NameStore

    monkeypatch.setattr(NameStore, "resolve", lambda *_: pytest.fail("asked the network"))
    check(tmp_path, select={"names": ["Abell 907"]})
    check(tmp_path, select={"query": "cone('Abell 907', 1 deg)"})


def test_credentials_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "xsa.ini").write_bytes(b"\xff\xfe")
    assert "credentials.xsa: " in said(tmp_path, credentials={"xsa": "none.ini"})
    assert "it is not text in UTF-8" in said(tmp_path, credentials={"xsa": "xsa.ini"})


def test_an_empty_answer_of_a_service_is_a_table_without_rows() -> None:
    from daxa_wf.tables.observation_table import observation_table

    spec = MISSIONS["asca"]
    empty = pd.DataFrame(columns=[column.source for column in spec.tables[0].columns])
    assert len(observation_table(spec, spec.tables[0], empty).rows) == 0
