"""The facts of an observation: from the mission's table first, then from the headers of its products."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status
from daxa_wf.report.facts import observation_facts, sexagesimal
from daxa_wf.report.observation_page import shown_facts
from daxa_wf.report.summary import Summary
from daxa_wf.units import Unit
from tests.unit.report.archives import SWIFT, XMM, delivered, tangent_header, write_image

HEADER = {
    "OBJECT": "Abell 907", "RA_PNT": 149.59, "DEC_PNT": -11.06, "DATE-OBS": "2004-05-29T01:02:03", "REVOLUT": 819,
    "FILTER": "Thin1", "SUBMODE": "PrimeFullWindow", "ONTIME": 9231.5, "LIVETIME": 9100.0,
}  # fmt: skip


def event_list(path: Path, **cards: object) -> Path:
    events = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=np.arange(5.0))], name="EVENTS")
    events.header.update({**HEADER, **cards})
    fits.HDUList([fits.PrimaryHDU(), events]).writeto(path)
    return path


def write_table(layout: Layout, mission: str, **values: object) -> None:
    path = layout.root / "selection" / f"{mission}_selection.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\t".join(values) + "\n" + "\t".join(map(str, values.values())) + "\n")


def test_headers_give_the_facts(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    names = {
        f"obsid{XMM.obsid}-inst{inst}-subexpALL-finalevents.fits": event_list(tmp_path / inst) for inst in ("M1", "M2")
    }
    facts = observation_facts(layout, XMM, [delivered(layout, names, XMM)])
    shown = dict(shown_facts(facts))
    assert shown["Target"] == "Abell 907"
    assert shown["Position (ICRS)"] == "09h58m21.6s -11°03′36″ (149.5900°, -11.0600°)"
    assert shown["Start (UTC)"] == "2004-05-29 01:02:03"
    assert (shown["Revolution"], shown["Filter"], shown["Mode"]) == ("819", "Thin1", "PrimeFullWindow")
    assert shown["Good time"] == "M1 9.2 ks, M2 9.2 ks"
    assert "Public since" not in shown
    assert [item.events for item in facts.lists] == [5, 5]
    assert Summary.from_facts(facts).exposures == {"M1": 9231.5, "M2": 9231.5}


def test_the_table_is_preferred_and_adds_what_headers_lack(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    write_table(layout, "swift", obsid=SWIFT.obsid, ra=21.7, dec=33.1, start="2014-11-07T00:00:00", target="Mrk 1",
                proprietary_end="2015-01-02T00:00:00", target_type="AGN", xrt_exposure=1500.0)  # fmt: skip
    path = event_list(tmp_path / "list", ONTIME="none", LIVETIME=0)
    names = {f"obsid{SWIFT.obsid}-instXRT-subexp{mode}-finalevents.fits": path for mode in ("pcw3po", "wtw2st")}
    facts = observation_facts(layout, SWIFT, [delivered(layout, names)])
    shown = dict(shown_facts(facts))
    assert (shown["Target"], shown["Target type"], shown["Public since"]) == ("Mrk 1", "AGN", "2015-01-02")
    assert facts.ra == 21.7
    assert facts.exposures == {"XRT": 1500.0}, "once, although there are two lists"


def test_lists_of_one_instrument_are_added_up_and_joined_instruments_are_parted(tmp_path: Path) -> None:
    layout, unit = Layout(tmp_path / "archive"), Unit("erosita_calpv", "700199")
    path = event_list(tmp_path / "list", ONTIME=100.0)
    names = {f"obsid700199-inst{inst}-subexp{number}-finalevents.fits": path
             for inst, number in (("TM1_TM2", 1), ("TM2", 2))}  # fmt: skip
    assert observation_facts(layout, unit, [delivered(layout, names, unit)]).exposures == {"TM1": 100.0, "TM2": 200.0}


def test_an_image_gives_its_position_if_nothing_else_does(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    path = write_image(tmp_path / "a.fits", np.ones((4, 4)), tangent_header(55.83, -53.73, 0.01, (2.0, 2.0)))
    record = delivered(layout, {f"obsid{SWIFT.obsid}-instXRT-subexpNone-image.fits": path})
    facts = observation_facts(layout, SWIFT, [record])
    assert (facts.ra, facts.dec) == (55.83, -53.73)


def test_kept_and_removed_time_comes_from_the_cleaning(tmp_path: Path) -> None:
    unit = Unit("xmm_pointed", XMM.obsid, "M1", "S001")
    record = Record("espfilt", unit, Status.DONE, results={"kept_seconds": 7500.0, "lost_seconds": 2500.0})
    facts = observation_facts(Layout(tmp_path), XMM, [record])
    assert dict(shown_facts(facts)) == {"Kept and removed": "M1 S001 7.5 ks, 25 % removed"}


def test_lists_without_times_have_those_that_cleaning_kept(tmp_path: Path) -> None:
    layout, unit = Layout(tmp_path / "archive"), Unit("xmm_pointed", XMM.obsid, "M1", "S001")
    path = event_list(tmp_path / "list", ONTIME="none", LIVETIME=0)
    final = delivered(layout, {f"obsid{XMM.obsid}-instM1-subexpALL-finalevents.fits": path}, XMM)
    cleaned = [Record("espfilt", unit, Status.DONE, results={"kept_seconds": 70.0, "lost_seconds": 1.0}),
               Record("espfilt", Unit("xmm_pointed", XMM.obsid, "M1", "U002"), Status.DONE,
                      results={"kept_seconds": 30.0, "lost_seconds": 1.0})]  # fmt: skip
    assert observation_facts(layout, XMM, [*cleaned, final]).exposures == {"M1": 100.0}


@pytest.mark.parametrize("content", ["", "not a table", "obsid\tra\n00085374001\twest\n", "\0", "obsid\n\xff"])
def test_damaged_tables_and_files_give_no_facts(tmp_path: Path, content: str) -> None:
    layout = Layout(tmp_path / "archive")
    (layout.root / "selection").mkdir(parents=True)
    (layout.root / "selection" / "swift_selection.tsv").write_bytes(content.encode("latin-1"))
    broken = tmp_path / "broken"
    broken.write_bytes(b"SIMPLE  = nonsense")
    record = delivered(layout, {f"obsid{SWIFT.obsid}-instXRT-subexpNone-finalevents.fits": broken})
    facts = observation_facts(layout, SWIFT, [record])
    assert shown_facts(facts) == []
    assert Summary.from_facts(facts) == Summary()


def test_a_record_without_a_sound_summary_leaves_the_table(tmp_path: Path) -> None:
    row = {"target": "Mrk 1", "ra": "21.7", "dec": "x", "start": "2014-11-07"}
    for saved in (None, 3, {"ra": "far", "exposures": [1], "target": 5, "dec": math.inf}):
        record = Record("report", SWIFT, Status.DONE, results={"summary": saved})
        assert Summary.from_record(record, row) == Summary("Mrk 1", 21.7, None, "2014-11-07", "", {})
    sound = Summary("M 31", 10.68, 41.27, "2000-01-01", "2000-01-02", {"XRT": 5.0})
    record = Record("report", SWIFT, Status.DONE, results={"summary": sound.as_results()})
    assert Summary.from_record(record, row) == sound


def test_positions_are_written_as_astronomers_do() -> None:
    assert sexagesimal(359.9999999, -0.0001) == "00h00m00.0s -00°00′00″"
    assert sexagesimal(83.6331, 22.0145) == "05h34m31.9s +22°00′52″"
