"""Make docs/missions.md from the missions."""

from __future__ import annotations

from daxa_wf.mission.registry import MISSIONS, NOT_OFFERED, PACKAGE
from daxa_wf.mission.spec import MissionSpec

HEAD = """# Missions

Made from the files in `daxa_wf/observatories/` by `daxa-wf missions --markdown`; do not edit.

| mission | name | ObsIDs | instruments, radius of field of view | table | data centres | products | processed by |
|---|---|---|---|---|---|---|---|
"""

TAIL = """
Instruments in *italics* are selected only if they are named. These names stand for several instruments: {groups}.

## How files are assigned to instruments

A file belongs to the instrument whose name pattern it matches. If several detectors use the same names, the detector of the
observation in the mission's table decides. If the table has none, the observation is rejected (`unknownInstrument`). A file with
several instruments is kept once, under all of them, joined with `_`: `inst<A>_<B>`.

An exposure (`subexp`) is named only if an instrument may have several files of a kind in an observation:

| mission | exposure | example |
|---|---|---|
{exposures}
All other products have `subexpNone`.

## Notes on missions

{notes}
## Adding a mission

A mission is one file in `daxa_wf/observatories/` with a `PIPELINE`; no other file changes. The smallest complete one:

```python
{example}```

`daxa_wf/mission/spec.py` describes the other facts of a mission: row cuts as named predicates (`cuts.py` has the shared
ones), constants, a map of target types, fallback tables, patterns of products with their bands. To try a mission without
changing the package, put its file into `daxa_wf/observatories/` of a directory on `PYTHONPATH`. The contract test in
`tests/contract/test_missions.py` runs on every mission. Add an ObsID of the new mission to it, and its row to this page with
`daxa-wf missions --markdown > docs/missions.md`. [CONTRIBUTING.md](../CONTRIBUTING.md) describes how to add steps.
"""


def missions_page() -> str:
    """Return the page: a row and notes for each mission, and instructions for adding one."""
    specs = [MISSIONS[name] for name in sorted(MISSIONS)]
    exposures = [(spec.name, *spec.exposure_note) for spec in specs if spec.exposure_note[0]]
    notes = {spec.name: " ".join(spec.notes) for spec in specs if spec.notes}
    notes |= {name: f"not offered. {reason}." for name, reason in NOT_OFFERED.items()}
    tail = TAIL.format(
        groups=", ".join(f"`{group}` ({spec.name})" for spec in specs for group in spec.groups),
        exposures="".join(f"| `{name}` | {meaning} | {example} |\n" for name, meaning, example in exposures),
        notes="".join(f"- `{name}`: {notes[name]}\n" for name in sorted(notes)),
        example=_smallest_example(),
    )
    return HEAD + "".join(_row(spec) for spec in specs) + tail


def _smallest_example() -> str:
    """Return the shortest file of the package that makes a mission."""
    from importlib.resources import files

    texts = (file.read_text(encoding="utf-8") for file in files(PACKAGE).iterdir() if file.name.endswith(".py"))
    return min((text for text in texts if "\nPIPELINE = " in text), key=len)


def _row(spec: MissionSpec) -> str:
    instruments = ", ".join(
        f"{each.name if each.default else f'*{each.name}*'} {_angle(each.field_of_view)}" for each in spec.instruments
    )
    cells = (
        f"`{spec.name}`",
        spec.pretty_name,
        f"`{spec.obsid_pattern}`".replace("|", "\\|"),
        instruments,
        ", ".join(f"{source.service} `{source.table}`" for source in spec.tables),
        ", ".join(spec.archives) or "-",
        ", ".join(dict.fromkeys(product.kind for product in spec.products)) or "-",
        ", ".join(spec.engines) or "-",
    )
    return f"| {' | '.join(cells)} |\n"


def _angle(degrees: float) -> str:
    return f"{degrees:g}°" if degrees >= 1 else f"{degrees * 60:g}′"
