"""What `daxa-wf doctor` looks at for SAS: its tasks, its release, its calibration files, HEASoft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daxa_wf.errors import ConfigError
from daxa_wf.observatories.xmm.sas.tasks import SAS_TASKS
from daxa_wf.tools.doctor import Finding, probe, release_of, tasks_found, variable
from daxa_wf.tools.environment import ToolEnvironment
from daxa_wf.tools.versions import OLDEST_SAS_OF, heasoft_version, require_sas


def examine_sas(
    environment: ToolEnvironment, tasks: Sequence[str] = tuple(SAS_TASKS), base: Mapping[str, str] | None = None
) -> list[Finding]:
    """What an environment has for the SAS route: SAS and its tasks, calibration files, HEASoft, `lcurve` for emchain."""
    said = probe(environment, [*tasks, "sas", "lcurve"], base)
    if isinstance(said, Finding):
        return [said]
    findings = [
        variable(said, "SAS_DIR", "initialise SAS (setsas.sh), or name its setup script"),
        *tasks_found(said, tasks),
    ]
    findings += _sas_release(said, tasks)
    findings += _calibration(said)
    headas = variable(said, "HEADAS", "initialise HEASoft before SAS")
    release = heasoft_version(said.get("output fversion", "") or headas.found)
    findings.append(
        headas if headas.is_problem else Finding("HEASoft", "fine", f"{release or 'release unknown'}: {headas.found}")
    )
    if "emchain" in tasks:
        findings += tasks_found(said, ["lcurve"], "emchain calls it: initialise HEASoft before SAS")
    return findings


def _sas_release(said: Mapping[str, str], tasks: Sequence[str]) -> list[Finding]:
    release = release_of(said)
    if release is None:
        return [Finding("SAS release", "missing", "`sas --version` told none", "initialise SAS")]
    findings = [Finding("SAS release", "fine", str(release))]
    for task in ("", *(task for task in tasks if task in OLDEST_SAS_OF)):
        try:
            require_sas(release, task)
        except ConfigError as error:
            findings.append(Finding(task or "SAS", "unfit", str(release), str(error)))
    return findings


def _calibration(said: Mapping[str, str]) -> list[Finding]:
    counts = {name.removeprefix("ccf "): count for name, count in said.items() if name.startswith("ccf ")}
    if not counts:
        return [Finding("SAS_CCFPATH", "missing", "not set", "name the directories of the calibration files (CCF)")]
    gone = [place for place, count in counts.items() if count == "none"]
    if len(gone) == len(counts) or not any(int(count) for count in counts.values() if count != "none"):
        return [
            Finding("SAS_CCFPATH", "unfit", ":".join(counts), "no calibration file (*.CCF) is there: mirror them first")
        ]
    listed = ", ".join(f"{place}: {count} constituents" for place, count in counts.items() if count != "none")
    absent = [Finding("SAS_CCFPATH", "note", place, "there is no such directory") for place in gone]
    return [Finding("SAS_CCFPATH", "fine", listed), *absent]
