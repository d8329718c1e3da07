"""Objects from SIMBAD and NED through astroquery, against services on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table
from pytest_httpserver import HTTPServer
from pyvo.dal import TAPService
from werkzeug import Request, Response

from daxa_wf.errors import ConfigError, ServiceError
from daxa_wf.tables.names import NameStore
from daxa_wf.tables.objects import look_up
from daxa_wf_simulator.tap_service import HttpAnswer, serve_tables, votable

BASIC = Table({"oid": [1575544], "main_id": ["M  31"], "ra": [10.684708], "dec": [41.26875], "otypes": ["AGN|G|X|"]})
IDENT = Table({"id": ["M  31", "NGC   224", "2MASX J00424433+4116074"]})
NED = Table({"Object Name": ["ABELL 0907"], "RA": [149.5917], "DEC": [-11.0639], "Type": ["GClstr"]})
pytestmark = pytest.mark.filterwarnings("ignore")  # astropy's VOTable warnings cannot be sent between processes
NOTHING = Table(names=("oid", "main_id"), dtype=(int, str))


@pytest.fixture
def simbad(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    from astroquery.simbad import Simbad, SimbadClass

    asked: list[str] = []

    def answer(query: str, sent: HttpAnswer) -> HttpAnswer:
        asked.append(query)
        table = IDENT if query.startswith("SELECT id") else BASIC if "ident.id = 'M31'" in query else NOTHING
        return 200, {"Content-Type": "application/x-votable+xml"}, votable(table)

    with serve_tables({}, answer) as url:
        monkeypatch.setattr(SimbadClass, "tap", property(lambda self: TAPService(url)))
        monkeypatch.setattr(SimbadClass, "hardlimit", property(lambda self: 2_000_000))
        Simbad.clear_cache()
        yield asked


@pytest.fixture
def ned(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> Any:
    from astroquery.ipac.ned import Ned, NedClass

    monkeypatch.setattr(NedClass, "OBJ_SEARCH_URL", httpserver.url_for("/objsearch"))
    monkeypatch.setattr(Ned, "OBJ_SEARCH_URL", httpserver.url_for("/objsearch"), raising=False)
    Ned.clear_cache()
    return httpserver


def test_simbad_gives_position_kinds_and_aliases(simbad: list[str]) -> None:
    found = look_up("M31")
    assert found is not None
    assert (found.name, found.service) == ("M  31", "SIMBAD")
    assert (found.ra, found.dec) == pytest.approx((10.684708, 41.26875))
    assert found.kinds == ("AGN", "G", "X")
    assert found.aliases == ("M 31", "NGC 224", "2MASX J00424433+4116074")


def test_a_quote_in_a_name_stays_in_the_name(simbad: list[str], ned: HTTPServer) -> None:
    ned.expect_request("/objsearch").respond_with_data(
        '<VOTABLE><RESOURCE><PARAM name="Error" value="The name is not currently recognized"/></RESOURCE></VOTABLE>'
    )
    assert look_up("x' OR id = 'M31") is None
    assert "ident.id = 'x'' OR id = ''M31'" in simbad[0]


def test_ned_knows_what_simbad_does_not(simbad: list[str], ned: HTTPServer) -> None:
    ned.expect_request("/objsearch").respond_with_data(votable(NED), content_type="text/xml")
    found = look_up("Abell 907 of old")
    assert found is not None
    assert (found.service, found.kinds, found.ra) == ("NED", ("GClstr",), pytest.approx(149.5917))


def test_names_are_resolved_by_simbad_when_sesame_is_dead(simbad: list[str], ned: HTTPServer, tmp_path: Path) -> None:
    assert NameStore(tmp_path, ["http://127.0.0.1:9/"]).resolve("M31") == pytest.approx((10.684708, 41.26875))
    assert '"service": "SIMBAD"' in (tmp_path / "names.json").read_text()


def test_services_that_cannot_be_asked_are_told(monkeypatch: pytest.MonkeyPatch, ned: HTTPServer) -> None:
    from astroquery.simbad import SimbadClass

    monkeypatch.setattr(SimbadClass, "tap", property(lambda self: TAPService("http://127.0.0.1:9/tap")))
    ned.expect_request("/objsearch").respond_with_data("<html>maintenance</html>")
    with pytest.raises(ServiceError, match=r"'M32' cannot be looked up: SIMBAD: .*; NED: "):
        look_up("M32")


@pytest.mark.parametrize("body", ["x" * 30_000_000, "<html>maintenance</html>", "%J 400.0 +41.2\n", "%J 1e9 +41.2\n#"])
def test_answers_of_sesame_that_cannot_be_right_are_passed_over(
    body: str, simbad: list[str], ned: HTTPServer, tmp_path: Path
) -> None:
    """30 MB are more than `limits.listing`; astropy would have filled the disk."""
    ned.expect_request("/sesame/SNV").respond_with_data(body)
    if body.startswith("%J 1e9"):
        with pytest.raises(ConfigError, match="Sesame does not know the name 'M31'"):
            NameStore(tmp_path, [ned.url_for("/sesame/")]).resolve("M31")
        return
    assert NameStore(tmp_path, [ned.url_for("/sesame/")]).resolve("M31") == pytest.approx((10.684708, 41.26875))
    assert '"service": "SIMBAD"' in (tmp_path / "names.json").read_text()


def test_the_second_sesame_is_asked_when_the_first_fails(ned: HTTPServer, tmp_path: Path) -> None:
    ned.expect_request("/one/SNV").respond_with_data("sorry", status=404)
    ned.expect_request("/two/SNV").respond_with_data("# M 31\t#Q1\n%J 10.6847083 +41.26875 = 00 42\n")
    urls = [ned.url_for("/one/"), ned.url_for("/two/")]
    assert NameStore(tmp_path, urls).resolve("M 31") == pytest.approx((10.6847083, 41.26875))


def test_endless_answers_of_object_services_are_given_up(monkeypatch: pytest.MonkeyPatch, ned: HTTPServer) -> None:
    from astroquery.simbad import SimbadClass

    def endless(request: Request) -> Response:
        return Response((b"x" * 100_000 for _ in range(10_000)), direct_passthrough=True)

    ned.expect_request("/tap/sync").respond_with_handler(endless)
    ned.expect_request("/objsearch").respond_with_handler(endless)
    monkeypatch.setattr(SimbadClass, "tap", property(lambda self: TAPService(ned.url_for("/tap"))))
    with pytest.raises(ServiceError, match=r"SIMBAD: .*larger than .*NED: .*larger than"):
        look_up("M32")
