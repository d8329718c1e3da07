"""Summaries of odfingest: genuine ones, their traps, and ODFs seen through links."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daxa_wf.errors import Fault, StepFailedError
from daxa_wf.observatories.xmm.sas.odf_summary import OdfSummary, parse_odf_summary, read_odf_summary, with_path
from daxa_wf.observatories.xmm.sas.odf_view import make_odf_view
from daxa_wf_simulator.odf import M1, PN, PN_DIAGNOSTIC, PN_OFFSET, PN_TIMING, RawExposure, every, make_odf
from tests.standins.odf import summary_of

A907 = {"0201903501": "0828_0201903501_SCX00000SUM.SAS", "0404910601": "1184_0404910601_SCX00000SUM.SAS"}


def genuine(real_data: Path, obsid: str) -> OdfSummary:
    return read_odf_summary(real_data / "xmm" / "a907" / obsid / "odf" / A907[obsid])


@pytest.mark.parametrize(
    ("obsid", "revolution", "start", "end", "files", "exposures"),
    [
        ("0201903501", "0828", "2004-06-17T10:38:28.000", "2004-06-17T14:47:01.000", 176,
         {"M1": 1, "M2": 1, "R1": 10, "R2": 10, "PN": 13, "OM": 11}),
        ("0404910601", "1184", "2006-05-27T09:57:27.000", "2006-05-27T15:42:37.000", 185,
         {"M1": 1, "M2": 1, "R1": 15, "R2": 15, "PN": 14, "OM": 11}),
    ],
)  # fmt: skip
def test_genuine_summaries(
    real_data: Path, obsid: str, revolution: str, start: str, end: str, files: int, exposures: dict[str, int]
) -> None:
    summary = genuine(real_data, obsid)
    assert (summary.obsid, summary.revolution, summary.start, summary.end) == (obsid, revolution, start, end)
    assert len(summary.files) == files
    assert summary.manifest == "xmmsas_20141104_1833-14.0.0"
    assert summary.path.endswith(f"/{obsid}/odf")
    assert {name: len(summary.of(name)) for name in summary.active} == exposures
    assert all(summary.active.values())
    usable = [(each.instrument, each.exposure, each.mode, each.filter) for each in summary.usable()]
    assert usable == [
        ("M1", "S001", "PrimeFullWindow", "Thin1"),
        ("M2", "S002", "PrimeFullWindow", "Thin1"),
        ("R1", "S004", "HighEventRateWithSES", ""),
        ("R2", "S005", "HighEventRateWithSES", ""),
        ("PN", "S003", "PrimeFullWindowExtended", "Thin1"),
    ]


def test_traps_of_genuine_summaries(real_data: Path) -> None:
    summary = genuine(real_data, "0404910601")
    pn = {each.exposure: each for each in summary.of("PN")}
    assert pn["S003"].number == pn["U003"].number == 3
    assert (pn["S003"].scheduled, pn["U003"].scheduled) == (True, False)
    assert (pn["U003"].type, pn["U003"].filter) == ("SCIENCE", "")
    assert pn["U003"].unfit == "mode Diagnostic: not a science mode"
    assert pn["U003"].modes == {2: "DiscardedLinesData"}
    assert pn["U601"].unfit == "mode Offset: not a science mode"
    assert (pn["U601"].start, pn["U601"].filter) == ("2006-05-27T10:50:11.000", "Thin1")
    assert pn["S003"].imaging_ccds == list(range(1, 13))
    (m1,) = summary.of("M1")
    assert m1.imaging_ccds == [1, 2, 3, 4, 5, 7]
    assert {each.exposure for each in summary.of("R1") if not each.unusable} == {"S004"}
    om = {each.exposure: each for each in summary.of("OM")}
    assert (om["S400"].mode, om["S401"].filter, om["S401"].modes) == ("UNDEFINED", "UVW1", {0: "Imaging", 1: "Imaging"})


def test_path_is_where_the_odf_is_now(real_data: Path) -> None:
    path = real_data / "xmm" / "a907" / "0201903501" / "odf" / A907["0201903501"]
    text = path.read_text()
    moved = with_path(text, Path(r"/new place/0201903501\1"))
    assert parse_odf_summary(moved).path == r"/new place/0201903501\1"
    changed = [(a, b) for a, b in zip(text.splitlines(), moved.splitlines(), strict=True) if a != b]
    assert len(changed) == 1
    without = "\n".join(line for line in text.splitlines() if not line.startswith("PATH "))
    assert parse_odf_summary(with_path(without, Path("/here"))).path == "/here"


def test_simulated_odf_agrees_with_a_genuine_parsed_summary(real_data: Path, tmp_path: Path) -> None:
    """The summary of an ODF made from the recorded content of 0204310101 has just that content."""
    recorded = json.loads((real_data / "logs" / "phl1811_0204310101_observation_summary_parsed.json").read_text())
    exposures = [
        RawExposure(
            instrument, name, exposure["mode"], exposure["filter"] or "",
            [(int(ccd), mode) for ccd, mode in exposure["ccd_modes"].items()], type=exposure["type"],
        )
        for instrument, content in recorded.items()
        for name, exposure in content["exposures"].items()
    ]  # fmt: skip
    odf = make_odf(tmp_path / "odf", "0204310101", exposures, "0868")
    name, text = summary_of(odf, str(odf), "xmmsas_20211130_0941-20.0.0")
    summary = parse_odf_summary(text, name)
    assert name == "0868_0204310101_SCX00000SUM.SAS"
    for instrument, content in recorded.items():
        found = {
            each.exposure: {
                "scheduled": each.scheduled, "type": each.type, "mode": each.mode, "filter": each.filter or None,
                "ccd_modes": {str(ccd): mode for ccd, mode in each.modes.items()},
            }
            for each in summary.of(instrument)
        }  # fmt: skip
        assert found == content["exposures"]
    assert [f"{each.instrument}{each.exposure}" for each in summary.usable()] == ["M1S001", "M2S002", "PNS003"]


def parsed(tmp_path: Path, *exposures: RawExposure) -> OdfSummary:
    odf = make_odf(tmp_path / "odf", exposures=exposures)
    return parse_odf_summary(summary_of(odf, str(odf), "xmmsas_20211130_0941-20.0.0")[1])


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    closed = RawExposure("M1", "S001", filter="CalClosed")
    fast = RawExposure("M2", "S002", "FastUncompressed", modes=((1, "Timing"), (2, "Imaging")))
    summary = parsed(tmp_path, closed, fast, PN_TIMING, PN_OFFSET, PN_DIAGNOSTIC)
    assert {f"{each.instrument}{each.exposure}": each.unusable for each in summary.exposures} == {
        "M1S001": "filter CalClosed: closed, or for calibration",
        "M2S002": "",
        "PNS003": "data mode Timing: no CCD in imaging mode",
        "PNU003": "mode Diagnostic: not a science mode",
        "PNU601": "mode Offset: not a science mode",
    }
    assert summary.active == {"M1": True, "M2": True, "R1": False, "R2": False, "PN": True, "OM": False}


def test_unscheduled_exposures_may_be_left_out(tmp_path: Path) -> None:
    extra = RawExposure("PN", "U002", modes=tuple(every(12, "Imaging")), start=700)
    summary = parsed(tmp_path, M1, PN, extra)
    assert [each.exposure for each in summary.usable(["PN"])] == ["S003", "U002"]
    assert [each.exposure for each in summary.usable(["PN"], unscheduled=False)] == ["S003"]


def test_a_summary_that_contradicts_itself_is_a_failure_of_the_task(tmp_path: Path) -> None:
    odf = make_odf(tmp_path / "odf")
    text = summary_of(odf, "/x", "xmmsas_20211130_0941-20.0.0")[1]
    wrong = text.replace(
        "1 / Number of exposures for this instrument", "2 / Number of exposures for this instrument", 1
    )
    with pytest.raises(StepFailedError, match=r"unreadableSummary.*M1 has 1 exposure records, announced were 2"):
        parse_odf_summary(wrong)
    for broken in ("", text[:900], text.replace("[also S001]", "")):
        with pytest.raises(StepFailedError, match="unreadableSummary"):
            parse_odf_summary(broken)


def test_an_odf_is_seen_through_links_and_never_written_to(tmp_path: Path) -> None:
    odf = make_odf(tmp_path / "raw")
    shipped = odf / "0828_0201903501_SCX00000SUM.SAS"
    shipped.write_text("of another release")
    before = {path.name: path.stat().st_mtime_ns for path in odf.iterdir()}
    view = make_odf_view(odf, tmp_path / "step" / "odf")
    assert not (view / shipped.name).exists()
    assert (view / "0828_0201903501_M1S00110IME.FIT").resolve() == odf / "0828_0201903501_M1S00110IME.FIT"
    _, text = summary_of(odf, "/elsewhere", "xmmsas_20211130_0941-20.0.0")
    (tmp_path / shipped.name).write_text(text)
    copied = make_odf_view(odf, view, tmp_path / shipped.name)
    assert read_odf_summary(copied).path == str(view)
    assert {path.name: path.stat().st_mtime_ns for path in odf.iterdir()} == before


def test_a_compressed_odf_is_unpacked_into_the_view(tmp_path: Path) -> None:
    odf = make_odf(tmp_path / "raw", exposures=[M1], compressed=True)
    view = make_odf_view(odf, tmp_path / "odf")
    assert (view / "0828_0201903501_M1S00110IME.FIT").read_bytes().startswith(b"SIMPLE")
    assert not list(view.glob("*.gz"))


def test_no_odf(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"has no \*SUM.ASC"):
        make_odf_view(tmp_path, tmp_path / "view")


def test_the_recorded_observations_around_phl_1811(real_data: Path, tmp_path: Path) -> None:
    from tests.standins.phl1811 import make_phl1811

    told = make_phl1811(tmp_path, real_data / "logs")
    assert told == ["espfilt@0502671101PNS003:noCounts"]
    usable = {}
    for odf in sorted(tmp_path.iterdir()):
        summary = parse_odf_summary(summary_of(odf, str(odf), "xmmsas_20211130_0941-20.0.0")[1])
        usable[summary.obsid] = [f"{each.instrument}{each.exposure}" for each in summary.usable()]
    assert {obsid: len(units) for obsid, units in usable.items()} == {
        "0102041001": 0, "0105261001": 6, "0204310101": 3, "0502671101": 3, "0761910201": 3,
    }  # fmt: skip
    assert usable["0105261001"] == ["M1S001", "M1U002", "M2S002", "M2U002", "PNS003", "PNU002"]
