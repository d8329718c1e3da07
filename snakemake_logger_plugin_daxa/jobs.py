"""What became of a Snakemake job, in the words of its record: unit, step, verdict and time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

DONE, FAULT = "done", "fault"


@dataclass(frozen=True)
class Job:
    """A job as Snakemake announces it."""

    rule: str
    wildcards: Mapping[str, str]
    output: tuple[str, ...]
    log: tuple[str, ...]
    started: float
    """Seconds since 1970."""

    @classmethod
    def announced(cls, event: Mapping[str, Any]) -> Job:
        """Return the job of a JOB_INFO event."""
        outputs, logs = (tuple(map(str, event.get(key) or ())) for key in ("output", "log"))
        return cls(event["rule_name"], dict(event.get("wildcards") or {}), outputs, logs, event["created"])

    @property
    def is_step(self) -> bool:
        """True if the job leaves a record: it runs a step for a unit."""
        return "obsid" in self.wildcards and bool(self.output) and self.output[0].endswith(".json")

    @property
    def step(self) -> str:
        """The step, which names the directory of the record; other jobs have the name of their rule.

        A workflow that uses this one as a module may have renamed the rule.
        """
        return Path(self.output[0]).parent.name if self.is_step else self.rule


@dataclass(frozen=True)
class JobEnd:
    """One line of the terminal, or of the log file: how a job ended."""

    time: str
    mission: str
    obsid: str
    inst: str
    exposure: str
    step: str
    status: str
    reason: str
    seconds: float
    removed: tuple[str, ...] = ()
    """Files of an earlier run that the step removed, relative to the archive."""

    @classmethod
    def of(cls, job: Job, ended: float, has_failed: bool = False) -> JobEnd:
        """Return how a job ended at a time (seconds since 1970), from the record or the fault note that it left."""
        record = _read(Path(job.output[0])) if job.is_step and not has_failed else {}
        status, reason = _fault(job) if has_failed else _verdict(record)
        removed = tuple(map(str, record.get("removed", ())))
        mission, obsid, inst, exposure = (
            job.wildcards.get(key, "") for key in ("mission", "obsid", "inst", "exposure")
        )
        seconds = round(ended - job.started, 1)
        return cls(_local_time(ended), mission, obsid, inst, exposure, job.step, status, reason, seconds, removed)

    @property
    def verdict(self) -> str:
        """Status and reason in one text."""
        return f"{self.status}: {self.reason}" if self.reason else self.status

    def line(self) -> str:
        """Return the line for a terminal, in columns."""
        unit = f"{self.inst}{self.exposure}"
        clock = self.time.partition("T")[2][:8]
        files = "1 earlier file" if len(self.removed) == 1 else f"{len(self.removed)} earlier files"
        result = f"{self.verdict}, {files} removed" if self.removed else self.verdict
        return f"{clock}  {self.obsid:<12} {unit:<10} {self.step:<21} {result}  ({self.seconds:.0f} s)"

    def json(self) -> str:
        """Return one line of JSON for programs."""
        return json.dumps(asdict(self))


def _local_time(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().isoformat(timespec="seconds")


def _verdict(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return status and reason of the record that a job left. Jobs that leave no record are done."""
    return str(record.get("status", DONE)), str(record.get("reason", ""))


def _fault(job: Job) -> tuple[str, str]:
    """Return the name of the error in the fault note that a job left beside its log; else where its log is."""
    notes = (Path(log).with_suffix(".fault.json") for log in job.log)
    names = (str(_read(note).get("error", "")) for note in notes)
    return FAULT, next(filter(None, names), "") or " ".join(("see", *job.log))


def _read(path: Path) -> dict[str, Any]:
    """Return the values of a JSON file; none if it is absent or damaged, since its reader is told so elsewhere."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
