"""What `daxa-wf doctor` finds out: which tasks, versions and calibration an environment has, and what is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daxa_wf.errors import ConfigError
from daxa_wf.observatories.erosita.esass.tasks import ESASS_TASKS
from daxa_wf.observatories.xmm.sas.tasks import SAS_TASKS
from daxa_wf.tools.environment import ToolEnvironment, prepared_call
from daxa_wf.tools.processes import run_watched
from daxa_wf.tools.versions import (
    OLDEST_SAS_OF,
    SasVersion,
    caldb_label,
    esass_version,
    heasoft_version,
    parse_sas_version,
    require_sas,
)

PROBE = r"""
for name in "$@"; do printf '%s\0%s\0' "task $name" "$(command -v "$name")"; done
IFS=: read -ra places <<< "${SAS_CCFPATH:-}"
for place in "${places[@]}"; do
  count=none
  if [ -d "$place" ]; then count=$(ls "$place" | grep -ci '\.ccf$'); fi
  printf '%s\0%s\0' "ccf $place" "$count"
done
printf '%s\0%s\0' 'output sas' "$(sas --version 2>&1 </dev/null)" 'output fversion' "$(fversion 2>/dev/null </dev/null)"
while IFS= read -r -d '' pair; do printf '%s\0%s\0' "variable ${pair%%=*}" "${pair#*=}"; done < <(env -0)
"""
"""Prints pairs, each part ended by a NUL, of what is there once the environment is set up."""

PROBE_SECONDS = 120.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, and if it is in the way what to do."""

    subject: str
    state: Literal["fine", "missing", "unfit", "note"]
    found: str
    advice: str = ""

    @property
    def is_problem(self) -> bool:
        """True if a run that needs it cannot work."""
        return self.state in ("missing", "unfit")


def examine_sas(
    environment: ToolEnvironment, tasks: Sequence[str] = tuple(SAS_TASKS), base: Mapping[str, str] | None = None
) -> list[Finding]:
    """What an environment has for the SAS route: SAS and its tasks, calibration files, HEASoft, `lcurve` for emchain."""
    said = probe(environment, [*tasks, "sas", "lcurve"], base)
    if isinstance(said, Finding):
        return [said]
    findings = [
        _variable(said, "SAS_DIR", "initialise SAS (setsas.sh), or name its setup script"),
        *_tasks(said, tasks),
    ]
    findings += _sas_release(said, tasks)
    findings += _calibration(said)
    headas = _variable(said, "HEADAS", "initialise HEASoft before SAS")
    release = heasoft_version(said.get("output fversion", "") or headas.found)
    findings.append(
        headas if headas.is_problem else Finding("HEASoft", "fine", f"{release or 'release unknown'}: {headas.found}")
    )
    if "emchain" in tasks:
        findings += _tasks(said, ["lcurve"], "emchain calls it: initialise HEASoft before SAS")
    return findings


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
        *_tasks(said, tasks, "initialise eSASS, or use its container image"),
        Finding("eSASS release", "fine" if release else "note", release or "not told by its paths"),
        Finding("CALDB", "fine", caldb)
        if caldb
        else Finding("CALDB", "missing", "not set", "initialise eSASS's CALDB"),
    ]


def probe(
    environment: ToolEnvironment, names: Sequence[str], base: Mapping[str, str] | None = None
) -> dict[str, str] | Finding:
    """What is there once an environment is set up: 'task x' -> path, 'ccf dir' -> number of files, 'variable X' -> value,
    'output sas' -> what it printed; or a finding that says why it could not be set up.
    """
    with tempfile.TemporaryDirectory(prefix="daxa_wf-doctor-") as name:
        directory = Path(name)
        call = prepared_call(["bash", "-c", PROBE, "daxa_wf", *names], {}, environment, directory, base=base)
        out, err = directory / "out", directory / "err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            try:
                ended = run_watched(call.argv, call.variables, directory, stdout, stderr, PROBE_SECONDS)
            except OSError as error:
                return Finding("environment", "missing", f"{call.argv[0]}: {error.strerror}", environment.describe())
        words = out.read_bytes().decode(errors="replace").split("\0")
        if ended.exit_code != 0:
            said = err.read_text(errors="replace").strip().splitlines()
            return Finding(
                "environment", "unfit", said[-1] if said else "it ended without a word", environment.describe()
            )
    return dict(zip(words[0::2], words[1::2], strict=False))


def toolkit_versions(said: Mapping[str, str]) -> dict[str, str]:
    """Releases of SAS, HEASoft and eSASS, and the CALDB, as records hold them; without those that were not told."""
    variables = {name.removeprefix("variable "): value for name, value in said.items() if name.startswith("variable ")}
    sas = release_of(said)
    found = {
        "sas": str(sas) if sas else "",
        "heasoft": heasoft_version(said.get("output fversion", "") or variables.get("HEADAS", "")),
        "esass": next((release for value in said.values() if (release := esass_version(value))), ""),
        "caldb": caldb_label(variables),
    }
    return {name: value for name, value in found.items() if value}


def lines_of(findings: Sequence[Finding]) -> list[str]:
    """Findings as they are printed: problems say what to do."""
    width = max((len(each.subject) for each in findings), default=0)
    return [
        f"{each.state:8}{each.subject:{width}}  {each.found}{' - ' + each.advice if each.advice else ''}"
        for each in findings
    ]


def release_of(said: Mapping[str, str]) -> SasVersion | None:
    """The release of SAS that was probed; None if it did not tell."""
    try:
        return parse_sas_version(said.get("output sas", ""))
    except ValueError:
        return None


def _variable(said: Mapping[str, str], name: str, advice: str) -> Finding:
    value = said.get(f"variable {name}", "")
    return Finding(name, "fine", value) if value else Finding(name, "missing", "not set", advice)


def _tasks(said: Mapping[str, str], names: Sequence[str], advice: str = "it is not on PATH") -> list[Finding]:
    paths = {name: said.get(f"task {name}", "") for name in names}
    return [
        Finding(name, "fine", path) if path else Finding(name, "missing", "not found", advice)
        for name, path in paths.items()
    ]


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
