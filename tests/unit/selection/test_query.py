"""Query text: what it means, and what mistakes are told; names of objects."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from daxa_wf.errors import ConfigError, ExpressionError, ServiceError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.query import compile_query
from daxa_wf.tables.names import NameStore, j_position

NUSTAR = MISSIONS["nustar_pointed"]
ROWS = pd.DataFrame({
    "obsid": [f"{n:011d}" for n in range(4)], "ra": [10.0, 10.5, 200.0, 359.5], "dec": [0.0, 0.5, 45.0, 0.0],
    "start": pd.to_datetime(["2009-12-31", "2010-01-01", "2015-06-01", "2020-01-01"]),
    "exposure": [5e3, 10e3, 20e3, 1e6], "target_type": ["AGN", "GCL", "AGN", "TOO"],
    "instruments": ["FPMA", "FPMB", "FPMA FPMB", "FPMA"], "target": ["M 31", "Abell 907", "3C 273", "x"],
})  # fmt: skip

MEANINGS = {
    "exposure > 10ks": [2, 3],
    "exposure >= 10 ks AND start >= 2010-01-01": [1, 2, 3],
    "target_type IN (GCL, AGN) and not exposure < 6000": [1, 2],
    "target_type NOT IN (GCL, AGN)": [3],
    "start < 2010-01-01T00:00 OR target = 'abell 907'": [0, 1],
    "cone(10, 0, 1deg)": [0, 1],
    "cone('M31', 30 arcmin)": [0],
    "box(359, -1, 11, 1)": [0, 1, 3],
    "target_type IN {GCL, AGN}": [0, 1, 2],
    "obsid NOT IN {'00000000002'}": [0, 1, 3],
    "cone('M31', '1deg')": [0, 1],
    "cone('10', '0 deg', ' 30 arcmin ')": [0],
    "exposure > '10 ks' AND start >= '2016-01-01'": [3],
    "polygon(9, -1, 12, -1, 12, 1, 9, 1)": [0, 1],
    "instrument = FA": [0, 2, 3],
    "instrument != FPMB": [0, 3],
    "obsid = '00000000002'": [2],
    "(exposure > 1 OR exposure < 1) AND (ra > 100)": [2, 3],
    "M31": [0],
    "'M31' AND exposure > 6 ks": [],
    "NOT 'M31'": [1, 2, 3],
    "NOT (dec > 0 OR exposure > 100 ks)": [0],
}


def names(name: str) -> tuple[float, float]:
    assert name == "M31"
    return 10.0, 0.0


@pytest.mark.parametrize(("text", "expected"), MEANINGS.items(), ids=MEANINGS.keys())
def test_queries_mean_what_they_say(text: str, expected: list[int]) -> None:
    assert np.flatnonzero(compile_query(text, names).keep(ROWS, NUSTAR)).tolist() == expected


ERRORS = {
    "exposure >": (10, "expected a value"),
    "exposure 10ks": (9, "expected = =="),
    "exposure > 10ks AND": (19, "expected a column"),
    "cone(10, 0)": (5, "expected a name in quotes"),
    "cone(10, 0, 1, 2)": (0, "write cone("),
    "cone('M31', 1deg)": (5, "names cannot be resolved here"),
    "exposure > 10ks exposure < 3": (16, "expected AND, OR or the end"),
    "exposure > 10ks; DROP TABLE x": (15, "';' has no meaning here"),
    "(exposure > 10ks": (16, "expected ')'"),
    "exposure IN {1, 2)": (17, "expected '}'"),
    "exposure IN (1, 2}": (17, "expected ')'"),
    "cone(1, 2, '3 parsec')": (11, "expected a number of degrees"),
    "cone(1, 2, '3 ks')": (11, "expected a number of degrees"),
    "start > 2010-13-45": (8, "is not a date"),
    "__import__('os')": (10, "expected = =="),
}


@pytest.mark.parametrize(
    ("text", "position", "message"), [(text, *rest) for text, rest in ERRORS.items()], ids=ERRORS.keys()
)
def test_mistakes_point_at_the_character(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_query(text)
    assert message in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "message"),
    [("grating = HETG", "no column 'grating'"), ("start > 5", "expected a date"), ("exposure > long", "expected a number"),
     ("instrument = ACIS", "no instrument 'ACIS'")],
)  # fmt: skip
def test_what_the_table_cannot_answer_is_told(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compile_query(text).keep(ROWS, NUSTAR)


@pytest.fixture
def sesame() -> Iterator[tuple[str, list[str]]]:
    """A loopback Sesame that knows M31."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(unquote(self.path))
            known = "M31" in asked[-1]
            answer = b"%J 10.6847083 +41.2687500 = 00 42 44.33 +41 16 07.5\n" if known else b"#!E No known\n"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"#=S=Simbad\n" + answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
        server.shutdown()


def test_names_are_resolved_once_and_repeat_offline(tmp_path: Path, sesame: tuple[str, list[str]]) -> None:
    url, asked = sesame
    assert NameStore(tmp_path, [url]).resolve("M31") == pytest.approx((10.6847083, 41.26875))
    assert len(asked) == 1
    assert NameStore(tmp_path, ["http://127.0.0.1:9/"]).resolve(" m31 ") == pytest.approx((10.6847083, 41.26875))
    assert json.loads((tmp_path / "names.json").read_text())["m31"]["name"] == "M31"
    (tmp_path / "other").mkdir()
    for damaged in ("", "{", "[1]", '{"m31": 5}', '{"m31": {"ra": "x", "dec": 1}}'):
        (tmp_path / "other" / "names.json").write_text(damaged)
        assert NameStore(tmp_path / "other", [url]).resolve("M31") == pytest.approx((10.6847083, 41.26875))
    with pytest.raises(ConfigError, match="know the name 'Nowhere 5'"):
        NameStore(tmp_path, [url]).resolve("Nowhere 5")
    with pytest.raises(ServiceError, match=r"'M33' cannot be resolved: no answer from http://127.0.0.1:9/"):
        NameStore(tmp_path, ["http://127.0.0.1:9/"]).resolve("M33")


J_NAMES = {
    # Hours, minutes and seconds times 15; degrees, minutes and seconds.
    "J1200+3000": (180.0, 30.0),
    "J123456.7-123456": (188.73625, -12.582222222222223),
    "RX J1347.5-1145": (206.875, -11.75),
    "PSR J0537-6910": (84.25, -69.16666666666667),
    "SDSSJ134730.59-114509.3": (206.87745833333, -11.75258333333),
    "2MASX J13473032-1145104": (206.87633333333, -11.75288888889),
    "swift j0000.0-0030": (0.0, -0.5),
}


@pytest.mark.parametrize("name", J_NAMES)
def test_j_coordinates_need_no_service(tmp_path: Path, name: str) -> None:
    assert NameStore(tmp_path, []).resolve(name) == pytest.approx(J_NAMES[name], abs=1e-9)
    assert not (tmp_path / "names.json").exists()


def test_names_that_are_not_j_coordinates(tmp_path: Path) -> None:
    for name in ("PSR B0656+14", "NGC 5128", "J12+34", "1ES 0102-72", "J1234", "TXS J1299+1200", "J1234+1234 b"):
        assert j_position(name) is None, name
    for name in ("J1234+5678", "J2534+1234", "J1234+9001"):
        with pytest.raises(ConfigError, match="the sky has no such place"):
            NameStore(tmp_path, []).resolve(name)


def test_a_name_that_a_service_resolved_earlier_keeps_its_position(tmp_path: Path) -> None:
    entry = {"name": "RX J1347.5-1145", "ra": 206.8775, "dec": -11.7526, "service": "Sesame", "resolved": "2026-01-01"}
    (tmp_path / "names.json").write_text(json.dumps({"rx j1347.5-1145": entry}))
    assert NameStore(tmp_path, []).resolve("RX  J1347.5-1145") == (206.8775, -11.7526)
