"""What every stand-in does first and last: environment, parameters, the lines around the work, the log of calls."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from daxa_wf.observatories.xmm.sas.tasks import ESPFILT
from daxa_wf.observatories.xmm.sas.versions import espfilt_dialect, parse_sas_version
from daxa_wf.tools.spec import TaskSpec
from tests.standins.behaviour import Refused, behaviour_of, error, misbehave
from tests.standins.tables import TASKS

STAMP = "2026-01-01T00:00:00.000"


def main(task: str, argv: list[str]) -> int:
    """Be a task; its exit code."""
    spec = _spec(task)
    _log(task, argv)
    if spec.toolkit.name == "esass":
        return _esass(spec, argv)
    return _sas(spec, argv)


def _sas(spec: TaskSpec, argv: list[str]) -> int:
    missing = _missing_environment(spec)
    if missing:
        error(spec.name, "environment", missing)
        return 1
    release = f"({spec.name}-9.9)  [{_release()}]"
    print(f"{spec.name}:- Executing: {spec.name} {' '.join(argv)}  -w 1 -V 4")
    print(f"{spec.name}:- {spec.name} {release} started:  {STAMP}", flush=True)
    try:
        values = spec.check(argv)
    except ValueError as mistake:
        error(spec.name, "ParameterError", str(mistake))
        return 1
    try:
        told = behaviour_of(spec.name, _context(argv, values))
        if not misbehave(spec.name, told):
            from tests.standins.sas import TASKS as WORK

            WORK[spec.name](values)
    except Refused as refused:
        error(spec.name, refused.name, refused.text)
        return 1
    print(f"{spec.name}:- {spec.name} {release} ended:    {STAMP}")
    return 0


def _esass(spec: TaskSpec, argv: list[str]) -> int:
    """eSASS tasks speak their own way, and their exit code is not to be relied upon: here it is 0 whatever happens."""
    print(f"{spec.name}: eSASSusers_211214 starting", flush=True)
    try:
        values = spec.check(argv)
        told = behaviour_of(spec.name, _context(argv, values))
        if not misbehave(spec.name, told):
            from tests.standins.esass import TASKS as WORK

            WORK[spec.name](values)
        if told == "notDone":
            return 0
    except (Refused, ValueError) as refused:
        print(f"{spec.name}: **ERROR** {getattr(refused, 'text', refused)}", file=sys.stderr)
        return 0
    print(f"{spec.name}: DONE")
    return 0


def _spec(task: str) -> TaskSpec:
    return ESPFILT[espfilt_dialect(parse_sas_version(f"[{_release()}]"))] if task == "espfilt" else TASKS[task]


def _missing_environment(spec: TaskSpec) -> str:
    """What the real task would stumble over."""
    for name in (*spec.needs, "HEADAS", "PFILES"):
        if not os.environ.get(name):
            return f"{name} is not set"
    own, _, templates = os.environ["PFILES"].partition(";")
    if not os.access(own, os.W_OK):
        return f"PFILES: {own} cannot be written to"
    if os.environ["HEADAS"] not in templates:
        return f"PFILES: {templates!r} has no templates"
    if os.environ.get("HEADASPROMPT") != "/dev/null" or "HEADASNOQUERY" not in os.environ:
        return "ftools would ask on the terminal"
    if not os.access(".", os.W_OK):
        return "the working directory cannot be written to"
    return ""


def _context(argv: list[str], values: dict[str, str]) -> str:
    """All that an entry of DAXA_WF_STANDIN may look for."""
    words = [str(Path.cwd()), *argv, *(os.environ.get(name, "") for name in ("SAS_ODF", "SAS_CCF"))]
    for name in ("eventfile", "eventset", "table", "set1", "set2", "eventfiles"):
        path = Path(values.get(name, "").split(":")[0].split(" ")[0] or ".")
        if path.is_file():
            from tests.standins.sas import identity

            words.append(str(path.resolve()))
            try:
                words.append("".join(identity(path)))
            except (KeyError, OSError):
                continue
    return " ".join(words)


def _log(task: str, argv: list[str]) -> None:
    place = os.environ.get("DAXA_WF_STANDIN_LOG")
    if place:
        with Path(place).open("a") as stream:
            stream.write(json.dumps({"task": task, "argv": argv, "directory": str(Path.cwd())}) + "\n")


def _release() -> str:
    place = Path(os.environ.get("SAS_DIR", "/nowhere")) / "release"
    return place.read_text().strip() if place.exists() else "xmmsas_20211130_0941-20.0.0"
