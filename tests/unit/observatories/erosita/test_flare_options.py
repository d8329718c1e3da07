"""Options of the flare filters: branches by method, messages, records of this and of earlier versions, HISTORY."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from daxa_wf.chain.runner import read_options
from daxa_wf.chain.staleness import changed_options
from daxa_wf.config.model import config_model
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import STEPS
from daxa_wf.observatories.erosita.flare_options import FLARE_FILTERS, FixedLimits, FlaregtiOptions, GaussianLimits
from daxa_wf.observatories.erosita.native.flare_products import command_line
from daxa_wf.observatories.erosita.steps.jobs import EvtoolJob, ImagesJob

OF_THE_JOB = {"engine": "native", "instruments": ["TM5", "TM6"], "passed_over": []}


def section(**flaregti: Any) -> Any:
    mission = {"source": {"local": "raw"}, "flaregti": flaregti}
    return parse_config({"archive": "a", "missions": {"erosita_calpv": mission}}).mission("erosita_calpv").section


@pytest.mark.parametrize(
    ("given", "model", "band"),
    [
        ({}, FlaregtiOptions, (200, 10_000)),
        ({"method": "flaregti", "source_size": 30}, FlaregtiOptions, (200, 10_000)),
        ({"method": "threshold", "threshold": 5}, FixedLimits, (6000, 10_000)),
        ({"method": "gaussian"}, GaussianLimits, (5000, 10_000)),
        ({"method": "gaussian", "pimin": "2300 eV", "pimax": "9 keV"}, GaussianLimits, (2300, 9000)),
    ],
)
def test_the_method_chooses_the_model_and_its_band(
    given: dict[str, Any], model: type[Any], band: tuple[float, float]
) -> None:
    flares = section(**given).flaregti
    assert type(flares) is model
    assert flares.band == band


@pytest.mark.parametrize("method", ["magic", "Gaussian", 5, ["gaussian"], None])
def test_an_unknown_method_is_named_with_those_that_exist(method: object) -> None:
    with pytest.raises(ConfigError) as caught:
        section(method=method)
    message = str(caught.value)
    assert "flaregti" in message
    assert "expected one of 'flaregti', 'threshold', 'gaussian' (got " in message
    assert ("did you mean 'gaussian'?" in message) == (method == "Gaussian")


@pytest.mark.parametrize(
    ("model", "key", "message"),
    [
        (
            FlaregtiOptions,
            "sigma",
            "the flare filter 'flaregti' does not use this option; remove it, or write method: gaussian",
        ),
        (
            GaussianLimits,
            "source_size",
            "filter 'gaussian' does not use this option; remove it, or write method: flaregti",
        ),
        (GaussianLimits, "threshold", "remove it, or write method: flaregti or threshold"),
        (FixedLimits, "sigmas", "unknown key; allowed are method, gtitype, "),
        (GaussianLimits, "sigmas", "did you mean 'sigma'?"),
    ],
)
def test_an_option_of_another_filter_is_refused_with_a_way_out(model: type[Any], key: str, message: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model(**{"threshold": 1.0} if model is FixedLimits else {}, **{key: 1.0})
    assert message in model.unknown_key(key)
    given = {"method": model.model_fields["method"].default, **({"threshold": 1.0} if model is FixedLimits else {})}
    with pytest.raises(ConfigError) as caught:
        section(**given, **{key: 1.0})
    assert f"erosita_calpv.flaregti.{key}: " in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"timebin": "0 s"}, "timebin: expected more than 0"),
        ({"pimin": "900 eV", "pimax": "800 eV"}, "pimin = 0.9 must be below pimax = 0.8"),
        ({"xmin": 5, "xmax": -5}, "xmin = 5 must be below xmax = -5"),
        ({"method": "threshold", "thresholds": {"TM8": 1.0}}, "thresholds.TM8"),
        ({"method": "threshold"}, "needs 'thresholds' by telescope module, or one 'threshold' for all"),
        ({"mask_iter": 0}, "mask_iter: expected 1 or more"),
        ({"method": "gaussian", "sigma": 0}, "sigma: expected more than 0"),
    ],
)
def test_options_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        section(**wrong)
    assert message in str(caught.value)


OPTIONS = [
    FlaregtiOptions(pimin="2300 eV", source_size="0.5 arcmin", threshold=3.5),
    FixedLimits(thresholds={"TM5": 1.5}, threshold=2),
    GaussianLimits(sigma=2.5, timebin="1 min"),
]


def read(parameters: dict[str, Any]) -> Any:
    """Read the options of a job of flaregti as the runner does."""
    return read_options(STEPS["flaregti"], parameters)


@pytest.mark.parametrize("options", OPTIONS, ids=FLARE_FILTERS)
def test_a_job_is_read_from_its_record(options: Any) -> None:
    parameters = {**options.values(), **OF_THE_JOB}
    job = read(parameters)
    assert isinstance(job, type(options))
    assert read(job.values()) == job
    assert job.values() == {**parameters, "problems": []}


EARLIER = {
    "gtitype": "GTI", "pimin": 5.0, "pimax": 10.0, "mask_pimin": 0.2, "mask_pimax": 10.0, "xmin": -108000, "xmax": 108000,
    "ymin": -108000, "ymax": 108000, "gridsize": 18, "binsize": 1200, "detml": 10, "timebin": 20.0, "source_size": 25,
    "source_like": 10, "fov_radius": 30, "threshold": -1, "max_threshold": -1, "mask_iter": 3, "method": "gaussian",
    "thresholds": {}, "sigma": 3.0, "edge_like": -1,
}  # fmt: skip
"""Parameters as version 0.1.0 recorded them: options of all filters, numbers without units."""


def test_a_record_of_an_earlier_version_is_read() -> None:
    assert read({**EARLIER, **OF_THE_JOB}) == read({"method": "gaussian", **OF_THE_JOB})
    fixed = {**EARLIER, "method": "threshold", "thresholds": {"TM5": 4.0}, "pimin": 6.0}
    assert read({**fixed, **OF_THE_JOB}) == read({"method": "threshold", "thresholds": {"TM5": 4.0}, **OF_THE_JOB})
    with pytest.raises(ValueError, match="sigmas"):
        read({**EARLIER, **OF_THE_JOB, "sigmas": 3.0})
    bands = [{"lo_en": 0.2, "hi_en": 2.3}]
    assert ImagesJob.from_values({"bands": bands, "pixel_size": 8.0, "engine": "esass"}).bin_size == 160
    assert EvtoolJob.from_values({"lo_en": 0.5, "gti": "GTI", "engine": "native"}).lo_en == 0.5


def test_an_archive_of_an_earlier_version_is_not_reprocessed_for_the_form_of_its_options() -> None:
    present = {**GaussianLimits().values(), **OF_THE_JOB}
    assert changed_options(STEPS["flaregti"], {**EARLIER, **OF_THE_JOB}, present) == []
    assert changed_options(STEPS["flaregti"], {**EARLIER, **OF_THE_JOB, "sigma": 4.0}, present) == ["sigma"]


def test_a_history_has_every_option_used_or_not() -> None:
    shared = (
        "mask_pimin=200.0 mask_pimax=10000.0 xmin=-108000 xmax=108000 ymin=-108000 ymax=108000 gridsize=18 binsize=1200 "
        "detml=10.0 timebin=20.0 source_size=25.0 source_like=10.0 fov_radius=30.0"
    )
    read_back = read({**FlaregtiOptions().values(), **OF_THE_JOB})
    assert command_line(read_back) == (
        f"pimin=200 pimax=10000 gtitype=GTI {shared} threshold=-1.0 max_threshold=-1.0 mask_iter=3 method=flaregti sigma=3.0 "
        "edge_like=-1.0"
    )
    assert command_line(FixedLimits(thresholds={"TM7": 2, "TM5": 1.5}, threshold=4)) == (
        f"pimin=6000 pimax=10000 gtitype=GTI {shared} threshold=4.0 max_threshold=-1.0 mask_iter=3 method=threshold sigma=3.0 "
        "edge_like=-1.0 threshold5=1.5 threshold7=2.0"
    )


def test_editors_see_one_branch_for_each_method() -> None:
    schema = config_model().model_json_schema()["$defs"]
    branches = [schema[model.__name__] for model in FLARE_FILTERS.values()]
    assert [branch["properties"]["method"]["const"] for branch in branches] == list(FLARE_FILTERS)
    assert [branch.get("required", []) for branch in branches] == [[], ["method"], ["method"]]
    assert {"$ref": "#/$defs/GaussianLimits"} in schema["ErositaSection"]["properties"]["flaregti"]["oneOf"]
