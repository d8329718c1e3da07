"""What must be true of every mission."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.chain.preprocessed import products_in
from daxa_wf.config.reading import parse_config
from daxa_wf.download.paths import is_wanted, wanted_globs
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.taxonomy import TARGET_TYPES
from daxa_wf.tables.schema import COMMON_COLUMNS

OBSIDS = {
    "xmm_pointed": ["0201903501", "0001730201"], "chandra": ["1", "12812"], "nustar_pointed": ["71010003002"],
    "erosita_calpv": ["700199"], "erosita_all_sky_de_dr1": ["134135", "001153"], "rosat_all_sky": ["RS930101N00"],
    "rosat_pointed": ["RP500211N00", "rh800446a01"[:8] + "A01", "RP150001"], "swift": ["00020153006"],
    "suzaku": ["704015010"], "asca": ["87036000"], "integral_pointed": ["003500010010"], "xrism_pointed": ["000125000"],
    "nicer": ["6060040431"], "ixpe": ["03005001"], "xmm_slew": ["9000100002"],
}  # fmt: skip

RECORDED = {
    "ASCA_GIS": "asca", "ASCA_SIS": "asca", "Chandra_ACIS": "chandra", "Chandra_HRC": "chandra", "IXPE": "ixpe",
    "NICER_XTI": "nicer", "NuSTAR": "nustar_pointed", "SRG_eROSITA": "erosita_all_sky_de_dr1",
    "Suzaku_XIS": "suzaku", "Swift_XRT": "swift", "XMM_PN": "xmm_pointed", "XMM_MOS1": "xmm_pointed", "XMM_MOS2": "xmm_pointed",
    "ROSAT_HRI": "rosat_pointed", "ROSAT_PSPC": "rosat_pointed", "XRISM_XTEND": "xrism_pointed", "XRISM_Resolve": "xrism_pointed",
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
    assert len({column.name for column in COMMON_COLUMNS}) == len(COMMON_COLUMNS)


@pytest.mark.parametrize("key", RECORDED)
def test_product_patterns_match_recorded_names(real_data: Path, key: str) -> None:
    files = json.loads((real_data / "archive_listings" / "heasarc_event_paths_by_mission.json").read_text())["files"]
    path, spec = files[key]["path"], MISSIONS[RECORDED[key]]
    obsid = files[key]["obsid"] or "053141"
    patterns = [each.glob.replace("{obsid}", obsid) for each in spec.products if each.kind == "events"]
    assert any(fnmatch(path, f"*/{pattern}") for pattern in patterns), (path, patterns)


@pytest.mark.parametrize("name", OBSIDS)
def test_every_instrument_named_inside_a_mission_is_one_of_its_instruments(name: str) -> None:
    spec = MISSIONS[name]
    known = {each.name for each in spec.instruments}
    assert {each for pattern in spec.files for each in pattern.instruments} <= known
    assert {each for pattern in spec.products for each in spec.instruments_of(pattern)} <= known
    assert {each for group in spec.groups.values() for each in group} <= known
    assert set(str(spec.constants.get("instruments", "")).split()) <= known
    assert all(group == group.upper() and group not in known for group in spec.groups)
    spellings = [each.upper() for one in spec.instruments for each in (one.name, *one.aliases)]
    assert len(set(spellings)) == len(spellings)
    for source in spec.tables:
        columns = {column.name for column in source.columns}
        assert set(spec.instrument_columns) - {"instruments"} <= columns


@pytest.mark.parametrize("name", OBSIDS)
def test_exposure_columns_of_instruments_are_columns_of_every_table_that_must_give_them(name: str) -> None:
    """The seconds of each instrument come from the service's table of exposures, where it has one; else from the table."""
    spec = MISSIONS[name]
    exposure_columns = {each.exposure_column for each in spec.instruments} - {None}
    for source in spec.exposures:
        assert {"obsid", "instrument", "exposure_id", "duration"} <= {column.name for column in source.columns}
    for source in spec.tables[1:] if spec.exposures else spec.tables:
        assert exposure_columns <= {column.name for column in source.columns}, source.table


def test_some_missions_have_exposure_columns() -> None:
    with_columns = {name for name in OBSIDS if any(each.exposure_column for each in MISSIONS[name].instruments)}
    assert {"xmm_pointed", "swift"} <= with_columns


@pytest.mark.parametrize("name", OBSIDS)
def test_every_detector_has_files_that_are_fetched(name: str) -> None:
    """By name, or because the files of the mission are not divided by instrument."""
    spec = MISSIONS[name]
    divided = {each for pattern in spec.files for each in pattern.instruments}
    for each in spec.instruments:
        assert each.name in divided or not divided or not each.is_detector, each.name
        wanted = wanted_globs(spec, {"obsid": OBSIDS[name][0]}, ("raw", "preprocessed"), (each.name,))
        others = wanted_globs(spec, {"obsid": OBSIDS[name][0]}, ("raw", "preprocessed"), ())
        assert bool(set(wanted) - set(others)) == (each.name in divided), each.name


@pytest.mark.parametrize("name", OBSIDS)
def test_every_engine_of_a_mission_fetches_files(name: str) -> None:
    spec = MISSIONS[name]
    routes = {each.route for each in spec.files}
    assert spec.archives
    assert "raw" in routes
    assert ("preprocessed" in routes) == bool(spec.products)


@pytest.mark.parametrize("name", OBSIDS)
def test_every_product_of_a_mission_is_fetched(name: str) -> None:
    spec = MISSIONS[name]
    for pattern in spec.products:
        obsid = OBSIDS[name][0]
        example = re.sub(r"\[.*?\]", "1", pattern.glob.replace("{obsid}", obsid)).replace("*", "TZ").replace("?", "0")
        for each in spec.instruments_of(pattern):
            globs = wanted_globs(spec, {"obsid": obsid}, ("preprocessed",), (each,), further=True)
            assert is_wanted(example, globs), (pattern.glob, each)


def test_tables_of_heasarc_are_in_its_recorded_list(real_data: Path) -> None:
    recorded = (real_data / "tables" / "heasarc_available_tables_2022.txt").read_text()
    known = {line.split("|")[2].strip() for line in recorded.splitlines() if line.count("|") > 2}
    assert {"rosmaster", "chanmaster"} <= known
    later = {"xrismmastr"}  # launched in 2023
    asked = {source.table for spec in MISSIONS.values() for source in spec.tables if source.service == "heasarc"}
    assert asked - known == later


@pytest.mark.parametrize(
    ("name", "path", "instrument", "exposure"),
    [
        ("suzaku", "xis/event_cl/ae704015010xi1_0_3x3n069b_cl.evt.gz", "XIS1", "03x3n069b"),
        ("asca", "screened/ad87036000g300370m.evt.gz", "GIS3", "00370m"),
        ("swift", "xrt/event/sw00020153006xpcw3po_cl.evt.gz", "XRT", "pcw3po"),
        ("xmm_pointed", "PPS/P0201903501M1U002MIEVLI0000.FTZ", "M1", "U002"),
        ("chandra", "primary/acisf00001N003_evt2.fits.gz", "ACIS-I", ""),
        ("nustar_pointed", "event_cl/nu71010003002A01_cl.evt.gz", "FPMA", ""),
        ("asca", "spectra/ad87036000s010102_1.pi.gz", "SIS0", "101021"),
        ("asca", "lcurves/ad87036000g210170_0.lc.gz", "GIS2", "101700"),
        ("xmm_pointed", "PPS/P0201903501M1S004IMAGE_8000.FTZ", "M1", "S004"),
        ("xmm_pointed", "PPS/P0201903501M1S004EXPMAP1000.FTZ", "M1", "S004"),
        ("xmm_pointed", "PPS/P0201903501PNS003BKGMAP5000.FTZ", "PN", "S003"),
        ("chandra", "primary/acisf00001N003_cntr_img2.fits.gz", "ACIS-I", ""),
        ("chandra", "primary/hrcf00001N003_pha2.fits.gz", "HRC-S", ""),
    ],
)
def test_exposures_are_read_from_names(name: str, path: str, instrument: str, exposure: str) -> None:
    chosen, table = [instrument], (instrument,)
    (found,) = products_in(MISSIONS[name], OBSIDS[name][0], [path], chosen, table).products
    assert (found.instruments, found.exposure) == ((instrument,), exposure)


def test_einstein_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match=r"missions.einstein: einstein is not offered: .* named after the direction"):
        parse_config({"archive": "a", "missions": {"einstein": {"source": {"archives": "any"}}}})


REFUSED = {
    "no products": (
        "integral_pointed",
        {"engine": "preprocessed"},
        "the preprocessed files of INTEGRAL Pointed cannot be fetched; write engine: raw",
    ),
    "nothing to fetch": (
        "integral_pointed",
        {"fetch": "preprocessed"},
        "the preprocessed files of INTEGRAL Pointed cannot be fetched; write fetch: raw",
    ),
    "MOS slews": (
        "xmm_slew",
        {"instruments": ["M1"]},
        "instruments: products of M1 cannot be organised, only products of PN",
    ),
    "BAT": (
        "swift",
        {"instruments": ["BAT"]},
        "products of BAT cannot be organised, only products of XRT, UVOT; write engine: raw",
    ),
    "RGS": ("xmm_pointed", {"engine": "preprocessed", "instruments": ["R1"]}, "products of R1 cannot be organised"),
}


@pytest.mark.parametrize(("name", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_delivered_is_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_config({"archive": "a", "missions": {name: {"source": {"archives": "any"}, **options}}})


DELIVERED = {
    "xmm_slew": {}, "nicer": {"engine": "raw"}, "ixpe": {"engine": "raw"}, "integral_pointed": {"instruments": ["PICsIT"]},
    "chandra": {"instruments": ["HETG"]}, "swift": {"instruments": ["XRT", "BAT"]}, "asca": {"instruments": ["SIS"]},
}  # fmt: skip


@pytest.mark.parametrize("name", DELIVERED)
def test_what_is_delivered_is_not_refused(name: str) -> None:
    mission: dict[str, Any] = {"source": {"archives": "any"}, **DELIVERED[name]}  # type: ignore[dict-item]
    assert parse_config({"archive": "a", "missions": {name: mission}}).mission(name).section


def test_importing_missions_is_light() -> None:
    code = (
        "import sys; from daxa_wf.mission.registry import MISSIONS; list(MISSIONS);"
        "print([name for name in ('astropy', 'pandas', 'numpy') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_page_of_missions_is_in_step() -> None:
    from daxa_wf.chain.missions_page import missions_page

    page = (Path(__file__).parents[2] / "docs" / "missions.md").read_text()
    assert page == missions_page(), "run: daxa-wf missions --markdown > docs/missions.md"
    assert all(f"| `{name}` |" in page for name in MISSIONS)
