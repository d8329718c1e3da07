"""Configurations: what is accepted, and what each mistake is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from daxa_wf.config.docs import configuration_page
from daxa_wf.config.model import config_model
from daxa_wf.config.reading import parse_config, read_config
from daxa_wf.errors import ConfigError

ROOT = Path(__file__).parents[3]

GOOD: dict[str, Any] = {"archive": "out", "missions": {"xmm_pointed": {"source": {"local": "raw"}}}}


def with_options(**sections: Any) -> dict[str, Any]:
    return {"archive": "out", "missions": {"xmm_pointed": {"source": {"local": "raw"}, **sections}}}


def erosita(**sections: Any) -> dict[str, Any]:
    return {"archive": "out", "missions": {"erosita_calpv": {"source": {"local": "raw"}, **sections}}}


def test_the_engine_chooses_the_options_of_espfilt_with_and_without_its_section() -> None:
    options = [
        parse_config(with_options(engine="sas", **sections)).mission("xmm_pointed").section.espfilt.values()
        for sections in ({}, {"espfilt": {}}, {"espfilt": {"allowed_sigma": 3}})
    ]
    assert options[0] == options[1] == options[2]
    assert (options[0]["engine"], options[0]["ratio"]) == ("sas", 1.2)
    native = (
        parse_config(with_options(engine="sas", espfilt={"engine": "native"})).mission("xmm_pointed").section.espfilt
    )
    assert (native.engine, native.method) == ("native", "histogram")


@pytest.mark.parametrize(
    ("mission", "section", "expected"),
    [
        ("erosita_all_sky_de_dr1", {"pipeline_version": 10}, "expected text"),
        ("erosita_all_sky_de_dr1", {"pipeline_version": "c010"}, "expected three digits in quotes"),
        ("erosita_calpv", {"pipeline_version": "001"}, "the data centre has one version of erosita_calpv"),
        ("erosita_all_sky_de_dr1", {"source": {"local": "raw"}, "pipeline_version": "010"}, "downloads nothing"),
    ],
)
def test_a_version_of_the_data_centres_processing_that_means_nothing(
    mission: str, section: dict[str, Any], expected: str
) -> None:
    source = {"source": {"archives": "any"}}
    with pytest.raises(ConfigError, match=rf"missions\.{mission}\.pipeline_version: .*{expected}"):
        parse_config({"archive": "out", "missions": {mission: {**source, **section}}})


def test_the_version_of_the_data_centres_processing_is_an_option_of_acquire_if_it_is_given(tmp_path: Path) -> None:
    from daxa_wf.archive.layout import Layout
    from daxa_wf.archive.manifest import ManifestRow, write_manifest
    from daxa_wf.chain.plan import Plan
    from daxa_wf.chain.staleness import Wildcards
    from daxa_wf.chain.step_options import acquire_options
    from daxa_wf.units import Unit

    name = "erosita_all_sky_de_dr1"
    write_manifest(
        Layout(tmp_path / "out").manifest, [ManifestRow(name, "134135", "", "", facts='{"obsid": "134135"}')]
    )
    options = []
    for section in ({}, {"pipeline_version": "010"}):
        config = parse_config({"archive": "out", "missions": {name: {"source": {"archives": "any"}, **section}}})
        options.append(acquire_options(Plan(config, tmp_path), Wildcards.of(Unit(name, "134135"))))
    assert options[1] == {**options[0], "version": "010"}
    assert "version" not in options[0]


def test_further_products_need_a_mission_that_has_them_and_the_engine_that_organises_them() -> None:
    def products_of(mission: str, engine: str) -> Any:
        section = {"source": {"archives": "any"}, "engine": engine, "products": {"further": True}}
        return parse_config({"archive": "out", "missions": {mission: section}}).mission(mission).section.products

    assert products_of("xmm_pointed", "preprocessed").further
    with pytest.raises(ConfigError, match=r"missions\.chandra\.products\.further: chandra has no further products"):
        products_of("chandra", "preprocessed")
    with pytest.raises(ConfigError, match=r"missions\.xmm_pointed\.products: engine native .* has no effect"):
        products_of("xmm_pointed", "native")


def test_erosita_has_its_own_defaults() -> None:
    mission = parse_config(erosita(instruments=["TM9", "tm1"], images={"pixel_size": "8 arcsec"})).mission(
        "erosita_calpv"
    )
    assert (mission.engine.name, mission.steps[0]) == ("native", "flaregti")
    assert mission.instruments == ("TM5", "TM7", "TM1")
    assert mission.routes == ("raw",)
    images = mission.section.images
    assert (images.pixel_size, [each.band.label for each in images.bands]) == (
        8.0, ["en0.2_2.3keV", "en2.3_5.0keV", "en5.0_8.0keV"],
    )  # fmt: skip
    assert (mission.section.flaregti.pimin, mission.section.flaregti.timebin, mission.section.evtool.flag) == (
        0.2,
        20.0,
        0xC0000000,
    )
    flares = (
        parse_config(erosita(flaregti={"method": "gaussian", "pimax": "9 keV"}))
        .mission("erosita_calpv")
        .section.flaregti
    )
    assert (flares.pimin, flares.pimax) == (5.0, 9.0)


@pytest.mark.parametrize("value", [True, False])
def test_flag_invert_is_refused_because_daxa_and_esass_mean_opposite_things_by_it(value: bool) -> None:
    with pytest.raises(ConfigError, match=r"evtool: flag_invert means opposite things.*write 'flagged: drop'"):
        parse_config(erosita(evtool={"flag_invert": value}))


def test_flagged_events_are_dropped_unless_only_they_are_asked_for() -> None:
    usual, only = (
        parse_config(erosita(evtool=options)).mission("erosita_calpv").section.evtool.flagged
        for options in ({}, {"flagged": "only"})
    )
    assert (usual, only) == ("drop", "only")


def test_defaults_are_those_of_daxa() -> None:
    espfilt = parse_config(GOOD).mission("xmm_pointed").section.espfilt
    assert (espfilt.with_smoothing, espfilt.with_binning) == (51.0, 60.0)
    assert (espfilt.filter_lo_en, espfilt.filter_hi_en) == (2.5, 8.5)
    assert (espfilt.range_scale.pn, espfilt.range_scale.mos) == (15, 6)
    assert (espfilt.allowed_sigma, espfilt.gauss_fit_lims) == (3, (0.1, 6.5))


def test_quantities_are_converted() -> None:
    config = parse_config(with_options(espfilt={"with_smoothing": "0.5 min", "filter_hi_en": "12000 eV"}))
    assert config.mission("xmm_pointed").section.espfilt.with_smoothing == 30.0
    assert config.mission("xmm_pointed").section.espfilt.filter_hi_en == 12.0


BAD = {
    "not a mapping": ("just text", "is not a configuration"),
    "no archive": ({"missions": GOOD["missions"]}, "archive: this key is required"),
    "no missions": ({"archive": "out"}, "missions: this key is required"),
    "empty missions": ({"archive": "out", "missions": {}}, "missions"),
    "unknown top key": (
        {**GOOD, "archiv": "x"},
        "archiv: unknown key; allowed are tables, archive, services, data, archives, simulator, transfers, credentials, "
        "one_job_per, author, limits, missions, sas, esass - did",
    ),
    "unknown mission": (
        {"archive": "o", "missions": {"xmm_pointd": {"source": {"local": "r"}}}},
        "'xmm_pointed'",
    ),
    "thresholds of no module": (
        erosita(flaregti={"method": "threshold", "thresholds": {"TM5": 1}}, instruments=["TM9"]),
        "flaregti.thresholds: there is none for TM7",
    ),
    "modules that are not there": (
        erosita(evtool={"modules": ["TM5"]}, instruments=["TM8"]),
        "evtool.modules: none of them is",
    ),
    "a band twice": (
        with_options(images={"bands": [["0.2 keV", "2.3 keV"], ["200 eV", "2300 eV"]]}),
        "the same band is given twice",
    ),
    "empty source": (with_options(source={}), "write one of 'local' and 'archives'"),
    "radius without positions": (
        with_options(select={"radius": "1 deg"}),
        "select: radius needs 'positions' or 'names'",
    ),
    "positions and names": (with_options(select={"positions": [[1, 2]], "names": ["M31"]}), "not both"),
    "bad query": (with_options(select={"query": "exposure >"}), "expected a value"),
    "radius in seconds": (with_options(select={"positions": [[1, 2]], "radius": "1 s"}), "select.radius"),
    "obsid of another mission": (with_options(select={"obsids": ["1"]}), "'1' is not an ObsID of XMM-Newton"),
    "unknown condition": (with_options(select={"postions": []}), "did you mean 'positions'?"),
    "two sources": (
        with_options(source={"local": "a", "archives": "any"}),
        "write one of 'local' and 'archives'",
    ),
    "unknown option": (with_options(espfilt={"allowed_sgma": 3}), "did you mean 'allowed_sigma'?"),
    "wrong unit": (with_options(espfilt={"filter_lo_en": "2.5 s"}), "espfilt.filter_lo_en: '2.5 s'"),
    "no unit": (with_options(espfilt={"filter_lo_en": 2.5}), "such as '2.5 keV'"),
    "energies swapped": (
        with_options(espfilt={"filter_lo_en": "9 keV", "filter_hi_en": "8 keV"}),
        "filter_lo_en = 9.0 must be below filter_hi_en = 8.0",
    ),
    "unknown flare filter": (
        with_options(espfilt={"method": "histogramm"}),
        "'histogram', 'esas19', 'threshold'",
    ),
    "flare filter by its former name": (
        with_options(espfilt={"method": "esas20"}),
        "(got 'esas20') - it is now called 'histogram'",
    ),
    "negative sigma": (with_options(espfilt={"allowed_sigma": -1}), "espfilt.allowed_sigma"),
    "limits swapped": (with_options(espfilt={"gauss_fit_lims": [6.5, 0.1]}), "gauss_fit_lims[0] = 6.5"),
    "limits beyond 10": (with_options(espfilt={"gauss_fit_lims": [0.1, 65]}), "within 0 and 10"),
    "smoothing too long": (with_options(espfilt={"with_smoothing": "300 s"}), "within 1 and 60 s"),
    "bad expression": (with_options(evselect={"mos_filt_expr": "PATTERN <= && PI"}), "^"),
    "one energy only": (with_options(evselect={"lo_en": "1 keV"}), "give both lo_en and hi_en"),
    "band upside down": (with_options(images={"bands": [["2 keV", "0.5 keV"]]}), "images.bands.0"),
    "band of three": (
        with_options(images={"bands": [["1 keV", "2 keV", "3 keV"]]}),
        "write [0.5 keV, 2.0 keV]",
    ),
    "band twice": (with_options(images={"bands": [["1 keV", "2 keV"], ["1 keV", "2 keV"]]}), "twice"),
    "pixel no multiple": (with_options(images={"pixel_size": "4.33 arcsec"}), "not a multiple of 0.05"),
    "unknown instrument": (with_options(instruments=["PN", "ACIS"]), "no instrument 'ACIS'"),
    "obsid as number": (with_options(obsids=[201903501]), "obsids"),
    "obsid too short": (with_options(obsids=["201903501"]), "leading zeros"),
    "unknown vignetting": (with_options(exposure_maps={"vignetting": "nome"}), "'measured' or 'none'"),
    "brace in a path": (with_options(source={"local": "raw {x}"}), "'raw {x}' contains a brace"),
    "engine with the archive's products": (
        with_options(engine="sas", source={"archives": "any"}, fetch="preprocessed"),
        "engine sas starts from raw data, not from preprocessed",
    ),
    "instrument that is not processed": (with_options(engine="sas", instruments=["OM"]), "R1, R2, not OM"),
    "RGS without SAS": (with_options(instruments=["RGS1"]), "engine native can process PN, M1, M2, not R1"),
    "SAS for one step alone": (with_options(images={"engine": "sas"}), "images.engine: sas needs what SAS made"),
    "flare filter that SAS does not have": (
        with_options(engine="sas", espfilt={"method": "sn_optimal"}),
        "for sn_optimal write engine: native there",
    ),
    "cifbuild without SAS": (
        with_options(cifbuild={"analysis_date": "2020-01-01"}),
        "cifbuild: engine native of xmm_pointed does not run this step, so this section has no effect; remove it, or write",
    ),
    "unknown state of a CCD": (with_options(emanom={"acceptable_states": ["X"]}), "'G', 'I', 'B', 'O' or 'U'"),
    "time limit without unit": ({**GOOD, "sas": {"time_limit": 60}}, "such as '60 s'"),
    "SAS for a mission that has none": (
        {"archive": "o", "missions": {"chandra": {"engine": "sas", "source": {"archives": "any"}}}},
        "missions.chandra.engine: expected 'preprocessed' or 'raw' (got 'sas')",
    ),
    "wrong engine": (
        with_options(engine="esass"),
        "missions.xmm_pointed.engine: expected 'native', 'sas', 'preprocessed' or 'raw' (got 'esass')",
    ),
    "native only": (
        erosita(engine="esass", flaregti={"method": "gaussian", "edge_like": 4}),
        "flaregti: eSASS's flaregti has no method gaussian, edge_like; leave it out, or write engine: native",
    ),
    "no limit": (erosita(flaregti={"method": "threshold"}), "needs 'thresholds' by telescope module"),
    "wanted and excluded": (
        with_options(select={"obsids": ["0201903501", "0201903502"], "exclude": ["0201903502"]}),
        "select.exclude: 0201903502 is also in 'obsids'; remove it from one of the two",
    ),
    "excluded from a directory": (
        with_options(obsids=["0201903501"], select={"exclude": ["0201903501"]}),
        "select.exclude: 0201903501 is also in 'obsids'",
    ),
    "wanted by its field": (
        erosita(select={"obsids": ["700179"], "exclude": ["700179"]}),
        "select.exclude: 700179 is also in",
    ),
    "ObsIDs in two places": (
        with_options(obsids=["0201903501"], select={"obsids": ["0201903502"]}),
        "select.obsids: ObsIDs are in both 'obsids' and 'select.obsids'; remove one of the two keys",
    ),
    "time backwards": (
        with_options(select={"time": {"start": "2015-01-01", "end": "2010-01-01"}}),
        "select.time: the start 2015-01-01 00:00:00 is after the end 2010-01-01 00:00:00",
    ),
    "option of another flare filter": (
        with_options(espfilt={"method": "ratio", "allowed_sigma": 2}),
        "espfilt.allowed_sigma: the flare filter 'ratio' does not use this option; remove it, or write method: histogram",
    ),
    "threshold without its method": (
        with_options(espfilt={"threshold": {"PN": 0.4}}),
        "espfilt.threshold: the flare filter 'histogram' does not use this option; remove it, or write method: threshold",
    ),
    "option of another flare filter of eROSITA": (
        erosita(flaregti={"sigma": 4}),
        "flaregti.sigma: the flare filter 'flaregti' does not use this option; remove it, or write method: gaussian",
    ),
    "only raw data for calibrated lists": (
        with_options(source={"archives": "any"}, fetch="raw"),
        "fetch: engine native starts from preprocessed data, not from raw; remove it, or write both",
    ),
    "nothing is fetched": (
        with_options(fetch="both"),
        "fetch: 'fetch' selects what to download, but 'source.local' downloads nothing",
    ),
    "EPIC's filter for eROSITA": (
        erosita(espfilt={"method": "ratio"}),
        "missions.erosita_calpv.espfilt: unknown key; allowed are engine, source",
    ),
    "images of what is only organised": (
        {
            "archive": "o",
            "missions": {"chandra": {"source": {"archives": "any"}, "images": {"pixel_size": "4 arcsec"}}},
        },
        "chandra.images: unknown key; allowed are engine, source",
    ),
    "empty path": (with_options(source={"local": ""}), "source.local: the path is empty"),
    "unknown module": (erosita(instruments=["TM10"]), "no instrument 'TM10'; it has TM1, TM2"),
}


@pytest.mark.parametrize(
    ("given", "arcsec", "arcmin"),
    [
        ({}, 25.0, 30.0),
        ({"source_size": 40, "fov_radius": 20.5}, 40.0, 20.5),
        ({"source_size": "40 arcsec", "fov_radius": "0.5 deg"}, 40.0, 30.0),
        ({"source_size": "0.5 arcmin", "fov_radius": "900 arcsec"}, 30.0, 15.0),
    ],
)
def test_angles_of_flaregti_are_numbers_or_have_a_unit(given: dict, arcsec: float, arcmin: float) -> None:
    flares = parse_config(erosita(flaregti=given)).mission("erosita_calpv").section.flaregti
    assert (flares.source_size, flares.fov_radius) == (arcsec, arcmin)
    assert type(flares)(**{key: flares.values()[key] for key in given}) == flares


@pytest.mark.parametrize("wrong", ["25 s", "big", "0 arcsec", 0, -1, True, "-1 arcsec"])
def test_an_impossible_source_size_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match=r"flaregti.source_size"):
        parse_config(erosita(flaregti={"source_size": wrong}))


@pytest.mark.parametrize(("data", "expected"), BAD.values(), ids=BAD.keys())
def test_each_mistake_gives_one_clear_message(data: Any, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    message = str(caught.value)
    assert expected in message
    assert caught.value.exit_code == 2
    assert len(message.splitlines()) <= 5, message


def test_the_command_ends_with_2_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(with_options(espfilt={"allowed_sgma": 3})))
    for command in (["check-config"], ["run", "--cores", "1"]):
        done = subprocess.run(
            [sys.executable, "-m", "daxa_wf", *command, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "allowed_sigma" in done.stderr
        assert "Traceback" not in done.stderr


NO_CONFIGURATION = {
    "empty": (b"", "is not a configuration: expected keys such as 'archive' and 'missions'"),
    "a list": (b"[1, 2]", "is not a configuration"),
    "binary": (b"\xff\xfe\x00a", "is not text in UTF-8 (byte 0)"),
    "Latin-1": (b"archive: caf\xe9", "is not text in UTF-8 (byte 12)"),
    "a zero byte": (b"a\0b: 1", "is not YAML: unacceptable character"),
    "an object": (b"!!python/object:os.system x", "is not YAML: could not determine a constructor"),
    "itself": (b"archive: &a [*a]", "refers to itself"),
    "two documents": (b"archive: a\n---\narchive: b\n", "is not YAML: expected a single document"),
}


@pytest.mark.parametrize(("content", "said"), NO_CONFIGURATION.values(), ids=NO_CONFIGURATION.keys())
def test_files_that_are_no_configuration(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path} ")
    assert said in str(caught.value)


def test_sas_is_told_more_than_the_native_filter_heeds() -> None:
    options = {"method": "ratio", "with_smoothing": "20 s", "allowed_sigma": 2, "ratio": 1.4}
    with pytest.raises(ConfigError, match=r"espfilt.with_smoothing: the flare filter 'ratio' does not use this option"):
        parse_config(with_options(espfilt=options))
    assert parse_config(with_options(engine="sas", espfilt=options)).mission("xmm_pointed").section.espfilt.ratio == 1.4
    with pytest.raises(ConfigError, match=r"espfilt.threshold: SAS's espfilt does not use this option"):
        parse_config(with_options(engine="sas", espfilt={**options, "threshold": {"PN": 1}}))


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    sections = {"fetch": "both", "espfilt": {"ratio": 2}, "instruments": ["ACIS"], "flaregti": {"detml": 5}}
    with pytest.raises(ConfigError) as caught:
        parse_config(with_options(**sections))
    keys = [line.split(":")[0].removeprefix("  missions.xmm_pointed.") for line in str(caught.value).splitlines()[1:]]
    assert sorted(keys) == ["espfilt.ratio", "fetch", "flaregti", "instruments"]


def test_not_yaml_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_config(tmp_path)
    (tmp_path / "bad.yaml").write_text("archive: [")
    with pytest.raises(ConfigError, match="is not YAML"):
        read_config(tmp_path / "bad.yaml")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_are_fine(path: Path) -> None:
    assert read_config(path).missions


def test_schema_is_in_step() -> None:
    schema = json.loads((ROOT / "config" / "schema.json").read_text())
    assert schema == config_model().model_json_schema(), "run: daxa-wf config-schema > config/schema.json"


def test_documentation_is_in_step() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == configuration_page(), "run: daxa-wf config-docs > docs/configuration.md"


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("archive: a\nmissions:\n  xmm_pointed:\n    images: {}\n    images: {}\n")
    with pytest.raises(ConfigError, match=r"the key 'images' occurs twice, in lines 4 and 5"):
        read_config(path)
