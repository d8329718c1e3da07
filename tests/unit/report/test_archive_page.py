"""The archive's page: every observation on the map, in time and in the table; large archives stay small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.origin import Origin, write_origin
from daxa_wf.archive.records import Record, Status, record_text, write_record
from daxa_wf.report.archive_page import MOST_CAUSES, MOST_WARNINGS, _given, exposures_by_instrument, write_archive_page
from daxa_wf.report.archive_rows import ObservationRow
from daxa_wf.report.summary import Summary
from daxa_wf.units import Unit
from tests.unit.report.archives import SWIFT, XMM


def reported(layout: Layout, unit: Unit, **summary: object) -> None:
    """A record of an observation's report, written without waiting for the disk."""
    path = layout.record("report", unit)
    path.parent.mkdir(parents=True)
    path.write_text(record_text(Record("report", unit, Status.DONE, results={"usable": True, "summary": summary})))


def row_of(page: str, obsid: str) -> str:
    """The line of an observation's row."""
    return next(line for line in page.splitlines() if line.startswith("<tr><td>") and f">{obsid}<" in line)


def test_a_row_has_the_facts_and_links_of_its_observation(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    reported(layout, XMM, target="Abell 907", ra=149.5925, dec=-11.0642, start="2004-05-29T01:00:00",
             end="2004-05-29T06:00:00", exposures={"M1": 9231.5, "PN": 7000.0})  # fmt: skip
    folder = layout.observation(XMM)
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("a page")
    (folder / "thumbnail.png").write_bytes(b"png")
    page = write_archive_page(layout).read_text()
    row = row_of(page, XMM.obsid)
    where = f"processed_data/xmm_pointed/{XMM.obsid}"
    assert f'<img src="{where}/thumbnail.png" alt="" loading="lazy"' in row
    assert f'<a href="{where}/report.html">{XMM.obsid}</a>' in row
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row)[2:]
    assert cells == [
        "XMM-Newton Pointed",
        "Abell 907",
        "149.5925",
        "-11.0642",
        "2004-05-29",
        "9.2",
        "",
        "",
        "",
        "usable",
    ]
    assert page.count('data-i="0"') == 3, "on the sky, in its field and in time"
    assert "<tr><td>XMM-Newton Pointed</td><td>PN</td>" in page


def test_observations_without_a_report_have_the_facts_of_the_table(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    write_record(layout, Record("acquire", SWIFT, Status.REJECTED, reason="notPublic", message="until 2030"))
    table = layout.root / "selection" / "swift_selection.tsv"
    table.parent.mkdir()
    table.write_text(f"obsid\tra\tdec\tstart\tend\ttarget\n{SWIFT.obsid}\t21.7\t33.1\t2014-11-07T00:00:00\t\tMrk 1\n")
    layout.failed_observation(SWIFT).mkdir(parents=True)
    page = write_archive_page(layout).read_text()
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row_of(page, SWIFT.obsid))
    assert cells[3:7] == ["Mrk 1", "21.7000", "33.1000", "2014-11-07"]
    assert cells[-1] == "nothing usable"
    assert "<b>notPublic</b>: until 2030" in page


def test_the_title_of_an_archive_called_archive_reads_well(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    write_record(layout, Record("report", SWIFT, Status.DONE))
    text = write_archive_page(layout).read_text()
    assert "archive archive" not in text.lower()
    assert "<title>X-ray observations in archive</title>" in text


def test_warnings_and_failures_of_many_units_do_not_flood_the_page(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    warnings = [{"task": "espfilt", "name": "secondHump", "text": "a second population"}]
    for number in range(MOST_CAUSES + 7):
        unit = Unit("xmm_pointed", f"{number:010d}", "M1", "S001")
        noted = warnings if number < MOST_WARNINGS + 7 else []
        write_record(
            layout, Record("espfilt", unit, Status.REJECTED, reason="noCounts", message="none", warnings=noted)
        )
    text = write_archive_page(layout).read_text()
    assert text.count("a second population") == MOST_WARNINGS
    assert text.count("<b>noCounts</b>") == MOST_CAUSES
    assert text.count("and 7 more units") == 2


def test_the_configuration_is_shown_without_empty_options(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    reported(layout, SWIFT)
    write_origin(
        layout, Origin(options={"swift": {"engine": "<b>", "select": {"names": None, "public": False, "radius": 0}}})
    )
    page = write_archive_page(layout).read_text()
    assert (
        "<details><summary>swift</summary><pre>{\n &#34;engine&#34;: &#34;&lt;b&gt;&#34;,\n &#34;select&#34;: {\n"
        in page
    )
    assert "names" not in page.split("<pre>")[1].split("</pre>")[0]
    assert _given({"a": {"b": None}, "c": 0}) == {"c": 0}


def observation(number: int, status: str, **exposures: float) -> ObservationRow:
    summary = Summary(exposures=exposures)
    return ObservationRow(number, Unit("m", str(number)), "Mission", "", "", summary, ("A",), status, 0, 0)


def test_exposures_are_added_up_over_requested_observations() -> None:
    rows = [observation(0, "usable", A=100.5, B=10.0), observation(1, "usable", A=99.5),
            observation(2, "no longer requested", A=1e6)]  # fmt: skip
    times = [(item.instrument, item.seconds, item.observations, item.share) for item in exposures_by_instrument(rows)]
    assert times == [("A", 200.0, 2, 1.0), ("B", 10.0, 1, 0.05)]


@pytest.fixture(scope="module")
def large_archive(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """2,000 observations with thumbnails."""
    layout = Layout(tmp_path_factory.mktemp("large") / "archive")
    for number in range(2000):
        unit = Unit("xmm_pointed", f"{number:010d}")
        reported(layout, unit, target=f"Target with a long name {number}", ra=(number * 0.777) % 360, dec=number % 160 - 80,
                 start=f"20{number % 24:02}-03-01T00:00:00", end=f"20{number % 24:02}-03-02T00:00:00",
                 exposures={"M1": 1e4 + number, "M2": 1e4, "PN": 8e3})  # fmt: skip
        folder = layout.observation(unit)
        folder.mkdir(parents=True)
        (folder / "report.html").write_text("a page")
        (folder / "thumbnail.png").write_bytes(b"png")
    return layout


def test_two_thousand_observations_make_a_page_below_two_megabytes(large_archive: Layout) -> None:
    page = write_archive_page(large_archive)
    assert page.stat().st_size < 1_500_000
    text = page.read_text()
    assert text.count('loading="lazy"') == 2000
    assert text.count("data-i=") == 4000
    assert "data:image" not in text
