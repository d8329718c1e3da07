"""What must be true of every mission."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from daxa_wf.missions import MISSIONS
from daxa_wf.missions.taxonomy import TARGET_TYPES
from daxa_wf.selection.schema import COMMON_COLUMNS

OBSIDS = {
    "xmm_pointed": ["0201903501", "0001730201"], "chandra": ["1", "12812"], "nustar_pointed": ["71010003002"],
    "erosita_calpv": ["700199"], "erosita_all_sky_de_dr1": ["134135", "001153"], "rosat_all_sky": ["RS930101N00"],
    "rosat_pointed": ["RP500211N00", "rh800446a01"[:8] + "A01", "RP150001"], "swift": ["00020153006"],
    "suzaku": ["704015010"], "asca": ["87036000"], "integral_pointed": ["003500010010"], "xrism_pointed": ["000125000"],
    "nicer": ["6060040431"], "ixpe": ["03005001"], "xmm_slew": ["9000100002"], "einstein": ["4479"],
}  # fmt: skip

RECORDED = {
    "ASCA_GIS": "asca", "ASCA_SIS": "asca", "Chandra_ACIS": "chandra", "Chandra_HRC": "chandra", "IXPE": "ixpe",
    "NICER_XTI": "nicer", "NuSTAR": "nustar_pointed", "SRG_eROSITA": "erosita_all_sky_de_dr1",
    "Suzaku_XIS": "suzaku", "Swift_XRT": "swift", "XMM_PN": "xmm_pointed", "XMM_MOS1": "xmm_pointed", "XMM_MOS2": "xmm_pointed",
}  # fmt: skip
"""Recorded event-list paths -> missions; their ObsIDs are in the paths."""


def test_all_missions_are_there() -> None:
    assert set(MISSIONS) == set(OBSIDS)


@pytest.mark.parametrize("name", OBSIDS)
def test_a_mission_is_complete(name: str) -> None:
    spec = MISSIONS[name]
    assert spec.name == name
    assert all(spec.is_obsid(obsid) for obsid in OBSIDS[name])
    assert not any(spec.is_obsid(text) for text in ("", " ", f"{OBSIDS[name][0]}\n", f"x{OBSIDS[name][0]}", "../etc"))
    names = [each.name for each in spec.instruments]
    assert len(set(names)) == len(names) > 0
    assert all(0 < each.field_of_view < 60 for each in spec.instruments)
    assert all(spec.instrument(alias).name == each.name for each in spec.instruments for alias in each.aliases)
    assert any(each.default for each in spec.instruments)
    assert set(spec.target_types.values()) <= set(TARGET_TYPES)
    with pytest.raises(KeyError, match="has no instrument 'XYZ'"):
        spec.instrument("XYZ")


@pytest.mark.parametrize("name", OBSIDS)
def test_every_table_gives_the_common_columns(name: str) -> None:
    spec = MISSIONS[name]
    for source in spec.tables:
        mapped = {column.name for column in source.columns} | set(spec.constants)
        assert {"obsid", "ra", "dec", "start"} <= mapped
        assert {"end", "duration", "exposure"} & mapped
        assert len({column.source for column in source.columns}) == len(source.columns)
        exposures = {each.exposure_column for each in spec.instruments} - {None}
        assert not exposures or exposures <= mapped or source is not spec.tables[0] or spec.exposures
    assert len({column.name for column in COMMON_COLUMNS}) == len(COMMON_COLUMNS)


@pytest.mark.parametrize("key", RECORDED)
def test_product_patterns_match_recorded_names(real_data: Path, key: str) -> None:
    files = json.loads((real_data / "archive_listings" / "heasarc_event_paths_by_mission.json").read_text())["files"]
    path, spec = files[key]["path"], MISSIONS[RECORDED[key]]
    obsid = files[key]["obsid"] or "053141"
    patterns = [each.glob.replace("{obsid}", obsid) for each in spec.products if each.kind == "events"]
    assert any(fnmatch(path, f"*/{pattern}") for pattern in patterns), (path, patterns)


def test_importing_missions_is_light() -> None:
    code = (
        "import sys; from daxa_wf.missions import MISSIONS; list(MISSIONS);"
        "print([name for name in ('astropy', 'pandas', 'numpy') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_page_of_missions_is_in_step() -> None:
    from daxa_wf.missions.table import missions_page

    page = (Path(__file__).parents[2] / "docs" / "missions.md").read_text()
    assert page == missions_page(), "run: daxa-wf missions --markdown > docs/missions.md"
    assert all(f"| `{name}` |" in page for name in MISSIONS)
