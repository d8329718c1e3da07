"""Fuzzing of the languages that users write: selection expressions, query texts, regions, gtibuild's text."""

from __future__ import annotations

import numpy as np

from daxa_wf.chain.preflight import _no_observations
from daxa_wf.events.expression import kinds_of, parse
from daxa_wf.events.gti_files import file_and_extension
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.observatories.erosita.native.region import parse_region
from daxa_wf.selection.query import compile_query
from tests.fuzz.driver import fuzz
from tests.standins.gti_text import gtibuild

ROWS = np.zeros(5, [("TIME", ">f8"), ("PI", ">i2"), ("X", ">i4"), ("Y", ">i4"), ("FLAG", ">i4"), ("PATTERN", "u1")])
HEADER = {"XMMEA_EM": "(FLAG & 0x766ba000) == 0", "LIMIT": 500, "BOMB": "||".join(["#BOMB"] * 12), "TNULL2": -1}

EXPRESSIONS = (
    "PI in [500:10000] && (FLAG & 0x766ba000) == 0", "PATTERN .le. 12 .and. FLAG .eq. 0", "#XMMEA_EM || PI >= #LIMIT",
    "(X,Y) in CIRCLE(26188.5,22816.5,600) && !(PI in 3:4,(5:6))", "isNull(PI) || ellipse(0,0,20,10,90,X,Y)",
    "polygon(-10,-10,10,-10,10,10,-10,10,X,Y)", "TIME / 2 * 3 - -X + 1e3 < 2.5d2", "true && FLAG ^ b1010 | 3 != 0",
    "annulus(0,0,10,20,X,Y) && sector(0,0,80,100,X,Y)",
)  # fmt: skip
EXPRESSION_WORDS = (
    "(", ")", "!", "-", "&&", "||", "&", "|", "^", "in", "[", "]", ":", ",", "#BOMB", "#LIMIT", "#XMMEA_EM", "TIME", "PI",
    "1", "1.5", "0", "0x7f", "b1", "true", "/", "==", "<", "isNull(", "gti(", "region(", "circle(", "box(", "1 == 1",
    "TIME & 1", "'", '"', "(" * 100, "!" * 2000, "-" * 2000, "+1" * 3000, "&&true" * 3000, "1e400", "99999999999999999999",
)  # fmt: skip


def use_expression(text: str) -> None:
    """Parse an expression as check-config does, bind it to a list, and ask it about rows, as a job does."""
    mask = parse(text).bind(HEADER, ROWS.dtype.names, kinds=kinds_of(ROWS.dtype)).mask(ROWS)
    assert mask.shape == ROWS.shape
    assert mask.dtype == bool


def test_every_selection_expression_ends_with_a_mask_or_an_error_of_the_package() -> None:
    fuzz(use_expression, EXPRESSIONS, EXPRESSION_WORDS, cases=800)


TABLE = _no_observations(MISSIONS["xmm_pointed"])
QUERIES = (
    "PN > 10 ks AND start >= 2010-01-01", "instrument = PN OR NOT (exposure < 5000)", "cone(149.6, -11.1, 30 arcmin)",
    "obsid IN (0201903501, '0404910601')", "box(10, -5, 20, 5)", "polygon(1, 1, 3, 1, 2, 3)", "cone('Abell 907', 1 deg)",
    "target != 'M 31' AND science_usable = true",
)  # fmt: skip
QUERY_WORDS = (
    "(", ")", ",", "AND", "OR", "NOT ", "IN", "=", "<", ">=", "!=", "1", "deg", "ks", "2010-13-01", "9999-12-31", "0001-01-01",
    "'", '"', "cone(", "box(", "polygon(", "PN", "ra", "start", "obsid", "1e308", "1e308 Ms", "(" * 100, "NOT " * 2000,
    " AND ra > 1" * 2000, "-91", "inf",
)  # fmt: skip


def use_query(text: str) -> None:
    """Compile a query as check-config does, and ask it about a table as a selection does."""
    compile_query(text, lambda _: (149.6, -11.1)).keep(TABLE, MISSIONS["xmm_pointed"])


def test_every_query_text_ends_with_a_filter_or_an_error_of_the_package() -> None:
    fuzz(use_query, QUERIES, QUERY_WORDS, cases=800)


REGIONS = (
    "fk5; circle(133.237, 5.461, 0.1)", "icrs; box(08:52:56.9, -05:27:39, 90', 5400\", 30); -circle(133.2d,5.4d,0.1d)",
    "j2000; annulus(1,2,0.1,0.2); ellipse(1 2 0.5 0.2 45)",
)  # fmt: skip


def use_region(text: str) -> None:
    """Read a region, write it, and ask it about positions."""
    region = parse_region(text)
    assert parse_region(str(region)).contains(np.array([133.2, np.nan]), np.array([5.4, 91.0])).shape == (2,)


def test_every_sky_region_ends_with_a_region_or_an_error_of_the_package() -> None:
    fuzz(
        use_region,
        REGIONS,
        ("circle(", ")", ";", "-", "'", '"', "d", "e", ":", "fk5", "60:60", "360", "-90"),
        cases=800,
    )


GTIBUILD = (
    "# good\n0 100 +\n200 300 -\n50 60\n", "timeref 2001-03-09T12:50:44\n100 1000 +g 10 20\n", "5 99 -b 1 9\n0 50 +b 3 4 # x\n",
)  # fmt: skip


def test_every_text_of_gtibuild_ends_with_intervals_or_an_error_of_the_package() -> None:
    words = (
        "timeref",
        "+",
        "-",
        "+g",
        "-b",
        "\n",
        "#",
        "0",
        "1e15",
        "1e-9",
        "1e308",
        "nan",
        "inf",
        "2001-03-09",
        " 0 0 -b 0 1e-9",
    )
    fuzz(gtibuild, GTIBUILD, words, cases=800)


def test_every_name_of_a_file_ends_with_a_path_or_an_error_of_the_package() -> None:
    fuzz(
        file_and_extension,
        ("gti.fits", "gti.fits:STDGTI01", "gti.fits+1", "a/b[GTI]"),
        ("[", "]", ":", "+", "/" * 5000),
        cases=300,
    )
