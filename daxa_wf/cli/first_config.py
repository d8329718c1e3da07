"""The command that asks a few questions and writes a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from daxa_wf.errors import ConfigError

if TYPE_CHECKING:
    from daxa_wf.config.first_config import Choices

commands = typer.Typer()

AnswerType = TypeVar("AnswerType")
QUESTIONS = {
    "names": "Names of objects, with commas",
    "table": "Table of positions (CSV, FITS, VOTable ...)",
    "region": "Region in degrees: RA DEC RADIUS, or RA and DEC of two opposite corners",
    "obsids": "ObsIDs, with commas",
    "local": "Directory with your files",
}
"""Way to name observations, which is an option too -> its question."""


@dataclass(frozen=True)
class Questions:
    """The user's answers: those of the options, and otherwise those on the terminal. `defaults` asks nothing."""

    options: Mapping[str, str | None]
    defaults: bool

    def ask(self, option: str, text: str, check: Callable[[str], AnswerType], default: str | None = None) -> AnswerType:
        """Return a checked answer. Ask again after a wrong one. Raise ConfigError if an option is wrong or needed."""
        given = self.options.get(option)
        if given is None and self.defaults:
            if default is None:
                raise ConfigError(f"--{option} is needed with --yes ({text})")
            given = default
        if given is None:
            answer: AnswerType = typer.prompt(
                text, default=default, value_proc=_again(check), show_default=bool(default)
            )
            return answer
        try:
            return check(given)
        except ConfigError as error:
            raise ConfigError(f"--{option}: {error}") from None

    def choose(self, text: str, choices: tuple[str, ...]) -> str:
        """Return one of several words, by default the first."""

        def check(answer: str) -> str:
            if answer not in choices:
                raise ConfigError(f"{answer!r} is not one of {', '.join(choices)}")
            return answer

        if self.defaults or len(choices) == 1:
            return choices[0]
        answer: str = typer.prompt(f"{text} ({', '.join(choices)})", default=choices[0], value_proc=_again(check))
        return answer


def _again(check: Callable[[str], AnswerType]) -> Callable[[str], AnswerType]:
    def checked(text: str) -> AnswerType:
        try:
            return check(text)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None

    return checked


def _option(text: str) -> Any:
    return typer.Option(help=text, show_default=False)


@commands.command()
def init(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="the file to write")] = Path("my.yaml"),
    mission: Annotated[str | None, _option("missions, with commas")] = None,
    names: Annotated[str | None, _option("select around objects by name, with commas")] = None,
    table: Annotated[str | None, _option("select around the positions of a table")] = None,
    region: Annotated[str | None, _option("select in a region, in degrees: 'RA DEC RADIUS', or two corners")] = None,
    obsids: Annotated[str | None, _option("select these ObsIDs, with commas")] = None,
    local: Annotated[str | None, _option("take the event lists or products in this directory, of one mission")] = None,
    engine: Annotated[str | None, _option("engine of all missions that have it (docs/missions.md)")] = None,
    bands: Annotated[str | None, _option("bands of images in keV, such as 0.5-2,2-10")] = None,
    archive: Annotated[str | None, _option("output directory")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: take the defaults of all other answers")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="replace CONFIG if it exists")] = False,
) -> None:
    """Ask a few questions, and write a configuration with comments. Options answer the questions beforehand."""
    from daxa_wf.config.first_config import commented_config
    from daxa_wf.files import write_atomically

    options = {"names": names, "table": table, "region": region, "obsids": obsids, "local": local,
               "mission": mission, "engine": engine, "bands": bands, "archive": archive}  # fmt: skip
    _may_write(config, yes, replace)
    text = commented_config(_answers(Questions(options, yes)), str(config))
    _check(text, config)
    config.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(config, text)
    print(f"{config} is written. Read it, then: daxa-wf plan {config}; daxa-wf run {config}")


def _may_write(config: Path, yes: bool, replace: bool) -> None:
    """Raise ConfigError if the file exists, unless the user agrees to replace it."""
    if not config.exists() or replace:
        return
    if yes or config.is_dir() or not typer.confirm(f"{config} exists. Replace it?", default=False):
        raise ConfigError(f"{config} exists, and is left as it is; give another name, or --replace")


def _answers(questions: Questions) -> Choices:
    """Return the answers to all questions. Raise ConfigError if options contradict each other."""
    from daxa_wf.config.first_config import (
        Choices,
        checked_bands,
        checked_missions,
        makes_images,
        takes_whole_observations,
    )
    from daxa_wf.mission.registry import MISSIONS

    given = [kind for kind in reversed(QUESTIONS) if questions.options[kind] is not None]
    if len(given) > 1 and given != ["local", "obsids"]:
        raise ConfigError(
            f"{' and '.join(f'--{kind}' for kind in given)}: give one of them, and add the others to the file"
        )
    known = f"Missions, with commas ({', '.join(MISSIONS)})"
    missions = questions.ask("mission", known, checked_missions)
    way = given[0] if given else questions.choose("Select observations by", tuple(QUESTIONS))
    if way == "local" and len(missions) > 1:
        raise ConfigError(f"--local is for one mission, because each has its own files; {len(missions)} are given")
    chosen = questions.ask(way, QUESTIONS[way], lambda text: _selection(way, text))
    engines = {name: _engine(questions, name) for name in missions}
    if given == ["local", "obsids"] or (way == "local" and takes_whole_observations(*next(iter(engines.items())))):
        chosen |= questions.ask("obsids", QUESTIONS["obsids"], lambda text: _selection("obsids", text))
    bands: tuple[tuple[str, str], ...] = ()
    if any(makes_images(name, engine) for name, engine in engines.items()):
        bands = questions.ask("bands", "Bands of the images in keV, with commas", checked_bands, "0.5-2, 2-10")
    archive = questions.ask("archive", "Output directory", _text, "my_archive")
    return Choices(archive, engines, bands=bands, **chosen)


def _selection(way: str, text: str) -> dict[str, Any]:
    """Return the fields of Choices that an answer to one of QUESTIONS gives."""
    from daxa_wf.config.first_config import checked_region, words

    if way == "local":
        return {"local": _text(text)}
    if way == "obsids":
        return {"obsids": words(_text(text))}
    # Data of which the proprietary time is not over cannot be downloaded without credentials.
    public = {"public": True}
    if way == "names":
        return {"select": {"names": list(words(_text(text))), **public}}
    if way == "region":
        return {"select": {**checked_region(text), **public}}
    return {"select": {"positions": _table(Path(_text(text))), **public}}


def _table(path: Path) -> dict[str, str]:
    """Return the section of a table of positions, with the columns that its header names, whatever their case."""
    if not path.expanduser().is_file():
        raise ConfigError(f"{path} is not a file; give a table with columns such as ra, dec and name, in degrees")
    from daxa_wf.selection.table_files import read_table_file

    columns = {name.lower(): name for name in map(str, read_table_file(path.expanduser()).columns)}
    for axis in ("ra", "dec"):
        if axis not in columns:
            raise ConfigError(f"{path} has no column {axis}; it has {', '.join(columns.values())}. Rename a column")
    return {"file": str(path), **{key: columns[key] for key in ("ra", "dec", "name") if key in columns}}


def _engine(questions: Questions, mission: str) -> str:
    """Return the engine of a mission: the option's if the mission has it, otherwise the user's choice."""
    from daxa_wf.config.first_config import engines_of

    engines = engines_of(mission)
    option = questions.options["engine"]
    if option is None:
        return questions.choose(f"Engine of {mission}", engines)
    if option not in engines:
        raise ConfigError(
            f"--engine {option}: {mission} has {', '.join(engines)}; without --engine you choose for each mission"
        )
    return option


def _text(text: str) -> str:
    if not text.strip(" ,"):
        raise ConfigError("the answer is empty")
    return text.strip()


def _check(text: str, config: Path) -> None:
    """Raise ConfigError if `check-config` would refuse a configuration."""
    import yaml

    from daxa_wf.chain.preflight import check_before_a_run
    from daxa_wf.config.reading import parse_config

    check_before_a_run(parse_config(yaml.safe_load(text), str(config)), Path.cwd())
