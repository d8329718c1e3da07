"""The pages for newcomers name keys, commands and members that exist, and their configurations can be used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive
from daxa_wf.cli.main import app
from daxa_wf.config.reading import parse_config

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("case_studies.md", "from_daxa.md", "installation.md", "tutorial.md")
COMMANDS = set(typer.main.get_group(app).commands)  # type: ignore[attr-defined]
COLUMNS = {"field", "field_type"}
"""Columns of a mission's table, which a section has as keys."""
LARGEST_PICTURE = 150_000


def page(name: str) -> str:
    return (DOCS / name).read_text()


def blocks(name: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", page(name), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_commands_links_and_pictures_exist(name: str) -> None:
    commands = set(re.findall(r"daxa-wf ([a-z][a-z-]+)", page(name)))
    assert commands
    assert commands - COMMANDS == set()
    for link in re.findall(r"\]\(([^)#:]+)\)", page(name)):
        assert (DOCS / link).is_file(), link


def test_the_readme_links_every_page() -> None:
    text = (DOCS.parent / "README.md").read_text()
    links = set(re.findall(r"\]\(docs/([\w.]+)\)", text))
    assert {path.name for path in DOCS.glob("*.md")} == links


def test_pictures_are_small() -> None:
    pictures = list((DOCS / "pictures").iterdir())
    assert pictures
    assert {path.name for path in pictures} == set(re.findall(r"pictures/([\w.]+)", page("tutorial.md")))
    assert [path.name for path in pictures if path.stat().st_size > LARGEST_PICTURE] == []


def test_the_tutorial_shows_what_init_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = re.findall(r"^daxa-wf (init .*)", page("tutorial.md"), re.MULTILINE)
    assert CliRunner().invoke(app, line.split()).exit_code == 0
    written = yaml.safe_load(Path("abell907.yaml").read_text())
    shown, change = map(yaml.safe_load, blocks("tutorial.md"))
    assert written == shown
    shown["missions"]["xmm_pointed"].update(change)
    assert parse_config(shown).mission("xmm_pointed").section.model_dump()["espfilt"]["allowed_sigma"] == 2


def test_the_configuration_for_users_of_daxa_can_be_used() -> None:
    (text,) = blocks("from_daxa.md")
    mission = parse_config(yaml.safe_load(text)).mission("xmm_pointed")
    assert (mission.engine.name, mission.instruments) == ("sas", ("M2", "PN"))


def test_the_configurations_of_the_readme_can_be_used() -> None:
    texts = re.findall(r"^```yaml\n(.*?)^```", (DOCS.parent / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    missions = [list(parse_config(yaml.safe_load(text)).all_missions) for text in texts]
    assert missions == [["xmm_pointed", "chandra"], ["xmm_pointed"]]


def described_keys(model: dict[str, Any]) -> set[str]:
    """Return every key of the configuration, of all sections."""
    keys = {key for section in model["$defs"].values() for key in section.get("properties", {})}
    return keys | set(model["properties"])


def test_keys_and_members_that_replace_daxas_exist() -> None:
    from daxa_wf.config.model import config_model

    known = described_keys(config_model().model_json_schema())
    answers = [line.split("|")[2] for line in page("from_daxa.md").splitlines() if line.startswith("| ")]
    quoted = [text for cell in answers for text in re.findall(r"`([^`]+)`", cell)]
    keys = {match[1] for text in quoted if (match := re.match(r"^([a-z_]+)(?::|$)", text))}
    keys |= {key for text in quoted for key in re.findall(r"[{,] ?([a-z_]+)(?=[:,}])", text)} - COLUMNS
    members = {text.removeprefix("Archive.") for text in quoted if text.startswith("Archive.")}
    named = {"process_success", "process_errors", "event_list", "image", "exposure_map", "background"}
    assert len(keys & known) > 20
    values = {"ratio", "sas", "esass", "preprocessed", "both", "xmm_pointed", "chandra", "results", "parameters"}
    assert keys - known - values - {name for name in keys if hasattr(Archive, name)} == set()
    assert [name for name in members | named if not hasattr(Archive, name)] == []
