"""Selection expressions: grammar, meaning, errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_wf.errors import ExpressionError
from daxa_wf.events.expression import parse
from daxa_wf.events.expression.passable import time_intervals
from daxa_wf.events.gti_files import write_gti
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES
from daxa_wf.observatories.xmm.native.expressions import EPIC_ATTRIBUTES

RNG = np.random.default_rng(4)
ROWS = np.zeros(2000, [("TIME", ">f8"), ("PI", ">i2"), ("X", ">i4"), ("Y", ">i4"), ("DETX", ">i2"), ("DETY", ">i2"),
                       ("FLAG", ">i4"), ("PATTERN", "u1"), ("CCDNR", "u1")])  # fmt: skip
ROWS["TIME"] = RNG.uniform(0, 1000, 2000)
ROWS["PI"] = RNG.integers(0, 15000, 2000)
ROWS["X"], ROWS["Y"] = RNG.integers(-50, 51, 2000), RNG.integers(-50, 51, 2000)
ROWS["DETX"], ROWS["DETY"] = RNG.integers(-20000, 20000, 2000), RNG.integers(-20000, 20000, 2000)
ROWS["FLAG"] = RNG.choice(np.array([0, 0x10000, 0x2, 0x400000, -(2**31), 0x100], dtype=np.int64), 2000)
ROWS["PATTERN"] = RNG.integers(0, 32, 2000)
ROWS["CCDNR"] = RNG.integers(1, 8, 2000)
HEADER = {"XMMEA_EM": "(FLAG & 0x766ba000) == 0", "LIMIT": 500, "XMMEA_16": "(FLAG & 0x10000) != 0", "LOOP": "#LOOP"}
NATIVE = {name: ROWS[name].astype(ROWS.dtype[name].newbyteorder("=")).astype(np.int64) for name in ROWS.dtype.names[1:]}
PI, X, Y, FLAG, PATTERN, CCDNR = (NATIVE[name] for name in ("PI", "X", "Y", "FLAG", "PATTERN", "CCDNR"))
DETX, DETY = NATIVE["DETX"], NATIVE["DETY"]
UNSIGNED = FLAG & 0xFFFFFFFF


def mask(text: str) -> np.ndarray:
    return parse(text).bind(HEADER, ROWS.dtype.names, attributes=EPIC_ATTRIBUTES).mask(ROWS)


MEANINGS = {
    "PI in [500:10000]": (PI >= 500) & (PI <= 10000),
    "PI in (500:10000)": (PI > 500) & (PI < 10000),
    "PI in (500:2000],(3000:4000)": ((PI > 500) & (PI <= 2000)) | ((PI > 3000) & (PI < 4000)),
    "PI in 500:2000": (PI >= 500) & (PI <= 2000),
    "PI in :2000": PI <= 2000,
    "PI in 2000:": PI >= 2000,
    "CCDNR in 1,2,5": np.isin(CCDNR, [1, 2, 5]),
    "PATTERN .le. 12 .and. FLAG .eq. 0": (PATTERN <= 12) & (FLAG == 0),
    "!(PATTERN > 4) || PI>=#LIMIT && FLAG!=0": (PATTERN <= 4) | ((PI >= 500) & (FLAG != 0)),
    "FLAG & 0x10000 != 0": FLAG == 0x10000,
    "FLAG & b110 != 0": FLAG == 2,
    "(FLAG & 0xfffffeff) == 0": (UNSIGNED & 0xFFFFFEFF) == 0,
    "(FLAG & 0x80000000) != 0": UNSIGNED == 2**31,
    "#XMMEA_EM": (UNSIGNED & 0x766BA000) == 0,
    "#xmmea_16 && true": FLAG == 0x10000,
    "PI + 100 * 2 - 50 / 2 < 1000": PI + 175 < 1000,
    "-X > 10": -X > 10,
    "DETX * DETX > 300000000": DETX * DETX > 300_000_000,
    "isNull(PI)": np.zeros(2000, bool),
    "circle(0,0,20,X,Y)": X**2 + Y**2 <= 400,
    "(X,Y) in CIRCLE(0,0,20)": X**2 + Y**2 <= 400,
    "(X,Y) in box(5,-5,10,20,0)": (np.abs(X - 5) <= 10) & (np.abs(Y + 5) <= 20),
    "annulus(0,0,10,20,X,Y)": (X**2 + Y**2 >= 100) & (X**2 + Y**2 <= 400),
    "ellipse(0,0,20,10,0,X,Y)": (X / 20) ** 2 + (Y / 10) ** 2 <= 1,
    "ellipse(0,0,20,10,90,X,Y)": (X / 10) ** 2 + (Y / 20) ** 2 <= 1 + 1e-12,
    "polygon(-10,-10,10,-10,10,10,-10,10,X,Y)": (np.abs(X) <= 10) & (np.abs(Y) <= 10),
    "rectangle(-10,-20,10,20,X,Y)": (np.abs(X) <= 10) & (np.abs(Y) <= 20),
    "rhombus(0,0,10,20,0,X,Y)": np.abs(X) / 10 + np.abs(Y) / 20 <= 1,
    "point(3,4,X,Y)": (X == 3) & (Y == 4),
    "line(-10,-10,10,10,X,Y)": (X == Y) & (np.abs(X) <= 10),
    "!((DETX,DETY) in BOX(10167,13005,3011,6575,0))": ~(
        (np.abs(DETX - 10167) <= 3011) & (np.abs(DETY - 13005) <= 6575)
    ),
}


@pytest.mark.parametrize(("text", "expected"), MEANINGS.items(), ids=MEANINGS.keys())
def test_expressions_mean_what_numpy_says(text: str, expected: np.ndarray) -> None:
    assert np.array_equal(mask(text), expected)


def test_rotation_is_counter_clockwise() -> None:
    turned = mask("box(0,0,40,2,30,X,Y)")
    angles = np.degrees(np.arctan2(Y, X))[turned & (X > 15)]
    assert len(angles) > 3
    assert np.all(np.abs(angles - 30) < 10)
    assert np.all(np.abs(np.degrees(np.arctan2(Y, X))[mask("sector(0,0,80,100,X,Y)") & (Y > 0)] - 90) <= 10)


numbers = st.integers(0, 14999)
leaves = st.one_of(
    st.tuples(
        st.sampled_from(["PI", "PATTERN", "CCDNR"]), st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), numbers
    ),
    st.tuples(st.just("PI"), st.just("in"), st.tuples(numbers, numbers)),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(st.tuples(st.just("!"), inner), st.tuples(st.sampled_from(["&&", "||"]), inner, inner)),
)


def as_text(tree: tuple) -> str:
    if tree[0] == "!":
        return f"!({as_text(tree[1])})"
    if tree[0] in ("&&", "||"):
        return f"({as_text(tree[1])}) {tree[0]} ({as_text(tree[2])})"
    return f"{tree[0]} in [{tree[2][0]}:{tree[2][1]}]" if tree[1] == "in" else " ".join(map(str, tree))


def as_mask(tree: tuple) -> np.ndarray:
    if tree[0] == "!":
        return ~as_mask(tree[1])
    if tree[0] in ("&&", "||"):
        return (np.logical_and if tree[0] == "&&" else np.logical_or)(as_mask(tree[1]), as_mask(tree[2]))
    values = NATIVE[tree[0]]
    if tree[1] == "in":
        return (values >= tree[2][0]) & (values <= tree[2][1])
    named = {"<": "less", "<=": "less_equal", "==": "equal", "!=": "not_equal", ">": "greater", ">=": "greater_equal"}
    return getattr(np, named[tree[1]])(values, tree[2])


@settings(max_examples=60, deadline=None)
@given(trees)
def test_random_expressions_equal_numpy(tree: tuple) -> None:
    assert np.array_equal(mask(as_text(tree)), as_mask(tree))


ERRORS = {
    "PATTERN <= && PI": (11, "expected a column"),
    "PI in [500:": (11, "expected ']' or ')'"),
    "(X,Y) in CIRC(1,2,3)": (9, "expected a shape"),
    "PI @ 3": (3, "'@' means nothing here"),
    "circle(1,2,X,Y)": (0, "circle was given 2 numbers"),
    "gti()": (4, "expected the name of a file"),
    "foo(3)": (0, "foo is not a function"),
    "PI && X==1": (0, "expected a condition"),
    "(PI==3)+2 == 4": (3, "expected a number"),
    "PI == 3 PATTERN": (8, "expected an operator"),
    "": (0, "found the end"),
}


@pytest.mark.parametrize(
    ("text", "position", "message"), [(text, *rest) for text, rest in ERRORS.items()], ids=ERRORS.keys()
)
def test_errors_point_at_the_character(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert caught.value.position == position
    assert str(caught.value).splitlines()[-1] == "  " + " " * position + "^"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PII > 3", "PII is not a column of this list"),
        ("#XMMEA_EMM", "did you mean 'XMMEA_EM'"),
        ("#LOOP", "refers to itself"),
    ],
)
def test_what_the_list_lacks_is_named(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        mask(text)


def test_known_attributes_are_taken_with_a_warning() -> None:
    bound = parse("#XMMEA_EP && PATTERN <= 4").bind({}, ROWS.dtype.names, attributes=EPIC_ATTRIBUTES)
    assert np.array_equal(bound.mask(ROWS), ((UNSIGNED & 0xFA0000) == 0) & (PATTERN <= 4))
    assert bound.warnings == ("#XMMEA_EP is not in the list's header; taken as (FLAG & 0xfa0000) == 0",)


def test_gti_in_both_spellings(tmp_path: Path) -> None:
    path = tmp_path / "good times.fits"
    write_gti(path, np.array([[100.0, 200.0], [300.0, 350.0]]), XMM_TIMES, "test")
    time = ROWS["TIME"]
    expected = ((time >= 100) & (time <= 200)) | ((time >= 300) & (time <= 350))
    for text in (f"gti({path},TIME)", f"TIME in gti({path})", f"GTI('{path}', TIME)", f"gti({path}[STDGTI], TIME)"):
        assert np.array_equal(mask(text), expected)
    times, others = time_intervals(parse(f"PI > 3 && gti({path},TIME)").bind(HEADER, ROWS.dtype.names))
    assert ([each.tolist() for each in times], others) == ([[[100, 200], [300, 350]]], False)


def test_region_file_holds_full_widths(tmp_path: Path) -> None:
    columns = [
        fits.Column("SHAPE", "16A", array=["!ROTBOX", "CIRCLE"]),
        fits.Column("X", "E", array=[5.0, 0.0]),
        fits.Column("Y", "E", array=[-5.0, 0.0]),
        fits.Column("R", "2E", array=[[20.0, 40.0], [30.0, 0.0]]),
        fits.Column("ROTANG", "E", array=[0.0, 0.0]),
        fits.Column("COMPONENT", "B", array=[1, 1]),
    ]
    path = tmp_path / "region.fits"
    fits.BinTableHDU.from_columns(columns, name="REG00107").writeto(path)
    expected = (X**2 + Y**2 <= 900) & ~((np.abs(X - 5) <= 10) & (np.abs(Y + 5) <= 20))
    for text in (f"region({path})", f"region({path},X,Y)", f"(X,Y) in region({path})"):
        assert np.array_equal(mask(text), expected)


def test_data_subspace_of_an_expression() -> None:
    text = "#XMMEA_EM && (PATTERN<=12) && (PI in [500:10000]) && (FLAG .eq. 0) && X > 3 || PI > 5"
    bound = parse(text.rpartition("||")[0]).bind(HEADER, ROWS.dtype.names)
    assert [(each.column, each.values, each.form) for each in bound.subspace] == [
        ("FLAG", "b000x00xx00x0x000x0xxxxxxxxxxxxx", "X"),
        ("PATTERN", ":12", ""),
        ("PI", "500:10000", ""),
        ("FLAG", "0", ""),
        ("X", "(3:", ""),
    ]
    assert parse(text).bind(HEADER, ROWS.dtype.names).subspace == []


def test_every_expression_of_a_real_espfilt_run_parses(real_data: Path) -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [text for each in value for text in texts(each)]
        return [value] if isinstance(value, str) and "PATTERN" in value else []

    found = texts(json.loads((real_data / "logs" / "espfilt_golden.json").read_text()))
    assert len(found) >= 4
    for text in found:
        parse(text)
