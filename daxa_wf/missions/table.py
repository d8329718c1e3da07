"""docs/missions.md, made from the specs."""

from __future__ import annotations

from daxa_wf.missions import MISSIONS
from daxa_wf.missions.spec import MissionSpec

HEAD = """# Missions

Made from the files in `daxa_wf/missions/` by `daxa-wf missions --markdown`; do not edit.

| mission | name | ObsIDs | instruments, radius of field of view | table | archives | products | processed by |
|---|---|---|---|---|---|---|---|
"""

TAIL = """
Instruments in *italics* are taken only if they are named.

## Adding a mission

One file in `daxa_wf/missions/` that makes a `MISSION`; nothing else is edited. The smallest complete one:

```python
{example}```

`daxa_wf/missions/spec.py` says what else a mission may have: row cuts as named predicates (`cuts.py` has those that
several share), constants, a map of target types, fallback tables, patterns of products with their bands. The contract
test in `tests/contract/test_missions.py` runs on every mission; add an ObsID of the new one to it, and its table to
this page by `daxa-wf missions --markdown > docs/missions.md`.
"""


def missions_page() -> str:
    """The page: a row for each mission, and how to add one."""
    from pathlib import Path

    example = (Path(__file__).parent / "ixpe.py").read_text(encoding="utf-8")
    return HEAD + "".join(_row(MISSIONS[name]) for name in sorted(MISSIONS)) + TAIL.format(example=example)


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
