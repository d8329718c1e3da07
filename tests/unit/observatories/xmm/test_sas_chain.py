"""The SAS route step by step on the stand-ins: verdicts, records, mixing of engines, what must not happen to files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.archive.records import read_record
from daxa_wf.archive.vouching import examine_records
from daxa_wf.chain.local import listing_digest
from daxa_wf.errors import ConfigError
from daxa_wf.observatories.xmm import panels
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.tools.messages import task_messages
from daxa_wf.units import Unit
from daxa_wf_simulator.odf import M1, M2, PN, PN_OFFSET, PN_SMALL_WINDOW, PN_TIMING, R1, RawExposure, make_odf
from tests.genuine import EXTRACTS
from tests.standins import RELEASES, Standins, all_gone
from tests.standins.odf import parsed_summary
from tests.standins.phl1811 import make_phl1811
from tests.standins.sas import make_chain_lists
from tests.xmm_chain import MISSION, Chain

OBSID = "0201903501"
M1_UNIT, PN_UNIT, R1_UNIT = f"{OBSID}M1S001", f"{OBSID}PNS003", f"{OBSID}R1S004"


@pytest.fixture
def make(standins: Standins, tmp_path: Path) -> Any:
    """A function that makes an ODF of exposures and a chain for it; options go into the mission's configuration."""

    def chain(*exposures: RawExposure, top: Any = None, compressed: bool = False, **options: Any) -> Chain:
        make_odf(tmp_path / "raw" / OBSID, OBSID, exposures, read_only=True, compressed=compressed)
        return Chain(tmp_path, tmp_path / "raw", top, **options)

    return chain


def test_phl1811_ends_as_recorded(standins: Standins, tmp_path: Path) -> None:
    logs = EXTRACTS / "logs"
    standins.tell(*make_phl1811(tmp_path / "raw", logs))
    for odf in (tmp_path / "raw").iterdir():
        make_chain_lists(parsed_summary(odf), standins.lists)
    pictures = {"bands": [["0.5 keV", "2 keV"]], "pixel_size": "20 arcsec", "engine": "native"}
    native = {"engine": "native"}  # as quick as the stand-ins are slow; what is recorded is about the steps before
    chain = Chain(tmp_path, tmp_path / "raw", images=pictures, exposure_maps=native, evselect=native).make()
    assert chain.faults == {}
    recorded = json.loads((logs / "phl1811_process_success.json").read_text())["xmm_pointed"]
    ours = {
        "cif_build": "cifbuild",
        "odf_ingest": "odfingest",
        "cleaned_evt_lists": "evselect",
        "merge_subexposures": "merge",
    }
    for theirs, success in recorded.items():
        said = chain.statuses(ours.get(theirs, theirs))
        assert {unit for unit, status in said.items() if status == "done"} == {u for u, good in success.items() if good}
        assert not {unit for unit, good in success.items() if not good and said[unit] != "rejected noCounts"}
    assert sum(status == "done" for status in chain.statuses("espfilt").values()) == 14
    stderr = json.loads((logs / "phl1811_raw_process_errors.json").read_text())[MISSION]["espfilt"]["0502671101PNS003"]
    (said,) = [each.as_record for each in task_messages(stderr) if each.is_error]
    assert chain.record("espfilt", "0502671101PNS003").errors == [said]
    assert chain.statuses("merge")["0502671101PN"] == "blocked evselect blocked"
    assert [name for name in chain.products("0502671101") if "-instPN-subexpALL-" in name] == []
    final = json.loads((logs / "phl1811_final_process_success.json").read_text())[MISSION]
    for obsid, good in final.items():
        assert chain.layout.observation(Unit(MISSION, obsid)).is_dir() == good
        assert chain.layout.failed_observation(Unit(MISSION, obsid)).is_dir() != good
    assert chain.statuses("epchain")["0102041001PNU601"] == "rejected notScience"
    closed = chain.record("emchain", "0102041001M1S001")
    assert (closed.engine, closed.message) == ("sas", "filter Closed: closed, or for calibration")
    merged = chain.record("merge", "0105261001M1").results
    assert merged["exposures"] == ["S001", "U002"]


def test_a_read_only_odf_to_images_with_sas_alone(make: Any, standins: Standins) -> None:
    chain: Chain = make(M1, PN, PN_OFFSET, compressed=True, cifbuild={"analysis_date": "2024-04-24"},
                        espfilt={"keep_flare_free": True})  # fmt: skip
    raw = listing_digest(chain.plan.source(MISSION))
    chain.make()
    assert listing_digest(chain.plan.source(MISSION)) == raw
    assert chain.faults == {}
    assert chain.statuses("exposure_maps") == {f"{OBSID}M1": "done", f"{OBSID}PN": "done"}
    assert f"obsid{OBSID}-instPN-subexpALL-finalootevents.fits" in chain.products(OBSID)
    cif = chain.record("cifbuild", OBSID)
    assert cif.command == [
        "cifbuild calindexset=ccf.cif withobservationdate=yes observationdate=2004-06-17 analysisdate=2024-04-24 fullpath=yes"
    ]
    filtered = chain.record("espfilt", PN_UNIT)
    assert (filtered.engine, filtered.exit_code, filtered.errors) == ("sas", 0, [])
    assert filtered.versions["sas"] == "20.0.0"
    assert [Path(stamp.path).name for stamp in filtered.products if "allgood" in stamp.kind] == [
        f"obsid{OBSID}-instPN-subexpS003-allgoodevents.fits", f"obsid{OBSID}-instPN-subexpS003-allgoodootevents.fits",
    ]  # fmt: skip
    assert sum("allgood" in stamp.kind for stamp in chain.record("espfilt", M1_UNIT).products) == 1
    assert filtered.versions["ccf"] == cif.versions["ccf"]
    assert filtered.versions["ccf"].endswith("analysis date 2024-04-24")
    assert "withoot=yes" in filtered.command[0]
    assert filtered.results["limits"] == pytest.approx([0.755 - 3 * 0.164, 0.755 + 3 * 0.164])
    assert filtered.results["runs"][0]["cpu_seconds"] > 0
    for log in filtered.logs[1:]:
        assert (chain.layout.root / log).read_text().startswith("$ espfilt eventfile=events.fits")
    assert chain.record("evselect", PN_UNIT).results["ontime"]["1"] > 0
    assert "withoutoftime=Y" in chain.record("epchain", PN_UNIT).command[0]
    for step, unit in (
        ("epchain", PN_UNIT),
        ("emchain", M1_UNIT),
        ("merge", f"{OBSID}PN"),
        ("exposure_maps", f"{OBSID}M1"),
    ):
        assert chain.record(step, unit).versions["ccf"] == cif.versions["ccf"]
    summary = chain.layout.find(chain.record("odfingest", OBSID).product("summary"))
    assert f"PATH {chain.plan.source(MISSION)}/{OBSID}\n" in summary.read_text()
    assert all(
        fits.getdata(chain.layout.find(stamp.path)).max() > 0 for stamp in chain.record("images", f"{OBSID}PN").products
    )


@pytest.mark.parametrize(("release", "width_in_sigma", "divisor"), [("19.0.0", 1.5, 1.0), ("22.0.0", 3, 2.0)])
def test_the_report_draws_what_espfilt_of_sas_fitted(
    make: Any, standins: Standins, monkeypatch: pytest.MonkeyPatch, release: str, width_in_sigma: float, divisor: float
) -> None:
    (standins.root / "sas" / "release").write_text(RELEASES[release])
    drawn: list[tuple[Any, ...]] = []
    plot = panels.histogram_chart
    monkeypatch.setattr(panels, "histogram_chart", lambda *given: drawn.append(given) or plot(*given))
    native = {"engine": "native"}
    chain: Chain = make(
        M1, evselect=native, images=native | {"bands": [["0.5 keV", "2 keV"]]}, exposure_maps=native
    ).make()
    assert chain.faults == {}
    ((rates, samples, model, limits, fitted, title),) = drawn
    peak = int(samples.argmax())
    assert (rates[peak], samples[peak], len(rates)) == (
        0.75,
        round(1261.334 * np.exp(-((0.005 / 0.164) ** 2) / divisor)),
        100,
    )
    assert model[peak] == pytest.approx(1261.334, rel=0.002)
    half = width_in_sigma * 0.164
    assert limits == pytest.approx((0.755 - half, 0.755 + half), abs=6e-4)
    assert fitted == (0.6, 0.9)
    assert title == "M1 S001, method histogram"
    record = chain.record("espfilt", M1_UNIT)
    assert record.results["fit"] == {"norm": 1261.3, "centre": 0.755, "width": 0.164, "divisor": divisor}
    assert record.results["limits"] == list(limits)
    assert [each["name"] for each in record.warnings] == (["optionsNotTaken"] if release < "20" else [])
    picture = next(chain.layout.root.rglob(f"obsid{OBSID}-instM1-subexpS001-en2.5_8.5keV-hist.svg"))
    assert picture.read_text().startswith("<svg")
    caption = "Rate histogram of M1 S001, method histogram: centre 0.755, width 0.164 count/s"
    assert caption in next(chain.layout.root.rglob("*.html")).read_text()


def test_engines_can_be_mixed(make: Any, standins: Standins) -> None:
    every = {"espfilt": {"engine": "native"}, "images": {"engine": "native"}, "exposure_maps": {"engine": "native"}}
    chain: Chain = make(M1, RawExposure("M1", "U002", start=700), **every, emanom={"run": True}).make()
    assert chain.faults == {}
    engines = {step: chain.record(step, unit).engine for step, unit in (
        ("emchain", M1_UNIT), ("espfilt", M1_UNIT), ("evselect", M1_UNIT), ("merge", f"{OBSID}M1"),
        ("images", f"{OBSID}M1"), ("exposure_maps", f"{OBSID}M1"))}  # fmt: skip
    assert engines == {"emchain": "sas", "espfilt": "native", "evselect": "sas", "merge": "sas", "images": "native",
                       "exposure_maps": "native"}  # fmt: skip
    assert chain.record("exposure_maps", f"{OBSID}M1").results["attitude"] is True
    assert {call["task"] for call in standins.calls()} == {
        "cifbuild",
        "odfingest",
        "emchain",
        "emanom",
        "evselect",
        "merge",
    }
    final = EpicEventList.open(chain.layout.find(chain.record("merge", f"{OBSID}M1").product("finalevents")))
    parts = [chain.record("evselect", f"{OBSID}M1{exposure}").results["selected"] for exposure in ("S001", "U002")]
    assert final.row_count == sum(parts) > 0
    names = chain.products(OBSID)
    shutil.rmtree(chain.layout.root)
    other = Chain(chain.plan.started_in, chain.plan.source(MISSION), evselect={"engine": "native"}, merge={"engine": "native"},
                  emanom={"run": True}).make()  # fmt: skip
    assert other.faults == {}
    assert other.record("evselect", M1_UNIT).engine == "native"
    assert other.products(OBSID) == names


def test_the_native_engine_keeps_the_out_of_time_list_of_epchain_without_flares(make: Any) -> None:
    chain: Chain = make(PN, espfilt={"engine": "native", "keep_flare_free": True})
    chain.make("cifbuild", "odfingest", "inventory", "epchain", "espfilt")
    record, given = chain.record("espfilt", PN_UNIT), chain.record("epchain", PN_UNIT)
    for kind, source in (("allgoodevents", "events"), ("allgoodootevents", "ootevents")):
        events = EpicEventList.open(chain.layout.find(given.product(source))).columns("TIME", "PATTERN")
        kept = EpicEventList.open(chain.layout.find(record.product(kind))).columns("TIME")["TIME"]
        good = [(events["TIME"] >= start) & (events["TIME"] <= stop) for start, stop in record.results["gti"]]
        assert np.array_equal(kept, events["TIME"][np.any(good, axis=0) & (events["PATTERN"] <= 4)])
        assert len(kept) > 0


def test_anomalous_ccds_are_left_out_by_both_engines(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAXA_WF_STANDIN_CCDS", "4=B,5=U,6=O")
    chain: Chain = make(M1, emanom={"run": True})
    chain.make("cifbuild", "odfingest", "inventory", "emchain", "emanom", "espfilt", "evselect")
    before = chain.record("emchain", M1_UNIT)
    assert read_record(chain.layout.record("emchain", Unit(MISSION, OBSID, "M1", "S001"))).products == before.products
    assert examine_records(chain.layout).stale == {}
    assert chain.record("emanom", M1_UNIT).results["states"]["4"] == "B"
    cleaned = chain.record("evselect", M1_UNIT)
    assert "(CCDNR in 1,2,3,5,7)" in cleaned.results["expression"]
    kept = set(fits.getdata(chain.layout.find(cleaned.product("cleanevents")), "EVENTS")["CCDNR"])
    chain.layout.record("evselect", Unit(MISSION, OBSID, "M1", "S001")).unlink()
    again = Chain(chain.plan.started_in, chain.plan.source(MISSION), evselect={"engine": "native"},
                  emanom={"run": True, "acceptable_states": ["G", "I"]})  # fmt: skip
    again.make("evselect")
    cleaned = again.record("evselect", M1_UNIT)
    assert cleaned.engine == "native"
    natively = set(fits.getdata(chain.layout.find(cleaned.product("cleanevents")), "EVENTS")["CCDNR"])
    assert natively == kept - {5}


def test_what_pn_cannot_do_is_rejected(make: Any) -> None:
    chain: Chain = make(PN_TIMING, RawExposure("PN", "U004", PN_SMALL_WINDOW.mode, modes=PN_SMALL_WINDOW.modes)).make()
    assert chain.faults == {}
    assert chain.statuses("epchain") == {PN_UNIT: "rejected notScience", f"{OBSID}PNU004": "done"}
    assert "data mode Timing: no CCD in imaging mode" in chain.record("epchain", PN_UNIT).message
    small = chain.record("espfilt", f"{OBSID}PNU004")
    assert (small.status, small.reason, small.exit_code) == ("rejected", "noPNSmallWindow", 1)
    assert small.errors == [{"task": "espfilt", "name": "noPNSmallWindow", "text": small.errors[0]["text"]}]
    assert chain.statuses("evselect") == {
        PN_UNIT: "blocked espfilt blocked",
        f"{OBSID}PNU004": "blocked espfilt rejected",
    }
    assert chain.statuses("merge") == {f"{OBSID}PN": "blocked evselect blocked"}
    assert chain.layout.failed_observation(Unit(MISSION, OBSID)).is_dir()


def test_exposures_are_merged_in_the_order_of_time(make: Any, standins: Standins) -> None:
    """Numbers and names do not tell it; the earliest is the first of the first pair."""
    exposures = (RawExposure("M1", "S001", start=1400), RawExposure("M1", "S002", start=700), RawExposure("M1", "U003"))
    chain: Chain = make(*exposures, instruments=["M1"], evselect={"engine": "native"})
    chain.make("cifbuild", "odfingest", "inventory", "emchain", "espfilt", "evselect", "merge")
    record = chain.record("merge", f"{OBSID}M1")
    logs = [chain.layout.root / log for log in record.logs if log.endswith(".stdout")]
    merged = [re.findall(r"^merge:- (\S+) of (\w+)", log.read_text(), re.MULTILINE) for log in logs]
    assert merged == [[("set1.fits", "U003"), ("set2.fits", "S002")], [("merged2.fits", "U003"), ("set3.fits", "S001")]]
    parts = [chain.record("evselect", f"{OBSID}M1{each.exposure}").results["selected"] for each in exposures]
    assert record.results["rows"] == sum(parts) > 0


def test_unscheduled_exposures_can_be_left_out(make: Any) -> None:
    chain: Chain = make(M1, RawExposure("M1", "U002", start=700), M2, process_unscheduled=False, instruments=["M1"])
    chain.make("cifbuild", "odfingest", "inventory", "emchain")
    assert chain.statuses("emchain") == {M1_UNIT: "done"}
    assert chain.record("inventory", OBSID).warnings == []
    listed = {
        (each["inst"], each["exposure"]): each["planned"]
        for each in chain.record("inventory", OBSID).results["exposures"]
    }
    assert listed == {("M1", "S001"): True, ("M1", "U002"): False, ("M2", "S002"): False}


def test_the_summary_has_the_last_word(make: Any) -> None:
    chain: Chain = make(M1, M2)
    chain.make("cifbuild")
    text = chain.layout.manifest.read_text()
    chain.layout.manifest.write_text(text.replace("\tM2\tS002\t", "\tM2\tS009\t"))
    chain.plan._rows.clear()
    chain.make("odfingest", "inventory", "emchain")
    (warning,) = chain.record("inventory", OBSID).warnings
    assert (warning["name"], warning["text"]) == ("exposureNotPlanned", f"{OBSID}M2S002 is usable, and was not planned")
    assert chain.record("inventory", OBSID).message == "1 of 2 exposures fit for science"
    assert chain.record("emchain", f"{OBSID}M2S009").message == "the summary of the raw data has no such exposure"


def test_rgs_goes_its_own_way(make: Any, standins: Standins) -> None:
    chain: Chain = make(R1, instruments=["R1"])
    chain.make("cifbuild", "odfingest", "inventory", "rgs_events")
    standins.tell("rgsproc@rgs_angles:halfway")
    chain.make("rgs_angles", "rgs_filter")
    assert "killed by signal 9" in str(chain.faults["rgs_angles", R1_UNIT])
    kept = chain.layout.kept("rgs_events", Unit(MISSION, OBSID, "R1", "S004"))
    assert [path.name for path in kept.iterdir()] == [f"P{OBSID}R1S004merged0000.FIT"]
    assert not kept.with_name("rgs_angles").exists()
    standins.tell("rgsproc@rgs_angles:nothing")
    chain.make("rgs_angles")
    assert chain.statuses("rgs_angles") == {R1_UNIT: "failed missingProduct"}
    chain.layout.record("rgs_angles", Unit(MISSION, OBSID, "R1", "S004")).unlink()
    standins.tell()
    chain.make()
    assert chain.statuses("rgs_filter") == {R1_UNIT: "done"}
    assert set(chain.plan.mission(MISSION).steps) == {
        "cifbuild", "odfingest", "inventory", "rgs_events", "rgs_angles", "rgs_filter", "report",
    }  # fmt: skip
    assert f"obsid{OBSID}-instR1-subexpS004-finalevents.fits" in chain.products(OBSID)
    assert chain.record("report", OBSID).results["usable"] is True
    next(kept.iterdir()).unlink()
    assert [path.parent.name for path in examine_records(chain.layout).stale] == ["rgs_events"]


FAILURES = {
    "constituent": ("failed constituent", "emchain: Error in constituent task"),
    "exit": ("failed exitCode", "emchain ended with exit code 1 and reported no error"),
    "nothing": ("failed missingProduct", "emchain left no events"),
    "errorZero": ("failed someError", "told and gone on"),
    "crash": ("failed exitCode", "crashed with SIGSEGV"),
    "warn": ("done", ""),
    "full": ("fault", "No space left on device"),
    "killed": ("fault", "killed by signal 9"),
    "halfway": ("fault", "killed by signal 9"),
    "hang": ("fault", "did not end within 2 s and was killed"),
}


def test_each_way_to_fail_has_its_verdict(
    make: Any, standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAXA_WF_STANDIN_PIDS", str(tmp_path / "pids"))
    exposures = [RawExposure("M1", f"S{number:03d}", start=700 * number) for number in range(1, len(FAILURES) + 1)]
    units = {f"{OBSID}M1{each.exposure}": failure for each, failure in zip(exposures, FAILURES, strict=True)}
    standins.tell(*(f"emchain@exposures={unit[-4:]}:{failure}" for unit, failure in units.items()))
    chain: Chain = make(*exposures, top={"sas": {"time_limit": "2 s"}})
    chain.make("cifbuild", "odfingest", "inventory")
    chain.make("emchain")
    for unit, failure in units.items():
        verdict, said = FAILURES[failure]
        fault = chain.faults.get(("emchain", unit))
        assert (verdict == "fault") == (fault is not None), failure
        assert said in (str(fault) if fault else chain.record("emchain", unit).message), failure
        if fault is None:
            assert chain.statuses("emchain")[unit] == verdict
            if verdict != "done":
                assert chain.record("emchain", unit).products == []
                assert chain.record("emchain", unit).command
    warned = next(unit for unit, failure in units.items() if failure == "warn")
    assert [each["name"] for each in chain.record("emchain", warned).warnings] == ["badexposure", "badexposure"]
    assert len(list((chain.layout.root / "processed_data").rglob("*-events.fits"))) == 1
    assert all_gone(tmp_path / "pids")


def test_without_sas_there_is_a_fault_that_says_so(
    make: Any, standins: Standins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    chain: Chain = make(M1).make("cifbuild")
    assert "cifbuild of SAS cannot be found with the current shell: 'daxa-wf doctor" in str(
        chain.faults["cifbuild", OBSID]
    )
    monkeypatch.setenv("PATH", standins.environ["PATH"])
    (standins.root / "sas" / "release").write_text(RELEASES["13.5.0"])
    chain.make("cifbuild")
    assert "SAS 13.5.0 is too old" in str(chain.faults["cifbuild", OBSID])
    (standins.root / "sas" / "release").write_text(RELEASES["22.0.0"])
    for path in (standins.root / "ccf").iterdir():
        path.unlink()
    chain.make("cifbuild")
    assert "cifbuild found no calibration file" in str(chain.faults["cifbuild", OBSID])
    assert chain.statuses("cifbuild") == {}


def test_a_setup_script_is_enough(
    standins: Standins, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "my setup.sh"
    variables = {name: standins.environ[name] for name in ("PATH", "SAS_DIR", "SAS_PATH", "HEADAS")}
    script.write_text("".join(f"export {name}='{value}'\n" for name, value in variables.items()))
    for name in (*variables, "SAS_CCFPATH", "PFILES"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    sas = {"setup_scripts": ["my setup.sh"], "ccf_path": ["standins/ccf"]}
    chain: Chain = make(M1, top={"sas": sas}).make("cifbuild", "odfingest", "inventory", "emchain")
    assert (chain.faults, chain.statuses("emchain")) == ({}, {M1_UNIT: "done"})


def test_two_directories_of_an_observation(standins: Standins, tmp_path: Path) -> None:
    make_odf(tmp_path / "raw" / "a" / OBSID / "odf", OBSID, [M1, R1])
    make_odf(tmp_path / "raw" / "b" / OBSID / "ODF", OBSID, [M1, M2])
    chain = Chain(tmp_path, tmp_path / "raw").make("cifbuild", "odfingest", "inventory")
    assert chain.statuses("inventory") == {OBSID: "done"}
    (warning,) = chain.record("inventory", OBSID).warnings
    assert warning["text"] == f"b/{OBSID}/ODF left aside for a/{OBSID}/odf"
    with pytest.raises(ConfigError, match=r"no raw data of 0404910601 of M1, M2, PN below .*raw; expected directories"):
        Chain(tmp_path / "other", tmp_path / "raw", obsids=[OBSID, "0404910601"]).make("cifbuild")


def test_raw_data_of_another_observation_are_told(standins: Standins, tmp_path: Path) -> None:
    make_odf(tmp_path / "raw" / OBSID, OBSID, [M1])
    chain = Chain(tmp_path, tmp_path / "raw").make("cifbuild")
    shutil.rmtree(tmp_path / "raw")
    make_odf(tmp_path / "raw" / OBSID, "0404910601", [M1])
    chain.make("odfingest", "inventory")
    assert chain.statuses("odfingest") == {OBSID: "failed otherObservation"}
    assert chain.record("odfingest", OBSID).message.endswith("are those of 0404910601")
    assert chain.statuses("inventory") == {OBSID: "blocked odfingest failed"}


def test_raw_data_may_move(make: Any, tmp_path: Path) -> None:
    chain: Chain = make(M1).make("cifbuild", "odfingest", "inventory")
    (tmp_path / "raw").rename(tmp_path / "elsewhere")
    moved = Chain(tmp_path, tmp_path / "elsewhere").make("emchain", "espfilt")
    assert (moved.faults, moved.statuses("espfilt")) == ({}, {M1_UNIT: "done"})
    assert chain.layout == moved.layout


def test_a_list_that_is_no_list_is_the_chains_failure(
    make: Any, monkeypatch: pytest.MonkeyPatch, standins: Standins
) -> None:
    program = standins.root / "bin" / "emchain"
    program.write_text(f"#!/bin/sh\necho no FITS > P{M1_UNIT}MIEVLI0000.FIT\n")
    chain: Chain = make(M1).make("cifbuild", "odfingest", "inventory", "emchain")
    assert chain.statuses("emchain") == {M1_UNIT: "failed unreadableProduct"}


def test_the_doctor_reads_the_configuration(standins: Standins, tmp_path: Path) -> None:
    make_odf(tmp_path / "raw2" / OBSID, OBSID, [M1])
    (tmp_path / "c.yaml").write_text(
        json.dumps({"archive": "a", "missions": {MISSION: {"engine": "sas", "source": {"local": "raw2"}}}})
    )
    command = [sys.executable, "-m", "daxa_wf", "doctor", "c.yaml"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "everything that c.yaml needs is installed")
    (standins.root / "bin" / "epchain").unlink()
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (told.returncode, told.stdout.splitlines()[-1]) == (1, "missing for c.yaml: epchain")
