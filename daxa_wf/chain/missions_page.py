"""Make docs/missions.md from the missions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from daxa_wf.mission.registry import MISSIONS, NOT_OFFERED
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
several instruments is kept once, and its name lists all of them.

An exposure (`subexp`) is named only if an instrument may have several files of a kind in an observation:

| mission | exposure | example |
|---|---|---|
{exposures}

All other products have `subexpNone`.

## Energy bands of products

These bands, in keV, are known before any download. `daxa-wf missions --band 0.5-2.0` lists the instruments with products in a
band, and `daxa-wf plan` lists the products of a configuration. Engines that process a mission themselves make images in any band.

| mission | instruments | products | bands (keV) |
|---|---|---|---|
{bands}

## Remarks on missions

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
    """Return the page: a row for each mission, and instructions for adding one."""
    from pathlib import Path

    files = (path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].glob("observatories/*.py"))
    example = min((text for text in files if "PIPELINE =" in text), key=len)
    groups = [f"`{group}` ({name})" for name in sorted(MISSIONS) for group in MISSIONS[name].groups]
    exposures = [
        f"| `{name}` | {' | '.join(spec.exposure_names)} |"
        for name, spec in sorted(MISSIONS.items())
        if spec.exposure_names
    ]
    notes = [f"- `{name}`: not offered. {reason}." for name, reason in NOT_OFFERED.items()]
    notes += [f"- `{name}`: {' '.join(spec.notes)}" for name, spec in sorted(MISSIONS.items()) if spec.notes]
    bands = [f"| {' | '.join(row)} |" for row in band_rows(MISSIONS)]
    tail = TAIL.format(
        bands="\n".join(bands),
        example=example,
        groups=", ".join(groups),
        exposures="\n".join(exposures),
        notes="\n".join(notes),
    )
    return HEAD + "".join(_row(MISSIONS[name]) for name in sorted(MISSIONS)) + tail


def band_rows(missions: Mapping[str, MissionSpec]) -> Iterator[tuple[str, str, str, str]]:
    """Yield mission, instruments, kinds of products, and their bands in keV, for all products with bands."""
    for name, spec in sorted(missions.items()):
        kinds: dict[tuple[str, tuple[tuple[float, float], ...]], list[str]] = {}
        for (instrument, kind), bands in spec.product_bands.items():
            if bands:
                kinds.setdefault((instrument, bands), []).append(kind)
        alike: dict[tuple[str, str], list[str]] = {}
        for (instrument, bands), made in kinds.items():
            edges = ", ".join(f"{low:g}-{high:g}" for low, high in bands)
            alike.setdefault((", ".join(made), edges), []).append(instrument)
        for (products, edges), instruments in alike.items():
            yield f"`{name}`", ", ".join(instruments), products, edges


def _row(spec: MissionSpec) -> str:
    instruments = ", ".join(
        f"{item.name if item.default else f'*{item.name}*'} {_angle(item.field_of_view)}" for item in spec.instruments
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
