"""Examine an environment: which tasks, variables and releases it has, and what is missing.

Each toolkit's own examination is in its observatory; the parts that all of them need are here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daxa_wf.tools.environment import NO_TOOLKIT, ToolEnvironment, ToolkitVariables, prepared_call
from daxa_wf.tools.processes import run_watched

PROBE = r"""
daxa_wf_left=$1; shift
while (( daxa_wf_left-- > 0 )); do printf '%s\0%s\0' "output $1" "$(eval "$2" </dev/null)"; shift 2; done
for name in "$@"; do printf '%s\0%s\0' "task $name" "$(command -v "$name")"; done
while IFS= read -r -d '' pair; do printf '%s\0%s\0' "variable ${pair%%=*}" "${pair#*=}"; done < <(env -0)
"""
"""Prints pairs of names and values, each ended by a NUL, once the environment is set up. Its arguments are a counted list
of questions (label, shell command), then the names of tasks.
"""

PROBE_SECONDS = 120.0

Answers = Mapping[str, str]
"""Results of a probe: `task x` -> path, `variable X` -> value, `output label` -> text printed by a question's command."""


@dataclass(frozen=True)
class Diagnosis:
    """Report on one subject: its state, a detail such as a path or a release, and advice if it is a problem."""

    subject: str
    state: Literal["fine", "missing", "unfit", "note"]
    detail: str
    advice: str = ""

    @property
    def is_problem(self) -> bool:
        """Return True if a run that needs the subject cannot work."""
        return self.state in ("missing", "unfit")


def probe(
    environment: ToolEnvironment,
    names: Sequence[str],
    questions: Mapping[str, str] | None = None,
    base: Mapping[str, str] | None = None,
    toolkit: ToolkitVariables = NO_TOOLKIT,
) -> dict[str, str] | Diagnosis:
    """Set up an environment, and return the paths of tasks, the variables, and the answers to `questions`.

    `questions` maps labels to shell commands. If the environment cannot be set up, return a diagnosis with the reason.
    """
    pairs = [word for pair in (questions or {}).items() for word in pair]
    words = ["bash", "-c", PROBE, "daxa_wf", str(len(questions or {})), *pairs, *names]
    with tempfile.TemporaryDirectory(prefix="daxa_wf-doctor-") as name:
        directory = Path(name)
        call = prepared_call(words, {}, environment, directory, base=base, toolkit=toolkit)
        out, err = directory / "out", directory / "err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            try:
                end = run_watched(call.argv, call.variables, directory, stdout, stderr, PROBE_SECONDS)
            except OSError as error:
                return Diagnosis("environment", "missing", f"{call.argv[0]}: {error.strerror}", environment.describe())
        parts = out.read_bytes().decode(errors="replace").split("\0")
        if end.exit_code != 0:
            lines = err.read_text(errors="replace").strip().splitlines()
            detail = lines[-1] if lines else "its setup failed without a message"
            return Diagnosis("environment", "unfit", detail, environment.describe())
    return dict(zip(parts[0::2], parts[1::2], strict=False))


def variables_in(answers: Answers) -> dict[str, str]:
    """Return the environment variables among a probe's answers."""
    return {name.removeprefix("variable "): value for name, value in answers.items() if name.startswith("variable ")}


def check_variable(answers: Answers, name: str, advice: str) -> Diagnosis:
    """Report whether a variable is set; `advice` is a hint on how to set it."""
    value = answers.get(f"variable {name}", "")
    return Diagnosis(name, "fine", value) if value else Diagnosis(name, "missing", "not set", advice)


def check_tasks(answers: Answers, names: Sequence[str], advice: str = "it is not on PATH") -> list[Diagnosis]:
    """Report whether each task was found, and where."""
    paths = {name: answers.get(f"task {name}", "") for name in names}
    return [
        Diagnosis(name, "fine", path) if path else Diagnosis(name, "missing", "not found", advice)
        for name, path in paths.items()
    ]


def lines_of(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Return one printable line for each diagnosis; lines of problems end with the advice."""
    width = max((len(diagnosis.subject) for diagnosis in diagnoses), default=0)
    return [
        f"{diagnosis.state:8}{diagnosis.subject:{width}}  {diagnosis.detail}"
        + (diagnosis.advice and f" - {diagnosis.advice}")
        for diagnosis in diagnoses
    ]
