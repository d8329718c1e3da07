"""The section `limits`, and credentials in URLs, as the configuration has them and as jobs get them."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daxa_wf.chain.plan import Plan
from daxa_wf.chain.step_options import places_of
from daxa_wf.config.limits_section import LimitsSection
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError
from daxa_wf.limits import Limits


def config(**sections: Any) -> Any:
    missions = {"chandra": {"source": {"archives": "any"}, "obsids": ["12812"]}}
    return parse_config({"archive": "a", "missions": missions, **sections})


def test_the_section_has_every_limit_with_its_default() -> None:
    assert list(LimitsSection.model_fields) == [*(field.name for field in fields(Limits)), "step_time"]
    assert LimitsSection().limits() == Limits()


def test_limits_have_units_and_reach_the_jobs(tmp_path: Path) -> None:
    checked = config(limits={"speed": "20 B/s", "retry_after": "2 h", "listing": "1.5 MB", "pages": 7})
    expected = Limits(speed=20.0, retry_after=7200.0, listing=1_500_000, pages=7)
    plan = Plan(checked, tmp_path)
    for context in (
        places_of(plan, SimpleNamespace(mission="chandra", obsid="12812")),
        plan.data_centres(None, None)["chandra"],
    ):
        assert Limits(**context["limits"]) == expected
    assert asdict(checked.limits.limits()) == asdict(expected)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no unit": ({"limits": {"listing": 5}}, "limits.listing"),
    "a negative number": ({"limits": {"pages": -1}}, "limits.pages"),
    "zero": ({"limits": {"file": "0 byte"}}, "limits.file"),
    "a header below a block": ({"limits": {"header": "100 byte"}}, "limits.header"),
    "an unknown limit": ({"limits": {"page": 1}}, "limits.page: unknown key"),
    "a password over http": (
        {"archives": {"heasarc": ["http://me:s3cr3t@host/FTP/"]}}, "credentials are sent over https only",
    ),
    "a password of a service over http": (
        {"services": {"heasarc": ["http://me:s3cr3t@host/tap"]}}, "credentials are sent over https only",
    ),
    "credentials to an archive over http": (
        {"archives": {"xsa": ["http://host/aio?token=s3cr3t"]}, "credentials": {"xsa": "/home/me/.xsa"}},
        "archives.xsa: http://host/aio: credentials are sent over https only",
    ),
    "no URL": ({"archives": {"heasarc": ["https://me:s3cr3t@host:port/"]}}, "is not a URL of http or https"),
    "another scheme": ({"archives": {"heasarc": ["ftp://me:s3cr3t@host/"]}}, "expected text that begins with"),
}  # fmt: skip


@pytest.mark.parametrize(("sections", "message"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_named_and_a_password_is_not_shown(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(**sections)
    assert message in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_what_snakemake_keeps_of_the_configuration_holds_no_password(tmp_path: Path) -> None:
    """It writes the parameters of jobs that do not depend on `resources` into the archive."""
    checked = config(
        services={"heasarc": ["https://me:s3cr3t-w0rd@host/tap"]},
        archives={"heasarc": ["https://me:s3cr3t-w0rd@host/"]},
    )
    assert "s3cr3t" not in repr(Plan(checked, tmp_path).selection_options())
