"""docs/missions.md, made from the specs."""

from __future__ import annotations

from daxa_wf.mission.registry import MISSIONS, NOT_OFFERED
from daxa_wf.mission.spec import MissionSpec

HEAD = """# Missions

Made from the files in `daxa_wf/observatories/` by `daxa-wf missions --markdown`; do not edit.

| mission | name | ObsIDs | instruments, radius of field of view | table | archives | products | processed by |
|---|---|---|---|---|---|---|---|
"""

TAIL = """
Instruments in *italics* are taken only if they are named. These names stand for several instruments: {groups}.

## Which instrument a file is filed under

A file is filed under the instrument whose name pattern it fits. Files of Chandra and ROSAT are called alike for several
detectors: there the detector decides that the mission's table has for the observation. If the table has none, the
observation is rejected (`unknownInstrument`) rather than filed under a guess. A file that holds several instruments together
is filed once, under all of them: `instSIS0_SIS1`, `instTM1_TM2_TM3_TM4_TM5_TM6_TM7`. Event lists of eROSITA are cut to the
chosen telescope modules; images, exposure maps and background maps stay those of all. HETG and LETG are gratings: naming
one selects the observations made with it, and their files are filed under the detector behind it. Naming a detector selects
its observations with and without a grating; `select: {{columns: {{grating: [NONE]}}}}` leaves the former out.

A name of an exposure (`subexp`) appears only where an instrument may have several files of a kind in an observation:

| mission | exposure | example |
|---|---|---|
| `xmm_pointed` | the exposure | `S003`, `U002` |
| `xmm_slew` | the exposure and its section | `S00301A` |
| `swift` | mode, window and state of the spacecraft; images are of photon counting alone | `pcw3po`, `wtw2st` |
| `suzaku` | mode of clocks and windows | `03x3n069b` |
| `asca` | lists: bit rate; images: both detectors together | `00302m`, `32002` |
| `xrism_pointed` | Resolve: filter; Xtend: mode of the CCDs | `1000`, `032000010` |
| `chandra` | interleaved exposures only; else `None` | `e1`, `e2` |

All others have `subexpNone`.

## What is not delivered

- `einstein`: not offered. {einstein}.
- `xmm_slew`: products of pn are organised, those of MOS are only fetched with `engine: raw`; ESA publishes that MOS slew
  data are of poor quality. Names of files are those of the XMM-Newton Data Files Handbook and of SAS's `eslewchain`.
- `integral_pointed`: raw data only, which OSA processes.
- `swift`: products of BAT are fetched with XRT or UVOT, or with `engine: raw`, and stay in the raw data.
- `xmm_pointed` with `engine: preprocessed`: imaging lists of EPIC; OM and RGS with `engine: raw` or `sas`.

## Adding a mission

One file in `daxa_wf/observatories/` that makes a `MISSIONS`; nothing else is edited. The smallest complete one:

```python
{example}```

`daxa_wf/mission/spec.py` says what else a mission may have: row cuts as named predicates (`cuts.py` has those that
several share), constants, a map of target types, fallback tables, patterns of products with their bands. The contract
test in `tests/contract/test_missions.py` runs on every mission; add an ObsID of the new one to it, and its table to
this page by `daxa-wf missions --markdown > docs/missions.md`.
"""


def missions_page() -> str:
    """The page: a row for each mission, and how to add one."""
    from pathlib import Path

    example = (Path(__file__).parents[1] / "observatories" / "ixpe.py").read_text(encoding="utf-8")
    groups = [f"`{group}` ({name})" for name in sorted(MISSIONS) for group in MISSIONS[name].groups]
    tail = TAIL.format(example=example, groups=", ".join(groups), einstein=NOT_OFFERED["einstein"])
    return HEAD + "".join(_row(MISSIONS[name]) for name in sorted(MISSIONS)) + tail


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
