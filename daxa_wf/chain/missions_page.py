"""Make docs/missions.md from the missions."""

from __future__ import annotations

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

A file belongs to the instrument whose name pattern it matches. Chandra and ROSAT use the same names for several detectors; then
the detector of the observation in the mission's table decides. If the table has none, the observation is rejected
(`unknownInstrument`). A file with several instruments is kept once, under all of them: `instSIS0_SIS1`,
`instTM1_TM2_TM3_TM4_TM5_TM6_TM7`. Event lists of eROSITA are cut to the chosen telescope modules; images, exposure maps and
background maps keep all modules. HETG and LETG are gratings: their names select the observations made with the grating, and the
files belong to the detector behind it. The name of a detector selects its observations with and without a grating;
`select: {{columns: {{grating: [NONE]}}}}` excludes observations with a grating.

An exposure (`subexp`) is named only if an instrument may have several files of a kind in an observation:

| mission | exposure | example |
|---|---|---|
| `xmm_pointed` | the exposure | `S003`, `U002` |
| `xmm_slew` | the exposure and its section | `S00301A` |
| `swift` | mode, window and state of the spacecraft; images are of photon counting alone | `pcw3po`, `wtw2st` |
| `suzaku` | mode of clocks and windows | `03x3n069b` |
| `asca` | lists: bit rate; images: both detectors together | `00302m`, `32002` |
| `xrism_pointed` | Resolve: filter; Xtend: mode of the CCDs | `1000`, `032000010` |
| `chandra` | interleaved exposures only; else `None` | `e1`, `e2` |

All other products have `subexpNone`.

## What is not available

- `einstein`: not offered. {einstein}.
- `xmm_slew`: products of pn are organised. Products of MOS are only fetched, with `engine: raw`, because ESA states that MOS slew
  data are of poor quality. Sources of the file names: XMM-Newton Data Files Handbook, SAS's `eslewchain`.
- `integral_pointed`: only raw data, which OSA processes.
- `swift`: products of BAT are fetched with XRT or UVOT, or with `engine: raw`, and stay in the raw data.
- `xmm_pointed` with `engine: preprocessed`: imaging event lists of EPIC. For OM and RGS use `engine: raw` or `sas`.

## Adding a mission

A mission is one file in `daxa_wf/observatories/` with a `PIPELINE`; no other file changes. The smallest complete one:

```python
{example}```

`daxa_wf/mission/spec.py` describes the other facts of a mission: row cuts as named predicates (`cuts.py` has the shared
ones), constants, a map of target types, fallback tables, patterns of products with their bands. The contract
test in `tests/contract/test_missions.py` runs on every mission. Add an ObsID of the new mission to it, and its row to
this page with `daxa-wf missions --markdown > docs/missions.md`.
"""


def missions_page() -> str:
    """Return the page: a row for each mission, and instructions for adding one."""
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
