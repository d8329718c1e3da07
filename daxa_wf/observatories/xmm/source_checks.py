"""Check before a run that the columns and files in the expressions of evselect exist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.chain.source_checks import local_rows
from daxa_wf.config.mission import Mission
from daxa_wf.errors import ConfigError, CorruptFileError, ExpressionError

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.section import XmmSection

EXPRESSIONS = {"pn_filt_expr": ("PN",), "mos_filt_expr": ("M1", "M2")}
"""Option of `evselect` -> the instruments whose events it selects."""


def expression_problems(mission: Mission, started_in: Path, archive: Path) -> Iterator[str]:
    """Yield each expression that names a missing column or file, once."""
    if "evselect" not in mission.steps:
        return
    section: XmmSection = mission.section  # type: ignore[assignment]
    for key, instruments in EXPRESSIONS.items():
        for instrument in (name for name in mission.instruments if name in instruments):
            text = getattr(section.evselect, key)
            problem = _expression_problem(text, instrument, mission, started_in, archive)
            if problem:
                yield f"evselect.{key}: {problem}"
                break


def _expression_problem(text: str, instrument: str, mission: Mission, started_in: Path, archive: Path) -> str:
    from daxa_wf.events.expression import parse
    from daxa_wf.events.gti_files import file_and_extension

    expression = parse(text)
    for file in expression.files:
        path = archive / file_and_extension(file)[0]
        if not path.exists():
            return (
                f"{path} does not exist; name a file by its full path (others are taken from the archive's directory)"
            )
    known = mission.spec.event_columns.get(instrument, ())
    try:
        expression.require_columns(known)
    except ExpressionError as error:
        if known and not _some_list_has(expression.column_names - set(known), instrument, mission, started_in):
            return str(error)
    return ""


def _some_list_has(columns: frozenset[str], instrument: str, mission: Mission, started_in: Path) -> bool:
    """Return True if a local list of the instrument has columns beside the usual ones."""
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    source = mission.section.source
    if source is None or source.local is None or mission.engine.name != "native":
        return False
    root = started_in / source.local
    try:
        rows = local_rows(mission, root) if root.is_dir() else []
    except ConfigError:
        return False
    for row in rows:
        if row.inst == instrument and not row.problem:
            try:
                if columns <= {name.upper() for name in EpicEventList.open(root / row.events).column_names}:
                    return True
            except CorruptFileError:
                continue
    return False
