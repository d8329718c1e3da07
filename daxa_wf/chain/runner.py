"""Run one step on one unit: stage its products, and write a record or a fault note."""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.layout import DOWNLOADED, PLOT_FILES, Layout, product_name
from daxa_wf.archive.records import (
    FileStamp,
    Record,
    Status,
    read_checked_record,
    stamp_file,
    write_record,
)
from daxa_wf.archive.software import software_versions
from daxa_wf.archive.vouching import clamp_times, require_unchanged
from daxa_wf.errors import DaxaError, Fault, StepFailedError, UnfitDataError
from daxa_wf.files import publish_tree, write_atomically
from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import Step, load
from daxa_wf.text import FitToShow
from daxa_wf.time_limit import STEP_TIME, time_limit
from daxa_wf.units import Band, Unit

log = logging.getLogger("daxa_wf")


@dataclass(frozen=True)
class Inputs:
    """The input of a step: records of earlier steps by step name, raw files by role."""

    records: Mapping[str, list[Record]] = field(default_factory=dict)
    files: Mapping[str, list[Path]] = field(default_factory=dict)
    stamps: Mapping[Path, FileStamp] = field(default_factory=dict)
    """Stamps of the raw files."""
    given: Mapping[Path, str] = field(default_factory=dict)
    """Paths of files from the rule, relative to the archive if they lie in its project."""

    def record(self, step: str) -> Record:
        """Return the only record of an earlier step."""
        (record,) = self.records[step]
        return record

    def find(self, role: str, relative: str) -> Path | None:
        """Return the raw file of a role whose path has the given end, or None.

        The shortest such path is the file; a longer one has the same name inside a directory with that name.
        """
        ending = [path for path in self.files[role] if path.as_posix().endswith("/" + relative)]
        return min(ending, key=lambda path: len(path.parts), default=None)

    def path(self, role: str, relative: str) -> Path:
        """Return the raw file of a role whose path has the given end. Fault if it has disappeared."""
        path = self.find(role, relative)
        if path is None:
            raise Fault(f"{relative} is missing in the raw data; delete the record of 'acquire' to fetch it again")
        return path

    def file(self, role: str) -> Path | None:
        """Return the only raw file of a role, or None."""
        paths = self.files.get(role, [])
        return paths[0] if paths else None


@dataclass
class ToolNotes:
    """Facts about a step's tools, which its record holds after success and failure.

    `runs` has one entry for each call, with its command line, exit code and resources. `logs` are relative to the archive.
    """

    engine: str = "native"
    versions: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)


@dataclass
class Workspace:
    """The output of a step: every product is staged, and published when the whole step is done."""

    layout: Layout
    unit: Unit
    directory: Path
    context: Mapping[str, Any] = field(default_factory=dict)
    """Facts about this machine that a step needs, and that records do not keep."""
    staged: dict[Path, tuple[str, Path]] = field(default_factory=dict)
    step: str = ""
    tool_notes: ToolNotes = field(default_factory=ToolNotes)

    def stage(
        self, kind: str, band: Band | None = None, suffix: str = ".fits", unit: Unit | None = None, name: str = ""
    ) -> Path:
        """Return a path for writing a product. Unit (by default the step's), kind and band determine its final path."""
        path = self.directory / (name or product_name(unit or self.unit, kind, band, suffix))
        self.staged[path] = (kind, self.layout.product(unit or self.unit, kind, band, suffix, name))
        return path

    def keep(self, directory: Path) -> None:
        """Keep a whole directory, and replace the one of an earlier run of the step."""
        self.staged[directory] = ("kept", self.layout.kept(self.step, self.unit))

    def publish(self) -> list[FileStamp]:
        """Move every staged product to its place and stamp it."""
        stamps = []
        for path, (kind, place) in self.staged.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            publish_tree(path, place)
            files = sorted(file for file in place.rglob("*") if file.is_file()) if place.is_dir() else [place]
            stamps += [stamp_file(file, self.layout.relative(file), kind) for file in files]
        return stamps


@dataclass
class Outcome:
    """The results of a step that ended well."""

    results: dict[str, Any] = field(default_factory=dict)
    warnings: list[dict[str, str]] = field(default_factory=list)
    message: str = ""
    raw: list[FileStamp] = field(default_factory=list)
    """Raw files that the step fetched."""


StepFunction = Callable[[Unit, Inputs, Mapping[str, Any], Workspace], Outcome]


@dataclass(frozen=True)
class _StepEnd:
    """How a step ended for a unit: the verdict, and the parts of the record that are known only then."""

    status: Status
    reason: str = ""
    message: str = ""
    results: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[dict[str, str]] = ()
    products: Sequence[FileStamp] = ()
    raw: Sequence[FileStamp] = ()
    """Raw files that the step read or fetched."""
    notes: ToolNotes = field(default_factory=ToolNotes)


def run_step(
    step: Step,
    unit: Unit,
    inputs: Inputs,
    options: Mapping[str, Any],
    layout: Layout,
    function: StepFunction,
    context: Mapping[str, Any] | None = None,
) -> Record:
    """Run `function` for a unit, and write its record. A Fault leaves a note in its place and is raised again."""
    started, clock = datetime.now(UTC), time.monotonic()
    note = layout.fault(step.name, unit)
    with noted_faults(note, step, unit):
        end = _blocked(step, inputs) or _run(step, unit, inputs, options, layout, function, context or {})
    removed = _remove_orphans(step, unit, layout, end.products)
    record = _record_of(end, removed, step, unit, inputs, options, layout, started, time.monotonic() - clock)
    note.unlink(missing_ok=True)
    write_record(layout, record)
    log.info("%s of %s: %s %s", step.name, unit.identifier, record.status, record.message)
    return record


@contextmanager
def noted_faults(note: Path, step: Step, unit: Unit) -> Iterator[None]:
    """Write a note about every error that leaves the context. Raise errors of other kinds than the package's as Fault."""
    try:
        yield
    except DaxaError as fault:
        _write_fault(note, step, unit, fault)
        raise
    except Exception as error:
        # Every error must leave a note, because `status` and the next run read the notes.
        log.info("%s of %s met an unexpected error", step.name, unit.identifier, exc_info=True)
        trouble = Fault(f"{type(error).__name__}: {error}")
        _write_fault(note, step, unit, trouble)
        raise trouble from error


def _blocked(step: Step, inputs: Inputs) -> _StepEnd | None:
    """Return the end of a step that an earlier step blocks, or None if none does."""
    needed = [record for name in step.needs for record in inputs.records.get(name, [])]
    choice = [record for name in step.needs_one_of for record in inputs.records[name]]
    if not any(record.done for record in choice):
        needed += choice
    for record in needed:
        if not record.done:
            return _StepEnd(Status.BLOCKED, f"{record.step} {record.status}", record.message)
    return None


def _run(
    step: Step,
    unit: Unit,
    inputs: Inputs,
    options: Mapping[str, Any],
    layout: Layout,
    function: StepFunction,
    context: Mapping[str, Any],
) -> _StepEnd:
    """Run `function` in a directory of its own, and publish its products if it is done."""
    for acquired in inputs.records.get("acquire", []) if "acquire" in step.needs else []:
        require_unchanged(layout, acquired)
    stamps = stamp_raw_files(inputs, layout)
    raw, typed = list(stamps.values()), read_options(step, options)
    directory = staging_area(layout) / f"{socket.gethostname()}-{os.getpid()}-{step.name}-{unit.identifier}"
    directory.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(layout, unit, directory, context, step=step.name)
    notes = workspace.tool_notes
    seconds, name = context.get(STEP_TIME), f"{step.name} of {unit.identifier}"
    try:
        with time_limit(seconds, name, f"raise limits.step_time (now {seconds} s), or look for the cause in its log"):
            outcome = function(unit, replace(inputs, stamps=stamps), typed, workspace)
        return _StepEnd(
            Status.DONE, "", outcome.message, outcome.results, outcome.warnings, workspace.publish(),
            [*raw, *outcome.raw], notes,
        )  # fmt: skip
    except UnfitDataError as unfit:
        return _StepEnd(Status.REJECTED, unfit.name, unfit.message, unfit.results, raw=raw, notes=notes)
    except StepFailedError as failure:
        return _StepEnd(Status.FAILED, failure.name, failure.message, raw=raw, notes=notes)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _record_of(
    end: _StepEnd,
    removed: list[str],
    step: Step,
    unit: Unit,
    inputs: Inputs,
    options: Mapping[str, Any],
    layout: Layout,
    started: datetime,
    seconds: float,
) -> Record:
    """Return the record of a step that has ended after a number of seconds, and removed files of its earlier run."""
    notes, earlier = end.notes, [record for records in inputs.records.values() for record in records]
    own_memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Record(
        step.name, unit, end.status, end.reason, end.message,
        products=list(end.products),
        inputs=[stamp for record in earlier for stamp in record.products],
        raw=list(end.raw),
        built_on={layout.relative(layout.record(record.step, record.unit)): record.fingerprint() for record in earlier},
        parameters=dict(options),
        results={**end.results, **({"runs": notes.runs} if notes.runs else {})},
        engine=notes.engine,
        versions={"daxa_wf": daxa_wf.__version__, **software_versions(), **notes.versions},
        command=[run["command"] for run in notes.runs],
        exit_code=notes.runs[-1]["exit_code"] if notes.runs else None,
        started=started.isoformat(timespec="seconds"),
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
        wall_seconds=round(seconds, 3),
        peak_memory_mb=round(max([own_memory_mb, *(run["peak_memory_mb"] for run in notes.runs)]), 1),
        warnings=[*end.warnings, *notes.warnings],
        errors=notes.errors,
        logs=[layout.relative(layout.log(step.name, unit)), *notes.logs],
        removed=removed,
    )  # fmt: skip


def read_options(step: Step, values: Mapping[str, Any]) -> Any:
    """Return the options of a job as the step's model, or unchanged if the step has no model.

    ValidationError, a ValueError, if they do not fit the model.
    """
    return validated(step.options, values) if step.options else values


def validated(model: str, values: Mapping[str, Any]) -> Any:
    """Return recorded options as the model that a reference names. Raise ValidationError, a ValueError, if they are not such."""
    from pydantic import TypeAdapter

    return TypeAdapter(load(model)).validate_python(dict(values), context={"recorded": True})


NOT_RAW = ("manifest", "image")
"""Roles of input files that are not data."""


def stamp_raw_files(inputs: Inputs, layout: Layout) -> dict[Path, FileStamp]:
    """Return the stamps of the raw files that a step reads. Fault if a file has changed since an earlier step read it.

    The SHA-256 is taken from an earlier step's stamp if size and time are the same.
    """
    known = {stamp.path: stamp for records in inputs.records.values() for record in records for stamp in record.raw}
    stamps = {}
    for path in (path for role, paths in inputs.files.items() if role not in NOT_RAW for path in paths):
        name = inputs.given.get(path, layout.relative(path) if path.is_relative_to(layout.root) else path.as_posix())
        stat, stamp = path.stat(), known.get(name)
        if stamp is None or (stat.st_size, stat.st_mtime_ns) != (stamp.size, stamp.mtime_ns):
            fresh = stamp_file(path, name, "raw")
            if stamp is not None and fresh.sha256 != stamp.sha256:
                raise Fault(f"{name} has changed since an earlier step read it; the next run starts from the new file")
            stamp = fresh
        stamps[path] = stamp
    return stamps


def _write_fault(note: Path, step: Step, unit: Unit, fault: Exception) -> None:
    content = {"step": step.name, **asdict(unit), "error": type(fault).__name__, "message": str(fault)}
    try:
        write_atomically(note, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        log.error("cannot note the fault in %s: %s", note, error)


def _remove_orphans(step: Step, unit: Unit, layout: Layout, products: Sequence[FileStamp]) -> list[str]:
    """Remove products of an earlier run of this step that this run did not make again. Return their paths, as recorded.

    A product that this run made again, but in another tree because the verdict changed, is replaced, and not removed. Plots
    are removed with the products that they show, and are not listed: the report draws them.
    """
    kept = {layout.root / stamp.path for stamp in products}
    shown = {path.with_suffix(suffix) for path in kept for suffix in PLOT_FILES}
    orphans = [path for path in _products_of_earlier_runs(step, unit, layout) if path not in kept | shown]
    for path in orphans:
        path.unlink()
    directory = layout.kept(step.name, unit)
    if not any(path.is_relative_to(directory) for path in kept):
        orphans += sorted(path for path in directory.rglob("*") if not path.is_dir())
        shutil.rmtree(directory, ignore_errors=True)
    made_again = {path.name for path in kept}
    removed = [
        layout.relative(path) for path in orphans if path.name not in made_again and path.suffix not in PLOT_FILES
    ]
    if removed:
        names = ", ".join(removed)
        log.info("removed %d files of an earlier run that this run did not make: %s", len(removed), names)
    return removed


def _products_of_earlier_runs(step: Step, unit: Unit, layout: Layout) -> list[Path]:
    """Return the existing files of the kinds that a step makes of a unit, in both trees of the archive."""
    stem = product_name(unit, "", suffix="") if unit.instrument else f"obsid{unit.obsid}-"
    paths = (
        path
        for kind in step.makes
        for place in (layout.observation(unit), layout.failed_observation(unit))
        for path in sorted(place.glob(step.own_names.get(kind, f"*/{stem}*{kind}.*")))
        if kind in step.own_names or f"-{kind}." in path.name
    )
    return list(dict.fromkeys(paths))


def staging_area(layout: Layout) -> Path:
    """Return the directory of unfinished products, which are never inputs."""
    return layout.root / ".staging"


def clear_staging(layout: Layout) -> None:
    """Remove the unfinished files of ended processes of this machine."""
    for directory in staging_area(layout).glob(f"{socket.gethostname()}-*"):
        pid = int(directory.name.removeprefix(f"{socket.gethostname()}-").split("-")[0])
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(directory, ignore_errors=True)


def run_from_snakemake(job: Any) -> None:
    """Run the step that the output of a Snakemake job names, for the unit that its wildcards name.

    A workflow that uses this one as a module may rename the rule, and starts its jobs in its own directory.
    """
    record = Path(job.output[0])
    step, layout = STEPS[record.parent.name], Layout.of_record(record)
    unit = Unit(
        job.wildcards.mission,
        job.wildcards.obsid,
        job.wildcards.get("inst", ""),
        job.wildcards.get("exposure", ""),
    )
    log_to(Path(job.log[0]))
    clear_staging(layout)
    clamp_times(map(Path, job.input))
    options, context = job.params.get("options", {}), job.params.get("context", {})
    try:
        if calls := job.params.get("restore", ()):
            load("daxa_wf.chain.observation:restore_files")(calls, unit, layout)
        run_step(step, unit, _inputs_of(job, step, unit, layout), options, layout, load(step.run), context)
    except DaxaError as fault:
        log.error("%s of %s: %s", step.name, unit.identifier, fault)
        raise SystemExit(1) from None


def _inputs_of(job: Any, step: Step, unit: Unit, layout: Layout) -> Inputs:
    """Return the input of a Snakemake job. CorruptFileError, with a fault note, if an earlier record is damaged."""
    records: dict[str, list[Record]] = {}
    files: dict[str, list[Path]] = {}
    with noted_faults(layout.fault(step.name, unit), step, unit):
        for role, paths in job.input.items():
            listed = [Path(path).absolute() for path in ([paths] if isinstance(paths, str) else paths)]
            if role in STEPS:
                records[role] = [read_checked_record(path) for path in listed]
            else:
                files[role] = listed
    raw, given = find_raw_files(layout, job.params.get("raw", {}))
    return Inputs(records, files | raw, given=given)


def find_raw_files(layout: Layout, names: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[Path]], dict[Path, str]]:
    """Return the absolute paths of raw files by role, and the names that the plan gave for these paths.

    Messages show the absolute paths. Records keep the given names, which stay the same if the project moves.
    """
    files, given = dict[str, list[Path]](), dict[Path, str]()
    for role, relative in names.items():
        paths = {Path(os.path.normpath(layout.root / name)): name for name in relative}
        given |= paths
        # A local file must exist. A data centre may lack some of the files to download.
        files[role] = [path for path, name in paths.items() if path.exists() or Path(name).parts[0] != DOWNLOADED]
    return files, given


def log_to(path: Path) -> None:
    """Send all logging to the log file of a job. The end of the run prints its faults once, from the fault notes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(FitToShow())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
