"""The inventory of genuine summaries of raw data."""

from __future__ import annotations

from pathlib import Path

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.observatories.xmm.local_odf import local_odf_manifest
from daxa_wf.observatories.xmm.sas.odf_summary import read_odf_summary
from daxa_wf.observatories.xmm.steps.inventory import from_summary

OBSID = "0404910601"


def test_a_genuine_summary(real_data: Path) -> None:
    (path,) = (real_data / "xmm" / "a907" / OBSID / "odf").glob("*SUM.SAS")
    summary = read_odf_summary(path)
    planned = [ManifestRow("xmm_pointed", OBSID, inst, exposure) for inst, exposure in
               (("M1", "S001"), ("PN", "S003"), ("PN", "U601"), ("PN", "S099"))]  # fmt: skip
    outcome = from_summary(summary, planned, ["M1", "M2", "PN"], unscheduled=True)
    entries = {(each["inst"], each["exposure"]): each for each in outcome.results["exposures"]}
    assert {inst for inst, _ in entries} == {"M1", "M2", "PN", "R1", "R2", "OM"}
    assert len(entries) == len(summary.exposures) + 1
    assert (entries["M1", "S001"]["unfit"], len(entries["M1", "S001"]["imaging_ccds"])) == ("", 6)
    assert entries["PN", "U601"]["unfit"] == "mode Offset: not a science mode"
    assert entries["PN", "S099"]["unfit"] == "the summary of the raw data has no such exposure"
    assert [each["text"][10:16] for each in outcome.warnings if each["name"] == "exposureNotPlanned"] == ["M2S002"]
    assert outcome.message == "2 of 4 exposures fit for science"


def test_exposures_by_the_names_of_files(tmp_path: Path) -> None:
    names = (
        "M1S00110IME",
        "M1S00100AUX",
        "M1X00000PEH",
        "PNU60112ODI",
        "R1S00401SPE",
        "R1U90100DII",
        "OMS40100IMI",
        "SCX00000ATS",
    )
    folder = tmp_path / OBSID / "ODF"
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"1184_{OBSID}_{name}.FIT.gz").touch()
    (folder / f"1184_{OBSID}_SCX00000SUM.ASC").touch()
    rows = local_odf_manifest("xmm_pointed", tmp_path, None, ["M1", "PN", "R1", "OM"])
    assert [each.unit.identifier[10:] for each in rows] == ["M1S001", "OMS401", "PNU601", "R1S004"]
    assert {each.odf for each in rows} == {f"{OBSID}/ODF"}
