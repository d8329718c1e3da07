"""Every key of the configuration with every kind of wrong value: what is said is for users, and never of pydantic's making."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel

from daxa_wf.config.model import config_model
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.options import section_in

INTERNAL = re.compile(
    r"function-|is-instance|literal\[|dict\[|tuple\[|\[key\]|Input |valid (tuple|string|dict|number|integer|bool)|pydantic"
    r"|Value error|validation|<class|datetime\.|None\b|Traceback|unhashable"
)
WRONG: tuple[Any, ...] = (
    None, 5, -1, 1.5, "text", "", [], {}, True, [None], [5], {"x": 1}, "5 parsec", "-5 s", "-5 keV", ["a", "b"], b"x",
    float("nan"), [[1, 2, 3]], "nan keV", "inf s", date(2010, 1, 1),
)  # fmt: skip


def places(model: type[BaseModel], mission: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys that lead to each value of a configuration, and to one that is not there in each section."""
    yield (*above, "nosuchkey")
    for key, field in model.model_fields.items():
        yield (*above, key)
        section = section_in(field.annotation)
        if section is not None and key != "bands":
            yield from places(section, mission, (*above, key, *((mission,) if key == "missions" else ())))


def lines_of(config: dict[str, Any]) -> list[str]:
    """Return the lines of a configuration's mistakes, without their indents."""
    with pytest.raises(ConfigError) as caught:
        parse_config(config)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def with_value(mission: str, place: tuple[str, ...], value: Any) -> dict[str, Any]:
    config: dict[str, Any] = {"archive": "o", "missions": {mission: {"source": {"local": "r"}}}}
    section = config
    for key in place[:-1]:
        section = section.setdefault(key, {})
    section[place[-1]] = value
    return config


@pytest.mark.parametrize("mission", ["xmm_pointed", "erosita_calpv"])
def test_no_wrong_value_is_told_in_the_words_of_the_machine(mission: str) -> None:
    refused = 0
    for place in places(config_model(), mission):
        for value in WRONG:
            try:
                parse_config(with_value(mission, place, value))
            except ConfigError as error:
                refused += 1
                lines = str(error).splitlines()[1:]
                assert lines, (place, value)
                assert lines[0].startswith(f"  {place[0]}"), (place, value, lines)
                assert not INTERNAL.search("\n".join(lines)), (place, value, lines)
    assert refused > 2000


SAID = {
    ("source", "archives"): {
        "heasac": "expected 'any' (got 'heasac'), or a list, such as ['heasac']",
        ("heasac",): "'cxc' (got 'heasac') - did you mean 'heasarc'?",
        (): "it is empty; write at least one value",
    },
    ("source",): {"/data/xmm": "expected keys, such as local, archives, decompress (got '/data/xmm')"},
    ("obsids",): {
        (33818433,): "YAML reads 33818433 as a number; put ObsIDs in quotes",
        33818433: "expected a list of ObsIDs in quotes, such as ['0201903501']",
        "0201903501": "expected a list, such as ['0201903501']",
        (): "it is empty; write at least one value, or remove the key",
    },
    ("instruments",): {(): "it is empty; write at least one value, or remove the key"},
    ("images",): {None: "the value is missing; write a value, or remove the key"},
    ("images", "bands"): {(): "it is empty", (5,): "expected keys, such as lo_en, hi_en (got 5)"},
    ("espfilt", "method"): {"histograms": "(got 'histograms') - did you mean 'histogram'?"},
    ("espfilt", "with_smoothing"): {5: "write a number with a unit, such as '5 s'"},
    ("espfilt", "allowed_sigma"): {True: "expected a number (got true)", "much": "expected a number (got 'much')"},
    ("espfilt", "filter_lo_en"): {"-1 keV": "'-1 keV' cannot be used; expected 0 keV or more"},
    ("espfilt", "gauss_fit_lims"): {(1, 2, 3): "expected 2 values, not 3", (): "expected more values (got [])"},
    ("espfilt", "threshold"): {(): "keys with values", "x": "expected keys with values (got 'x')"},
    ("process_unscheduled",): {"perhaps": "expected true or false (got 'perhaps')"},
    ("select", "radius"): {5: "write a number with a unit, such as '5 deg'"},
    ("cifbuild", "analysis_date"): {"soon": "expected a day, such as 2010-01-31 (got 'soon')"},
    ("select", "polygon"): {((1, 2), (3, 4)): "expected 3 or more values, got 2"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [(place, value, said) for place, answers in SAID.items() for value, said in answers.items()],
    ids=str,
)
def test_what_is_said_of_a_wrong_value(place: tuple[str, ...], value: Any, said: str) -> None:
    given = [list(each) if isinstance(each, tuple) else each for each in value] if isinstance(value, tuple) else value
    config = with_value("xmm_pointed", ("missions", "xmm_pointed", *place), given)
    if place == ("espfilt", "threshold"):
        config["missions"]["xmm_pointed"]["espfilt"]["method"] = "threshold"
    with pytest.raises(ConfigError) as caught:
        parse_config(config)
    assert f"missions.xmm_pointed.{'.'.join(place)}" in str(caught.value)
    assert said in str(caught.value)


def test_keys_of_mappings_are_told_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"transfers.heasarcs: unknown key; allowed are 'heasarc', .*mean 'heasarc'"):
        parse_config({"archive": "o", "transfers": {"heasarcs": 3}, "missions": {"asca": {}}})
    with pytest.raises(ConfigError, match=r"missions\.7: a key must be text; put it in quotes"):
        parse_config({"archive": "o", "missions": {7: {}}})
    with pytest.raises(
        ConfigError, match=r"archives.heasarc.0: 'mirror' cannot be used; expected .*, file:///, /, ./, ../"
    ):
        parse_config({"archive": "o", "archives": {"heasarc": ["mirror"]}, "missions": {"asca": {}}})


def test_limits_and_scales_take_instruments_in_any_case() -> None:
    def espfilt(**options: Any) -> Any:
        data = with_value("xmm_pointed", ("missions", "xmm_pointed", "espfilt"), options)
        return parse_config(data).mission("xmm_pointed").section.espfilt

    limits = {"pn": 0.5, "mos": 0.3}
    assert espfilt(method="threshold", threshold=limits).threshold == {"PN": 0.5, "M1": 0.3, "M2": 0.3}
    assert espfilt(method="threshold", threshold={"M1": 0.2, "m2": 0.1}).threshold == {"M1": 0.2, "M2": 0.1}
    scale = espfilt(range_scale={"PN": 14, "MOS": 5}).range_scale
    assert (scale.pn, scale.mos) == (14, 5)
    with pytest.raises(ConfigError, match="more than one limit for M1"):
        espfilt(method="threshold", threshold={"M1": 0.2, "mos": 0.1})
    with pytest.raises(ConfigError, match="the same instrument is given twice"):
        espfilt(range_scale={"pn": 1, "PN": 2})
    every = "allowed are PN, M1, M2, and MOS for both MOS, in upper or lower case"
    for name in ("EPIC", "m3", "mos1"):
        with pytest.raises(ConfigError, match=rf"espfilt.threshold: unknown instrument '{name}'; {every}$"):
            espfilt(method="threshold", threshold={name: 0.2})
    with pytest.raises(ConfigError, match=r"espfilt.range_scale.M1: unknown key; allowed are pn, mos"):
        espfilt(range_scale={"M1": 2})


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            {"espfilt": {"filter_lo_en": "0.5 kev"}},
            "'kev' is not a unit; upper and lower case matter - did you mean 'keV'?)",
        ),
        ({"select": {"positions": [1, 2], "radius": "5 arcmn"}}, "'arcmn' is not a unit; .* did you mean 'arcmin'?)"),
        (
            {"images": {"bands": ["0.5-2.0 keV"]}},
            "bands.0: '0.5-2.0 keV' is not a band; write [0.5 keV, 2.0 keV], each band a",
        ),
        (
            {"images": {"bands": ["500 eV to 2 keV"]}},
            "bands.0: '500 eV to 2 keV' is not a band; write [500 eV, 2 keV], each",
        ),
        (
            {"images": {"bands": "0.5-2.0 keV"}},
            "images.bands: '0.5-2.0 keV' is not a band; write [0.5 keV, 2.0 keV], each",
        ),
        (
            {"images": {"bands": ["0.5 keV", "2.0 keV"]}},
            "bands.0: '0.5 keV' is not a band; write [0.5 keV, 2.0 keV], each",
        ),
    ],
    ids=str,
)
def test_a_quantity_or_band_that_is_nearly_right_is_corrected(section: dict[str, Any], expected: str) -> None:
    (line,) = lines_of({"archive": "a", "missions": {"xmm_pointed": section}})[:1]
    assert all(part in line for part in expected.split(".* ")), line
    assert len(line) < 200


def test_every_name_of_an_instrument_is_listed_for_one_that_does_not_exist() -> None:
    every = r"M1 \(MOS1, EMOS1\), M2 \(MOS2, EMOS2\), PN \(EPN\), OM, R1 \(RGS1\), R2 \(RGS2\)"
    with pytest.raises(KeyError, match=f"has no instrument 'M3'; it has {every}"):
        MISSIONS["xmm_pointed"].instruments_named("M3")


def test_an_instrument_group_is_not_offered_where_it_cannot_be_used() -> None:
    spec = MISSIONS["erosita_calpv"]
    modules = "TM1, TM2, TM3, TM4, TM5, TM6, TM7"
    assert spec.instruments_named("tm9") == ("TM5", "TM7")
    with pytest.raises(KeyError, match=f"has no instrument 'TMX'; it has {modules}, and the groups TM, TM8, TM9\""):
        spec.instruments_named("TMX")
    with pytest.raises(KeyError, match=f"has no instrument 'TMX'; it has {modules}\""):
        spec.instrument("TMX")
    with pytest.raises(KeyError, match="'TM9' is a group of instruments, which cannot be used here; name TM5, TM7"):
        spec.instrument("TM9")


def test_reversed_limits_are_reported_beside_another_mistake_of_their_section() -> None:
    section = {
        "espfilt": {"filter_lo_en": "9 keV", "allowed_sigma": -1},
        "evselect": {"lo_en": "5 keV", "hi_en": "2 keV", "pn_filt_expr": "PI >"},
        "images": {"bands": [["2 keV", "1 keV"], ["1 keV", 2]]},
    }
    erosita = {"flaregti": {"pimin": "20 kev", "mask_pimin": "20 keV"}}
    lines = lines_of({"archive": "a", "missions": {"xmm_pointed": section, "erosita_calpv": erosita}})
    key = "missions.xmm_pointed"
    assert f"{key}.espfilt: filter_lo_en = 9.0 must be below filter_hi_en = 8.5" in lines
    assert f"{key}.evselect: lo_en = 5.0 must be below hi_en = 2.0" in lines
    assert "missions.erosita_calpv.flaregti: mask_pimin = 20.0 must be below mask_pimax = 10.0" in lines
    assert any(
        line.startswith(f"{key}.images.bands.0: lower edge = 2.0 must be below upper edge = 1.0") for line in lines
    )
    assert len([line for line in lines if line.startswith("missions.")]) == 8


def test_what_follows_from_a_wrong_value_is_not_reported_beside_it() -> None:
    """pimin is unknown, so nothing can be concluded from its default."""
    sections = {
        "xmm_pointed": {"evselect": {"lo_en": 1, "hi_en": "2 keV"}},
        "erosita_calpv": {"flaregti": {"pimin": "0.5 kev", "pimax": "0.1 keV"}},
    }
    lines = lines_of({"archive": "a", "missions": sections})
    assert [line.partition(": ")[0] for line in lines] == [
        "missions.erosita_calpv.flaregti.pimin", "missions.xmm_pointed.evselect.lo_en",
    ]  # fmt: skip
