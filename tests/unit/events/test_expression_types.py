"""Expressions that could be parsed but not used: refused with the configuration, before any job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError, CorruptFileError, ExpressionError
from daxa_wf.events.expression import check_expression, kinds_of, parse
from daxa_wf.events.gti_files import read_gti, write_gti
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES, EpicEventList
from daxa_wf.observatories.xmm.native.expressions import EPIC_ATTRIBUTES, EPIC_KINDS
from tests.genuine import Abell907
from tests.standins.gti_text import gtibuild

ROWS = np.zeros(3, [("TIME", ">f8"), ("PI", ">i2"), ("X", ">i4"), ("Y", ">i4"), ("FLAG", ">i4"), ("NAME", "S4")])
ROWS["FLAG"] = [0, -1, 1]


def configured(expression: str | list[str]) -> Any:
    section = {"source": {"archives": "any"}, "evselect": {"mos_filt_expr": expression}}
    return parse_config({"archive": "a", "missions": {"xmm_pointed": section}})


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 == 1", "expected a column on one side at least"),
        ("2 in [1:3]", "expected a column on one side at least"),
        ("TIME & 1 == 0", "expected whole numbers beside '&', TIME is a real number"),
        ("(X,Y) in circle(PI,2,3)", "expected a number, PI is a column"),
        ("PI > 1 / 0", "division by zero"),
        ("PI > 99999999999999999999", "beyond 64 bits"),
        ("PI > 1e400", "beyond any"),
        ("(PI / 2 & 1) == 1", "expected whole numbers beside '&'"),
        ("(PI < 5) & 1 == 1", "expected a number, this is a condition"),
        ("(" * 100 + "PI > 1" + ")" * 100, "at most 25 parentheses"),
        ("PI > " + "+1" * 4000, "expected a column|at most|found"),
        ("PI > 0" + "+1" * 4000, "at most 100 operations"),
        ("!" * 5000 + "PI > 1", "at most 100 operations"),
        ("PI > 1" + " && PI > 1" * 2000, "at most 10000 characters"),
    ],
    ids=lambda text: text[:30],
)
def test_an_expression_that_no_list_can_be_asked_is_refused_with_the_configuration(
    expression: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)missions\.xmm_pointed\.evselect\.mos_filt_expr.*({message})"):
        configured(expression)


@pytest.mark.parametrize(
    ("conditions", "joined"),
    [
        (["#XMMEA_EM", "(PATTERN <= 12)", "(FLAG .eq. 0)"], "#XMMEA_EM && (PATTERN <= 12) && (FLAG .eq. 0)"),
        (["PI > 9", "X < 1 || Y < 1", "FLAG in 1,2"], "PI > 9 && (X < 1 || Y < 1) && FLAG in 1,2"),
        (["X < 1 .or. Y < 1"], "(X < 1 .or. Y < 1)"),
    ],
)
def test_expressions_in_a_list_must_all_hold(conditions: list[str], joined: str) -> None:
    options = configured(conditions).mission("xmm_pointed").section.evselect
    assert options == configured(joined).mission("xmm_pointed").section.evselect
    assert options.mos_filt_expr == joined


def test_a_list_of_expressions_keeps_the_rows_that_each_of_them_keeps() -> None:
    conditions = ["PI > 9", "X < 1 || Y < 1", "FLAG in 1,2"]
    rows = np.zeros(5, dtype=ROWS.dtype)
    rows["PI"], rows["FLAG"], rows["X"], rows["Y"] = (
        [9, 10, 10, 10, 10],
        [1, 1, 2, 3, 2],
        [0, 0, 5, 0, 5],
        [0, 5, 5, 0, 0],
    )
    joined = configured(conditions).mission("xmm_pointed").section.evselect.mos_filt_expr
    masks = [
        parse(text).bind({}, ROWS.dtype.names, kinds=kinds_of(ROWS.dtype)).mask(rows) for text in (joined, *conditions)
    ]
    assert masks[0].tolist() == np.all(masks[1:], axis=0).tolist() == [False, True, False, False, True]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([], "the list is empty"),
        (["PI > 1", "(X < 1) || (", "Y > 1"], "expression 2 of the list: "),
        (["(PI > 1", "X < 1)"], "expression 1 of the list: "),
        (["PI > 1", "TIME & 1 == 0"], "expected whole numbers beside '&'"),
        (["PI > 1", 2], "expected text"),
    ],
)
def test_a_wrong_list_of_expressions_is_refused(conditions: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=r"missions\.xmm_pointed\.evselect\.mos_filt_expr") as caught:
        configured(conditions)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "expression", ["FLAG & 1 == 0", "TIME * 2 > PI", "circle(1+1,2*3,-(-3),X,Y)", "true", "#XMMEA_EM", "PI / 2 > 1"]
)
def test_expressions_that_lists_can_be_asked_are_accepted(expression: str) -> None:
    configured(expression)
    assert parse(expression).bind({}, ROWS.dtype.names, kinds=kinds_of(ROWS.dtype), attributes=EPIC_ATTRIBUTES).mask(
        ROWS
    ).shape == (3,)


@pytest.mark.parametrize(
    ("expression", "header", "message"),
    [
        ("FLAG & #BIT != 0", {"BIT": 1.5}, "expected whole numbers beside '&'"),
        ("!#BIT", {"BIT": 1}, "expected a condition, this is a number"),
        ("PI > #BIT", {"BIT": float("nan")}, "beyond any"),
        ("NAME == 1", {}, "expected a number, this is text"),
        ("#A", {name: "||".join([f"#{after}"] * 20) for name, after in zip("ABCDEF", "BCDEFG", strict=True)} | {"G": "PI > 1"},
         "expands to more than"),
    ],
    ids=["real bits", "number", "nan", "text", "bomb"],
)  # fmt: skip
def test_what_the_header_of_a_list_makes_of_an_expression_is_checked_too(
    expression: str, header: dict, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(expression).bind(header, ROWS.dtype.names, kinds=kinds_of(ROWS.dtype))


def test_constants_of_a_header_are_the_same_for_every_row() -> None:
    assert parse("#CCD == 2").bind({"CCD": 2}, ROWS.dtype.names).mask(ROWS).tolist() == [True] * 3
    assert parse("!(#CCD == 2) || #CCD in 3:4").bind({"CCD": 2}, ROWS.dtype.names).mask(ROWS).tolist() == [False] * 3


def test_a_mask_wider_than_the_column_means_its_bits() -> None:
    assert parse("FLAG & 0x1ffffffff == 0").bind({}, ROWS.dtype.names).mask(ROWS).tolist() == [True, False, False]
    assert parse("FLAG & 0x100000001 == 1").bind({}, ROWS.dtype.names).mask(ROWS).tolist() == [False, True, True]


def test_the_kinds_of_epics_columns_are_those_of_genuine_lists(real_data: Path) -> None:
    genuine = kinds_of(EpicEventList.open(Abell907(real_data, "0404910601", "mos1").event_list).dtype)
    assert genuine == EPIC_KINDS
    assert check_expression("#XMMEA_EM && PATTERN <= 12", genuine).text == "#XMMEA_EM && PATTERN <= 12"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 +g 1e-9 1e-9", "line 1: badSegment: it stands for more than 10000000 intervals"),
        ("0 10\n5 nan", "line 2: badNumericValue: 'nan' is not a finite number"),
        ("inf 10", "line 1: badNumericValue"),
    ],
)
def test_a_text_of_gtibuild_cannot_ask_for_endless_intervals(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gtibuild(text)


@pytest.mark.parametrize("stop", [1e300, np.inf, np.nan])
def test_good_times_that_are_no_times_are_refused(tmp_path: Path, stop: float) -> None:
    write_gti(tmp_path / "gti.fits", np.array([[0.0, 10.0], [20.0, 30.0]]), XMM_TIMES, "test")
    data = (tmp_path / "gti.fits").read_bytes()
    assert data.count(np.array(30.0, ">f8").tobytes()) == 1
    (tmp_path / "gti.fits").write_bytes(data.replace(np.array(30.0, ">f8").tobytes(), np.array(stop, ">f8").tobytes()))
    with pytest.raises(CorruptFileError, match=r"gti\.fits\[STDGTI\]: row 2 is from 20 to .*, which are not times"):
        read_gti(tmp_path / "gti.fits")
