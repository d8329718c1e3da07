"""Examine an environment for SAS: tasks, releases, calibration files, and HEASoft, which SAS needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daxa_wf.errors import ConfigError
from daxa_wf.observatories.xmm.sas.tasks import SAS, SAS_TASKS
from daxa_wf.observatories.xmm.sas.versions import OLDEST_SAS_OF, SasVersion, parse_sas_version, require_sas
from daxa_wf.tools.doctor import Answers, Diagnosis, check_tasks, check_variable, probe, variables_in
from daxa_wf.tools.environment import ToolEnvironment
from daxa_wf.tools.versions import heasoft_version

COUNT_CALIBRATION = r"""
IFS=: read -ra places <<< "${SAS_CCFPATH:-}"
for place in "${places[@]}"; do
  count=none
  if [ -d "$place" ]; then count=$(ls "$place" | grep -ci '\.ccf$'); fi
  printf '%s\t%s\n' "$place" "$count"
done
"""
"""Prints each directory of the calibration files and how many it holds, or `none` if it does not exist."""

QUESTIONS = {"sas": "sas --version 2>&1", "fversion": "fversion 2>/dev/null", "calibration": COUNT_CALIBRATION}
"""Questions to `tools.doctor.probe` about SAS."""


def examine_sas(
    environment: ToolEnvironment, tasks: Sequence[str] = tuple(SAS_TASKS), base: Mapping[str, str] | None = None
) -> list[Diagnosis]:
    """Report on SAS and its tasks, calibration files, HEASoft, and `lcurve`, which emchain calls."""
    answers = probe(environment, [*tasks, "sas", "lcurve"], QUESTIONS, base, SAS)
    if isinstance(answers, Diagnosis):
        return [answers]
    diagnoses = [
        check_variable(answers, "SAS_DIR", "initialise SAS (setsas.sh), or name its setup script"),
        *check_tasks(answers, tasks),
    ]
    diagnoses += _check_release(answers, tasks)
    diagnoses += _check_calibration(answers)
    headas = check_variable(answers, "HEADAS", "initialise HEASoft before SAS")
    release = heasoft_version(answers.get("output fversion", "") or headas.detail)
    diagnoses.append(
        headas
        if headas.is_problem
        else Diagnosis("HEASoft", "fine", f"{release or 'release unknown'}: {headas.detail}")
    )
    if "emchain" in tasks:
        diagnoses += check_tasks(answers, ["lcurve"], "emchain calls it: initialise HEASoft before SAS")
    return diagnoses


def sas_release(answers: Answers) -> SasVersion | None:
    """Return the release of SAS in a probe's answers, or None if they hold none."""
    try:
        return parse_sas_version(answers.get("output sas", ""))
    except ValueError:
        return None


def sas_versions(answers: Answers) -> dict[str, str]:
    """Return the releases of SAS and HEASoft as records hold them, leaving out unknown ones."""
    release = sas_release(answers)
    headas = variables_in(answers).get("HEADAS", "")
    versions = {
        "sas": str(release) if release else "",
        "heasoft": heasoft_version(answers.get("output fversion", "") or headas),
    }
    return {name: value for name, value in versions.items() if value}


def _check_release(answers: Answers, tasks: Sequence[str]) -> list[Diagnosis]:
    release = sas_release(answers)
    if release is None:
        return [Diagnosis("SAS release", "missing", "`sas --version` printed no release", "initialise SAS")]
    diagnoses = [Diagnosis("SAS release", "fine", str(release))]
    for task in ("", *(task for task in tasks if task in OLDEST_SAS_OF)):
        try:
            require_sas(release, task)
        except ConfigError as error:
            diagnoses.append(Diagnosis(task or "SAS", "unfit", str(release), str(error)))
    return diagnoses


def _check_calibration(answers: Answers) -> list[Diagnosis]:
    lines = answers.get("output calibration", "").splitlines()
    counts = {directory: count for directory, _, count in (line.rpartition("\t") for line in lines)}
    if not counts:
        return [Diagnosis("SAS_CCFPATH", "missing", "not set", "name the directories of the calibration files (CCF)")]
    absent = [directory for directory, count in counts.items() if count == "none"]
    if not any(int(count) for count in counts.values() if count != "none"):
        advice = "it holds no calibration file (*.CCF): mirror them first"
        return [Diagnosis("SAS_CCFPATH", "unfit", ":".join(counts), advice)]
    listed = ", ".join(f"{name}: {count} constituents" for name, count in counts.items() if count != "none")
    notes = [Diagnosis("SAS_CCFPATH", "note", directory, "this directory does not exist") for directory in absent]
    return [Diagnosis("SAS_CCFPATH", "fine", listed), *notes]
