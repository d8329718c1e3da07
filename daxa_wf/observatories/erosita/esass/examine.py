"""Examine an environment for eSASS: tasks, release, CALDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daxa_wf.observatories.erosita.esass.tasks import ESASS, ESASS_TASKS
from daxa_wf.observatories.erosita.esass.versions import caldb_label, esass_version
from daxa_wf.tools.doctor import Answers, Diagnosis, check_tasks, probe, variables_in
from daxa_wf.tools.environment import ToolEnvironment


def examine_esass(
    environment: ToolEnvironment, tasks: Sequence[str] = tuple(ESASS_TASKS), base: Mapping[str, str] | None = None
) -> list[Diagnosis]:
    """Report on eSASS's tasks, its CALDB, and its release as far as paths and variables name it."""
    answers = probe(environment, tasks, base=base, toolkit=ESASS)
    if isinstance(answers, Diagnosis):
        return [answers]
    versions = esass_versions(answers)
    release, caldb = versions.get("esass", ""), versions.get("caldb", "")
    return [
        *check_tasks(answers, tasks, "initialise eSASS, or use its container image"),
        Diagnosis("eSASS release", "fine" if release else "note", release or "its paths do not name it"),
        Diagnosis("CALDB", "fine", caldb)
        if caldb
        else Diagnosis("CALDB", "missing", "not set", "initialise eSASS's CALDB"),
    ]


def esass_versions(answers: Answers) -> dict[str, str]:
    """Return the release of eSASS and the CALDB as records hold them, leaving out unknown ones."""
    versions = {
        "esass": next((release for value in answers.values() if (release := esass_version(value))), ""),
        "caldb": caldb_label(variables_in(answers)),
    }
    return {name: value for name, value in versions.items() if value}
