"""Reach the tasks of a toolkit: in the current shell, or through a setup script, modules, a container, or a prefix."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from daxa_wf.errors import ConfigError

MISSING_VARIABLE = 96
SETUP_FAILED = 97
"""Exit codes of the launcher below. Tasks of SAS and eSASS do not use them."""

LAUNCHER = r"""
daxa_wf_load() { local script=$1; shift; . "$script"; }
daxa_wf_find_module() {
  type module >/dev/null 2>&1 && return
  local place
  for place in "${MODULESHOME:-}/init/bash" "${LMOD_PKG:-}/init/bash" /etc/profile.d/{modules,lmod,z00_lmod}.sh; do
    if [ -r "$place" ]; then daxa_wf_load "$place"; type module >/dev/null 2>&1 && return; fi
  done
  echo "daxa_wf: the command 'module' does not exist here" >&2; exit 97
}
daxa_wf_left=$1; shift
while (( daxa_wf_left-- > 0 )); do
  if [ ! -r "$1" ]; then echo "daxa_wf: setup script $1 cannot be read" >&2; exit 97; fi
  daxa_wf_load "$1" >&2; shift
done
daxa_wf_left=$1; shift
if (( daxa_wf_left > 0 )); then daxa_wf_find_module; fi
while (( daxa_wf_left-- > 0 )); do
  module load "$1" >&2 || { echo "daxa_wf: module load $1 failed" >&2; exit 97; }; shift
done
daxa_wf_left=$1; shift
while (( daxa_wf_left-- > 0 )); do
  if [ "${1%%=*}" = PFILES ]; then
    case "${PFILES:-}" in
      *';'*) export PFILES="${1#*=};${PFILES#*;}" ;;
      *) export PFILES="${1#*=};${HEADAS:+$HEADAS/syspfiles}" ;;
    esac
  else
    export "$1"
  fi
  shift
done
daxa_wf_left=$1; shift
while (( daxa_wf_left-- > 0 )); do
  if [ -z "${!1:-}" ]; then echo "daxa_wf: $1 is not set" >&2; exit 96; fi
  shift
done
exec "$@"
"""
"""Reads four counted lists (setup scripts, modules, NAME=value, names that must be set) and runs the remaining words.

The shell does not parse the command line: each word is one argument.
"""

STEADY = {"HEADASNOQUERY": "", "HEADASPROMPT": "/dev/null"}
"""Variables set for every task: ftools must not ask on the terminal."""


@dataclass(frozen=True)
class ToolkitVariables:
    """Environment variables of all tasks of a toolkit: `fixed` ones are set; `cleared` ones of the user's shell are dropped.

    A variable is cleared if it would silently change a task's input or behaviour.
    """

    name: str
    fixed: Mapping[str, str] = field(default_factory=dict)
    cleared: tuple[str, ...] = ()


NO_TOOLKIT = ToolkitVariables("")


@dataclass(frozen=True)
class ToolEnvironment:
    """Access to a toolkit. Parts may be combined; the default is a shell that is already initialised.

    `setup_scripts` are sourced in order (HEASoft's before SAS's), then `modules` are loaded, inside of the `container` if
    one is named. `prefix` goes in front of the whole command (`srun`, a site's own wrapper). `variables` are set last.
    `binds` are the directories that the container must see beside the working directory.
    """

    setup_scripts: tuple[Path, ...] = ()
    modules: tuple[str, ...] = ()
    container: str = ""
    runtime: Literal["apptainer", "singularity", "docker"] = "apptainer"
    binds: tuple[Path, ...] = ()
    prefix: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_launcher(self) -> bool:
        """Return True if something must be set up before the task can run."""
        return bool(self.setup_scripts or self.modules or self.container)

    @property
    def is_shell(self) -> bool:
        """Return True if the tasks come from this process's own environment."""
        return not (self.needs_launcher or self.prefix)

    def describe(self) -> str:
        """Describe the environment in a few words, for messages."""
        parts = [
            *(["prefix " + " ".join(self.prefix)] if self.prefix else []),
            *([f"{self.runtime} container {self.container}"] if self.container else []),
            *(f"setup script {script}" for script in self.setup_scripts),
            *(f"module {module}" for module in self.modules),
        ]
        return ", ".join(parts) or "the current shell"


def environment_from(options: Mapping[str, Any]) -> ToolEnvironment:
    """Make the environment from the options of a toolkit in the configuration, given as plain data."""
    return ToolEnvironment(
        tuple(Path(script) for script in options["setup_scripts"]),
        tuple(options["modules"]),
        options["container"],
        options["runtime"],
        tuple(Path(place) for place in options["binds"]),
        tuple(options["prefix"]),
        dict(options["variables"]),
    )


@dataclass(frozen=True)
class Call:
    """Words and variables for the operating system. `container_name` is the name by which docker can stop the container."""

    argv: list[str]
    variables: dict[str, str]
    container_name: str = ""


def prepared_call(
    argv: Sequence[str],
    variables: Mapping[str, str],
    environment: ToolEnvironment,
    directory: Path,
    needs: Sequence[str] = (),
    name: str = "",
    base: Mapping[str, str] | None = None,
    toolkit: ToolkitVariables = NO_TOOLKIT,
) -> Call:
    """Return the call that runs `argv` in `directory`, within an environment, with `variables` set.

    `needs` are variables that the environment must set. `base` is the environment to start from (by default this
    process's own), without the variables that the toolkit clears. ConfigError if the current shell lacks a needed variable.
    """
    started_from = os.environ if base is None else base
    inherited = {key: value for key, value in started_from.items() if key not in toolkit.cleared}
    added = {**STEADY, **toolkit.fixed, **environment.variables, **variables}
    if not environment.needs_launcher:
        own = {**inherited, **added, "PFILES": pfiles(directory / "pfiles", inherited)}
        if environment.is_shell:
            _require(needs, own, argv[0])
        return Call([*environment.prefix, *argv], own)
    added["PFILES"] = str(directory / "pfiles")
    launched = _launched(argv, added, environment, needs)
    contained = _contained(launched, environment, directory, name)
    docker = environment.container and environment.runtime == "docker"
    return Call([*environment.prefix, *contained], inherited, name if docker else "")


def pfiles(own: Path, variables: Mapping[str, str]) -> str:
    """Return PFILES with `own` as its writable directory, keeping the directories of templates.

    Source: HEASoft, 'Parameter files': writable directories, ';', directories of templates.
    """
    _, _, templates = variables.get("PFILES", "").partition(";")
    if not templates and variables.get("HEADAS"):
        templates = f"{variables['HEADAS']}/syspfiles"
    return f"{own};{templates}"


def _require(needs: Sequence[str], variables: Mapping[str, str], task: str) -> None:
    missing = [name for name in needs if not variables.get(name)]
    if missing:
        raise ConfigError(
            f"{task} needs {', '.join(missing)}, not set in this shell: initialise its toolkit first, or name a setup "
            "script, modules or a container in the configuration ('daxa-wf doctor' lists the tasks that can be found)"
        )


def _launched(
    argv: Sequence[str], variables: Mapping[str, str], environment: ToolEnvironment, needs: Sequence[str]
) -> list[str]:
    lists = (
        [str(script) for script in environment.setup_scripts],
        list(environment.modules),
        [f"{name}={value}" for name, value in variables.items()],
        list(needs),
    )
    counted = [word for words in lists for word in (str(len(words)), *words)]
    return ["bash", "-c", LAUNCHER, "daxa_wf", *counted, *argv]


def _contained(argv: list[str], environment: ToolEnvironment, directory: Path, name: str) -> list[str]:
    if not environment.container:
        return argv
    seen = dict.fromkeys([str(directory), *map(str, environment.binds)])
    if environment.runtime == "docker":
        volumes = [word for place in seen for word in ("--volume", f"{place}:{place}")]
        named = ["--name", name] if name else []
        user = ["--user", f"{os.getuid()}:{os.getgid()}"]
        return ["docker", "run", "--rm", "--init", *named, *user, *volumes, "--workdir", str(directory),
                environment.container, *argv]  # fmt: skip
    binds = [word for place in seen for word in ("--bind", f"{place}:{place}")]
    return [environment.runtime, "exec", *binds, "--pwd", str(directory), environment.container, *argv]
