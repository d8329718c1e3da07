"""What the tasks print: SAS's messages, espfilt's numbers, emanom's verdicts, eSASS's last line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daxa_wf.observatories.xmm.sas.logs import acceptable_ccds, emanom_log, espfilt_log
from daxa_wf.tools.messages import Message, ends_with, task_messages


def test_genuine_stderr_of_an_exposure_that_is_all_flares(real_data: Path) -> None:
    messages = task_messages((real_data / "logs" / "espfilt_0502671101PNS003_stderr.log").read_text())
    assert [(each.task, each.level, each.name, each.count) for each in messages] == [
        ("evselect", "warning", "NoWCS", 1),
        ("evselect", "warning", "NoWCS", 1),
        ("evselect", "warning", "NoWCS", 1),
        ("evselect", "warning", "NoWCS", 1),
        ("espfilt", "error", "noCounts", 1),
    ]
    assert messages[0].text == "No WCS information available for image column DETX."
    assert messages[-1].as_record == {
        "task": "espfilt", "name": "noCounts", "text": "All histo counts are zero! Check your FOV Lightcurve!",
    }  # fmt: skip


def test_genuine_log_of_espfilt_is_parsed_to_its_numbers(real_data: Path) -> None:
    golden = json.loads((real_data / "logs" / "espfilt_golden.json").read_text())["case_mos1"]
    found = espfilt_log((real_data / "logs" / "espfilt_0204310101_M1S001_stdout.log").read_text())
    assert found["light_curve_rows"] == golden["lc_rows"] == 32670
    assert found["limits"] == golden["plim"]
    assert (found["max_bins"], found["bins"], found["bin_width"]) == (663, 658, golden["binwidth"])
    assert (found["min_rate"], found["max_rate"]) == (golden["lc_min"], golden["lc_max"])
    assert (found["norm"], found["width"], found["centre"]) == (1261.334, 0.164, 0.755)
    assert found["selected_rows"] == list(golden["rows"].values())
    assert [each["range"] for each in found["fits"]] == [[p["low"], p["peak"], p["high"]] for p in golden["fit"]]
    assert [each["result"] for each in found["fits"]] == [p["result"] for p in golden["fit"]]
    names = {"H_IMME": "above_immediate", "H_TOTL": "above_total", "L_IMME": "below_immediate", "L_TOTL": "below_total"}
    assert {name: found[ours] for name, ours in names.items()} == golden["residuals"]


def test_a_log_that_ends_early_leaves_numbers_out() -> None:
    assert espfilt_log("espfilt:-  CLEAN_LC: There are        17659  rows in the FOV LC\n") == {
        "light_curve_rows": 17659, "selected_rows": [], "fits": [],
    }  # fmt: skip


def test_names_that_no_list_knows_are_kept() -> None:
    text = (
        "** epframes: warning (notHKconstant), HK parameter F1725 is not constant, range = [           0 ,         256 ]."
        " Use default:          256\n** something: error, it has no name\nmv: cannot stat 'x'\n"
        "** emchain: fatal (neverSeenBefore), first\n   and second\n\tand third\nnot this\n** odd line\n"
    )
    first, second, third = task_messages(text)
    assert (first.task, first.name) == ("epframes", "notHKconstant")
    assert first.text.endswith("Use default:          256")
    assert second == Message("something", "error", "", "it has no name")
    assert third == Message("emchain", "fatal", "neverSeenBefore", "first and second and third")
    assert third.is_error
    assert not first.is_error


def test_a_summary_of_several_warnings_is_told_apart() -> None:
    text = (
        "** emchain: warning (SummaryOfWarnings), \n   warning badexposure silently occurred 12 times\n"
        "   warning lowGain silently occurred 3 times\n"
    )
    assert [(each.name, each.count) for each in task_messages(text)] == [("badexposure", 12), ("lowGain", 3)]
    assert task_messages(text)[0].as_record["text"] == "further ones, not printed (12 times)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evtool: reading\nevtool: DONE\n", True),
        ("evtool: DONE\n\n", True),
        ("evtool: DONE\nevtool: **ERROR** after all\n", False),
        ("flaregti: DONE\n", False),
        ("", False),
    ],
)
def test_esass_ends_with_done(text: str, expected: bool) -> None:
    assert ends_with(text, "evtool: DONE") is expected


ANOMALIES = "\n".join(
    ["emanom 0.20.1"]
    + [
        f"CCD: {ccd} Hardness ratio: 3.2 +/- 0.2 Status: {state}"
        for ccd, state in zip(range(2, 8), "GIBOUG", strict=True)
    ]
)


def test_ccds_in_states_that_are_not_acceptable_are_dropped() -> None:
    states = emanom_log(ANOMALIES)
    assert states == {2: "G", 3: "I", 4: "B", 5: "O", 6: "U", 7: "G"}
    assert acceptable_ccds(states, "GIU") == [1, 2, 3, 6, 7]
    assert acceptable_ccds(states, "G") == [1, 2, 7]
    assert acceptable_ccds(states, "GIBOU") == list(range(1, 8))


def test_a_log_that_emanom_did_not_write() -> None:
    with pytest.raises(ValueError, match="names no CCD"):
        emanom_log("nothing")
    with pytest.raises(ValueError, match="states X"):
        emanom_log("CCD: 4 Hardness ratio: 1 Status: X")
