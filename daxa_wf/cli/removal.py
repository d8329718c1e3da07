"""Commands that remove files of an archive: what is no longer requested or needed, and raw data."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daxa_wf.cli.shared import AsJson, ConfigFile, made_archive, plan_of, print_json
from daxa_wf.errors import ConfigError
from daxa_wf.text import printable_name, shown_bytes

if TYPE_CHECKING:
    from daxa_wf.archive.layout import Layout
    from daxa_wf.archive.removal import Removal
    from daxa_wf.chain.plan import Plan
    from daxa_wf.units import Unit

commands = typer.Typer()


@commands.command()
def prune(
    config: ConfigFile,
    raw: Annotated[bool, typer.Option("--raw", help="also raw data that no requested unit needs")] = False,
    intermediates: Annotated[
        bool, typer.Option("--intermediates", help="also products that only steps need which are finished")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="remove the files; without it they are only listed")] = False,
    message: Annotated[str, typer.Option("--message", "-m", help="the reason, for the archive's version")] = "",
    as_json: AsJson = False,
) -> None:
    """List or remove what the configuration no longer requests: products, pages, logs and records.

    Files that no record has stay, and are counted.
    """
    from daxa_wf.archive.running import held

    made_archive(config)
    plan = plan_of(config)
    if not apply:
        doomed = _prunable(plan, raw, intermediates)
        _print_removal(doomed, as_json, f"nothing was removed; 'daxa-wf prune {config} --apply' removes them")
        return
    with held(plan.layout.root):
        doomed = _prunable(plan, raw, intermediates)
        _remove(doomed, message or "pruned")
    _print_removal(doomed, as_json, "removed")


def _prunable(plan: Plan, raw: bool, intermediates: bool) -> Removal:
    """Return the files to prune. Raise ConfigError if the manifest is not that of the configuration."""
    from daxa_wf.archive.dropped import find_dropped
    from daxa_wf.archive.requested import read_requested
    from daxa_wf.chain.pruning import ArchiveProgress, add_intermediates, require_current_manifest
    from daxa_wf.chain.raw_data import add_unneeded

    require_current_manifest(plan)
    requested = read_requested(plan.layout)
    removal = find_dropped(plan.layout, requested)
    if intermediates:
        add_intermediates(removal, ArchiveProgress.of(plan))
    if raw:
        add_unneeded(removal, plan, requested)
    return removal


@commands.command("delete-raw")
def delete_raw(
    config: ConfigFile,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete the downloaded files of observations that are finished. A run downloads them again only if a step needs them."""
    from daxa_wf.archive.running import held

    made_archive(config)
    plan = plan_of(config)
    if not yes and (as_json or not sys.stdin.isatty()):
        raise ConfigError("delete-raw asks before it deletes, and this is no terminal; add --yes")
    with held(plan.layout.root):
        doomed = _deletable(plan)
        if not doomed.files:
            _print_removal(doomed, as_json, "nothing was deleted")
            return
        if not yes:
            print("\n".join(map(printable_name, doomed.lines())))
            question = f"Delete {len(doomed.files)} files, {shown_bytes(doomed.size)}?"
            if not typer.confirm(question, default=False):
                print("nothing was deleted")
                raise typer.Exit(1)
        _remove(doomed, "deleted raw data")
    _print_removal(doomed, as_json, "deleted")


def _deletable(plan: Plan) -> Removal:
    from daxa_wf.archive.removal import Removal
    from daxa_wf.chain.pruning import ArchiveProgress, require_current_manifest
    from daxa_wf.chain.raw_data import add_finished

    require_current_manifest(plan)
    removal = Removal(plan.layout)
    add_finished(removal, plan, ArchiveProgress.of(plan))
    return removal


def _remove(removal: Removal, message: str) -> None:
    """Remove files, and draw the pages and write the status of what is left."""
    from contextlib import nullcontext

    from daxa_wf.archive.records import readable_records
    from daxa_wf.archive.status import read_verdicts, write_status
    from daxa_wf.archive.versions import RunDescription, record_version
    from daxa_wf.download.store import locked
    from daxa_wf.report.archive_page import write_archive_page
    from daxa_wf.report.observation_page import write_observation_page

    layout = removal.layout
    removal.apply(lambda limit: nullcontext() if limit == layout.root else locked(limit))
    touched = _observations_of(layout, removal.files)
    if not touched:
        return
    record_version(layout, RunDescription(message=message))
    records = list(readable_records(layout).values())
    for unit in touched:
        own = [record for record in records if record.unit.observation == unit]
        if any(record.step == "report" for record in own):
            write_observation_page(layout, unit, own)
    write_archive_page(layout)
    write_status(layout, read_verdicts(layout))


def _observations_of(layout: Layout, paths: Iterable[Path]) -> list[Unit]:
    """Return the observations of the archive whose products are among the paths."""
    from daxa_wf.units import Unit

    parts = (path.relative_to(layout.root).parts for path in paths if path.is_relative_to(layout.root))
    return list(dict.fromkeys(Unit(names[1], names[2]) for names in parts if len(names) > 3))


def _print_removal(removal: Removal, as_json: bool, ending: str) -> None:
    if as_json:
        print_json(removal.values())
        return
    for path in sorted(removal.files):
        print(printable_name(path))
    for line in removal.lines():
        print(printable_name(line))
    print(f"{len(removal.files)} files, {shown_bytes(removal.size)}: {ending}")
