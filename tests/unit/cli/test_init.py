"""`daxa-wf init` asks a few questions; what it writes passes check-config and means what was answered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from astropy.table import Table
from typer.testing import CliRunner, Result

from daxa_wf.cli.main import app
from daxa_wf.config.reading import read_config


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(app, ["init", *arguments], input=answers)


def written(name: str = "my.yaml") -> dict[str, Any]:
    """Return the written values, after check-config has accepted them."""
    checked = CliRunner().invoke(app, ["check-config", name])
    assert checked.exit_code == 0, checked.exception
    return yaml.safe_load(Path(name).read_text())


def test_the_answers_become_a_configuration_with_comments() -> None:
    done = init(answers="xmm_pointed, chandra\nnames\nAbell 907, M31\nnative\n\n0.5-2,2-10\nclusters\n")
    assert done.exit_code == 0, done.output
    assert written() == {
        "archive": "clusters",
        "missions": {
            "xmm_pointed": {
                "source": {"archives": "any"},
                "engine": "native",
                "select": {"names": ["Abell 907", "M31"], "public": True},
                "images": {"bands": [["0.5 keV", "2 keV"], ["2 keV", "10 keV"]]},
            },
            "chandra": {
                "source": {"archives": "any"},
                "engine": "preprocessed",
                "select": {"names": ["Abell 907", "M31"], "public": True},
            },
        },
    }
    text = Path("my.yaml").read_text()
    assert text.startswith("# daxa-wf check-config my.yaml ")
    assert "  # Or sas, preprocessed, raw.\n" in text.replace("    #", "  #")


def test_a_wrong_answer_is_asked_again() -> None:
    done = init(answers="xmm\nxmm_pointed\nnowhere\nregion\n10 95\n10 20 0.5\nnative\n2-1\n0.5-2\nout\n")
    assert done.exit_code == 0, done.output
    for part in (
        "xmm_pointed",
        "'nowhere' is not one of names, table",
        "'10 95' is not a region",
        "'2-1' is not a band",
    ):
        assert part in " ".join(done.output.split())
    assert read_config(Path("my.yaml")).archive == Path("out")
    assert written()["missions"]["xmm_pointed"]["select"] == {
        "positions": [[10.0, 20.0]], "radius": "0.5 deg", "public": True,
    }  # fmt: skip


def test_options_answer_beforehand_and_yes_takes_the_defaults() -> None:
    done = init("sub/first.yaml", "--mission", "erosita_calpv", "--obsids", "700195,700183", "--yes")
    assert done.exit_code == 0, done.output
    values = written("sub/first.yaml")
    assert values["archive"] == "my_archive"
    assert values["missions"]["erosita_calpv"]["obsids"] == ["700195", "700183"]
    assert '  obsids: ["700195", "700183"]' in Path("sub/first.yaml").read_text()
    assert values["missions"]["erosita_calpv"]["engine"] == "native"


@pytest.mark.parametrize("name", ["clusters.csv", "clusters.fits", "clusters.vot", "clusters.parquet"])
def test_the_columns_of_a_table_are_found(name: str) -> None:
    rows = Table({"Name": ["A"], "RA": [10.0], "Dec": [20.0], "z": [0.1]})
    if name.endswith(".parquet"):
        rows.to_pandas().to_parquet(name)
    else:
        rows.write(name, format="votable" if name.endswith(".vot") else None)
    assert init("--mission", "chandra", "--table", name, "--yes").exit_code == 0
    position = {"file": name, "ra": "RA", "dec": "Dec", "name": "Name"}
    assert written()["missions"]["chandra"]["select"]["positions"] == position


def test_a_file_that_is_not_a_table_is_named() -> None:
    Path("t.fits").write_bytes(b"SIMPLE  =                    T" * 3)
    done = init("--mission", "chandra", "--table", "t.fits", "--yes")
    assert str(done.exception).startswith("--table: t.fits ")
    assert not Path("my.yaml").exists()


def test_a_local_directory_needs_no_selection() -> None:
    Path("lists").mkdir()
    Path("lists/P0999991001M1S001MIEVLI0000.FTZ").touch()
    done = init("--mission", "xmm_pointed", "--local", "lists", "--bands", "0.5-8", "--yes")
    assert done.exit_code == 0, done.exception
    section = {"source": {"local": "lists"}, "engine": "native", "images": {"bands": [["0.5 keV", "8 keV"]]}}
    assert written() == {"archive": "my_archive", "missions": {"xmm_pointed": section}}


def test_local_data_of_a_data_centre_are_named_by_obsid() -> None:
    Path("mirror").mkdir()
    new = ("--mission", "chandra", "--local", "mirror", "--yes")
    assert init(*new, "--obsids", "12812").exit_code == 0
    section = written()["missions"]["chandra"]
    assert section == {"source": {"local": "mirror"}, "engine": "preprocessed", "obsids": ["12812"]}


def test_a_file_is_never_replaced_without_consent() -> None:
    Path("my.yaml").write_text("mine")
    new = ("--mission", "chandra", "--names", "M31")
    refused = init(*new, "--yes")
    assert str(refused.exception) == "my.yaml exists, and is left as it is; give another name, or --replace"
    assert init(*new, answers="n\n").exit_code == 1
    assert init(*new).exit_code == 1, "the end of input is not consent"
    assert Path("my.yaml").read_text() == "mine"
    assert init(*new, answers="y\n\nout\n").exit_code == 0
    assert written()["archive"] == "out"
    assert init(*new, "--yes", "--replace").exit_code == 0
    assert written()["archive"] == "my_archive"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--yes"], "--mission is needed with --yes"),
        (["--mission", "hubble", "--names", "M31", "--yes"], "--mission: .*hubble"),
        (["--mission", ",", "--names", "M31", "--yes"], "--mission: name at least one mission"),
        (["--mission", "chandra", "--yes"], "--names is needed with --yes"),
        (["--mission", "chandra", "--names", " ,", "--yes"], "--names: the answer is empty"),
        (["--mission", "chandra", "--names", "M31", "--region", "1 2 3"], "--region and --names: give one of them"),
        (["--mission", "chandra,swift", "--local", "x", "--yes"], "--local is for one mission.*; 2 are given"),
        (["--mission", "chandra", "--local", "x", "--yes"], "--obsids is needed with --yes"),
        (["--mission", "xmm_pointed", "--local", "x", "--yes"], "source.local: .*/x"),
        (["--mission", "chandra", "--region", "1 2 inf", "--yes"], "--region: '1 2 inf' is not a region"),
        (["--mission", "chandra", "--obsids", "x;y", "--yes"], "x;y"),
        (["--mission", "chandra", "--table", "no.csv", "--yes"], "--table: no.csv is not a file"),
        (["--mission", "chandra", "--engine", "sas", "--names", "M31", "--yes"], "--engine sas: chandra has prep"),
        (["--mission", "xmm_pointed", "--names", "M31", "--bands", "1", "--yes"], "--bands: '1' is not a band"),
    ],
)
def test_wrong_options_are_named_and_nothing_is_written(arguments: list[str], message: str, here: Path) -> None:
    done = init(*arguments)
    assert re.search(message, str(done.exception)), done.exception
    assert list(here.iterdir()) == []


def test_a_table_without_positions_names_its_columns() -> None:
    Path("t.csv").write_text("ra,declination\n1,2\n")
    done = init("--mission", "chandra", "--table", "t.csv", "--yes")
    assert str(done.exception) == "--table: t.csv has no column dec; it has ra, declination. Rename a column"
