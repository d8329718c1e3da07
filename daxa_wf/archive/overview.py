"""The overview of an archive: its missions with the numbers of observations by state, as text, HTML and for rich."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any

from daxa_wf.archive.observations import UNUSABLE, USABLE
from daxa_wf.archive.origin import Origin, read_origin
from daxa_wf.archive.state import ArchiveState
from daxa_wf.archive.status import FAULT, PENDING
from daxa_wf.text import fit_to_show
from daxa_wf.units import Unit

STATES = (USABLE, UNUSABLE, FAULT, PENDING)
OVERVIEW_COLUMNS = ("mission", "observations", "exposures", *STATES)


def overview_rows(state: ArchiveState) -> list[dict[str, Any]]:
    """Return one row a mission: its name, and its numbers of observations and exposures, and of observations by state."""
    rows = []
    for mission in sorted({item.mission for item in state.states}):
        items = [item for item in state.states if item.mission == mission]
        counts = Counter(item.status for item in items)
        numbers = {name: counts[name] for name in STATES}
        exposures = sum(item.exposures for item in items)
        rows.append({"mission": mission, "observations": len(items), "exposures": exposures, **numbers})
    return rows


def overview(state: ArchiveState) -> dict[str, Any]:
    """Return the overview as values for JSON: the archive's directory, missions with steps, notes, and the report."""
    layout = state.layout
    origin = read_origin(layout) or Origin()
    steps = origin.steps
    earlier = [obsid for mission, obsid in state.recorded if not state.requested.has(Unit(mission, obsid))]
    return {
        "archive": str(layout.root),
        "missions": [{**row, "steps": list(steps.get(row["mission"], []))} for row in overview_rows(state)],
        "no_longer_requested": len(earlier),
        "notes": origin.notes,
        "report": str(layout.report) if layout.report.exists() else None,
    }


def one_line(state: ArchiveState) -> str:
    """Return the overview as one line, for the repr of an archive."""
    parts = []
    for row in overview_rows(state):
        number = row["observations"]
        counts = ", ".join(f"{row[name]} {name}" for name in STATES if row[name])
        parts.append(f"{number} observation{'' if number == 1 else 's'} of {row['mission']} ({counts})")
    return f"<Archive {fit_to_show(str(state.layout.root))}: {'; '.join(parts) or 'no observations'}>"


def as_html(state: ArchiveState) -> str:
    """Return the overview as an HTML table, with every text escaped, for notebooks."""

    def cells(tag: str, values: Mapping[str, Any]) -> str:
        return "".join(f"<{tag}>{escape(str(value))}</{tag}>" for value in values.values())

    heading = cells("th", {name: name for name in OVERVIEW_COLUMNS})
    rows = "".join(f"<tr>{cells('td', row)}</tr>" for row in overview_rows(state))
    root = escape(fit_to_show(str(state.layout.root)))
    return f"<table><caption>Archive {root}</caption><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>"


def as_rich(state: ArchiveState) -> Any:
    """Return the overview as a rich Table."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"Archive {fit_to_show(str(state.layout.root))}"))
    for name in OVERVIEW_COLUMNS:
        table.add_column(name, justify="left" if name == "mission" else "right", no_wrap=True)
    for row in overview_rows(state):
        table.add_row(*(Text(str(value)) for value in row.values()))
    return table
