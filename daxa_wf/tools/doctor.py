"""What `daxa-wf doctor` finds out: which tasks, versions and calibration an environment has, and what is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daxa_wf.tools.environment import ToolEnvironment, prepared_call
from daxa_wf.tools.processes import run_watched
from daxa_wf.tools.versions import (
    SasVersion,
    caldb_label,
    esass_version,
    heasoft_version,
    parse_sas_version,
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


def variable(said: Mapping[str, str], name: str, advice: str) -> Finding:
    """Return the finding of an environment variable."""
    value = said.get(f"variable {name}", "")
    return Finding(name, "fine", value) if value else Finding(name, "missing", "not set", advice)


def tasks_found(said: Mapping[str, str], names: Sequence[str], advice: str = "it is not on PATH") -> list[Finding]:
    """Return a finding for each task: where it is, or that it is missing."""
    paths = {name: said.get(f"task {name}", "") for name in names}
    return [
        Finding(name, "fine", path) if path else Finding(name, "missing", "not found", advice)
        for name, path in paths.items()
    ]
