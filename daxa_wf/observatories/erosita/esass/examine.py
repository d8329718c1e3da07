"""What `daxa-wf doctor` looks at for eSASS: its tasks, its release, its calibration database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daxa_wf.observatories.erosita.esass.tasks import ESASS_TASKS
from daxa_wf.tools.doctor import Finding, probe, tasks_found, toolkit_versions
from daxa_wf.tools.environment import ToolEnvironment


def examine_esass(
    environment: ToolEnvironment, tasks: Sequence[str] = tuple(ESASS_TASKS), base: Mapping[str, str] | None = None
) -> list[Finding]:
    """What an environment has for the eSASS route: its tasks, its release as far as its path tells it, CALDB."""
    said = probe(environment, tasks, base)
    if isinstance(said, Finding):
        return [said]
    versions = toolkit_versions(said)
    release, caldb = versions.get("esass", ""), versions.get("caldb", "")
    return [
        *tasks_found(said, tasks, "initialise eSASS, or use its container image"),
        Finding("eSASS release", "fine" if release else "note", release or "not told by its paths"),
        Finding("CALDB", "fine", caldb)
        if caldb
        else Finding("CALDB", "missing", "not set", "initialise eSASS's CALDB"),
    ]
