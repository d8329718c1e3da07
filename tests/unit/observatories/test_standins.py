"""The stand-ins, with the command lines and the runner: whole chains, and what the real tasks would refuse."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from astropy.io import fits

from daxa_wf.config.toolkit import Toolkit
from daxa_wf.errors import StepFailedError, UnfitDataError
from daxa_wf.observatories.erosita.esass import commands as erosita
from daxa_wf.observatories.erosita.esass.examine import examine_esass
from daxa_wf.observatories.erosita.flare_options import FlaregtiOptions
from daxa_wf.observatories.erosita.options import EvtoolOptions
from daxa_wf.observatories.xmm.flare_options import SasEspfiltOptions
from daxa_wf.observatories.xmm.options import EvselectOptions, ImagesOptions
from daxa_wf.observatories.xmm.sas import commands as xmm
from daxa_wf.observatories.xmm.sas import list_commands as lists
from daxa_wf.observatories.xmm.sas.examine import QUESTIONS, examine_sas, sas_versions
from daxa_wf.observatories.xmm.sas.logs import acceptable_ccds, emanom_log, espfilt_log
from daxa_wf.observatories.xmm.sas.odf_summary import read_odf_summary
from daxa_wf.observatories.xmm.sas.odf_view import make_odf_view
from daxa_wf.observatories.xmm.sas.tasks import ESPFILT
from daxa_wf.observatories.xmm.sas.versions import SasVersion, parse_sas_version, read_ccf_index
from daxa_wf.observatories.xmm.section import SasToolkit
from daxa_wf.tools.doctor import Diagnosis, probe
from daxa_wf.tools.environment import ToolEnvironment, environment_from
from daxa_wf.tools.runner import execute, run_tools
from daxa_wf.tools.spec import Command
from daxa_wf.tools.verdicts import ToolRun
from daxa_wf.units import Band, Unit
from daxa_wf_simulator.odf import M1, PN, PN_SMALL_WINDOW, PN_TIMING, R1, RawExposure, make_odf
from daxa_wf_simulator.tiny_fits import extensions
from tests.standins import RELEASES, Standins, make_standins
from tests.standins.odf import make_erosita_list
from tests.standins.tables import TASKS

OBSID = "0201903501"
M1_UNIT = Unit("xmm_pointed", OBSID, "M1", "S001")
PN_UNIT = Unit("xmm_pointed", OBSID, "PN", "S003")
SAS_20 = SasVersion(20)

BANDS = [energies.band for energies in ImagesOptions().bands]


class Bench:
    """Runs commands one after the other, each chain in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.count = root, 0

    def run(self, commands: list[Command], directory: Path | None = None) -> list[ToolRun]:
        self.count += 1
        place = directory or self.root / f"work{self.count}"
        return run_tools(commands, place, self.root / f"log{self.count}", keep=directory is not None)

    def product(self, kind: str, commands: list[Command]) -> Path:
        runs = self.run(commands)
        return next(run.products[kind] for run in runs if kind in run.products)

    def ingest(self, odf: Path) -> xmm.OdfData:
        cif = self.product("cif", xmm.cifbuild("2004-06-17"))
        seen = make_odf_view(odf, self.root / "view")
        summary = self.product("summary", xmm.odfingest(seen, cif))
        copied = make_odf_view(odf, self.root / "view", summary)
        return xmm.OdfData(self.root / "view", copied, cif)


@pytest.fixture
def bench(standins: Standins, tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def release(standins: Standins, name: str) -> SasVersion:
    (standins.root / "sas" / "release").write_text(RELEASES[name])
    return parse_sas_version(f"[{RELEASES[name]}]")


def test_pn_from_a_read_only_odf_to_images(standins: Standins, bench: Bench, tmp_path: Path) -> None:
    odf = make_odf(tmp_path / "raw", OBSID, read_only=True)
    data = bench.ingest(odf)
    summary = read_odf_summary(data.summary)
    assert summary.path == str(data.directory)
    assert len(read_ccf_index(data.cif).constituents) == 4
    (exposure,) = summary.usable(["PN"])
    first, second = bench.run(xmm.epchain(PN_UNIT, data, exposure.imaging_ccds, SAS_20))
    oot, events = first.products["ootevents"], second.products["events"]
    assert first.products["attitude"].name == f"P{OBSID}OBX000ATTTSR0000.FIT"
    assert fits.getval(events, "SUBMODE", "EVENTS") == "PrimeFullWindowExtended"
    (flares,) = bench.run(lists.espfilt(PN_UNIT, events, data, SasEspfiltOptions(), SAS_20, oot))
    assert flares.products["gti"].name == "pnS003-gti-2500-8500.fits"
    assert set(flares.products) == {
        "gti",
        "hist",
        "lightcurve",
        "cornerlightcurve",
        "allgoodevents",
        "allgoodootevents",
    }
    assert espfilt_log(flares.stdout.read_text())["norm"] == 1261.334
    gti = flares.products["gti"]
    cleaned = bench.run(lists.evselect(PN_UNIT, events, gti, data, EvselectOptions(), ootevents=oot))
    clean = cleaned[0].products["cleanevents"]
    assert cleaned[1].products["cleanootevents"].exists()
    with fits.open(clean) as hdus:
        assert 0 < len(hdus["EVENTS"].data) < fits.getval(events, "NAXIS2", "EVENTS")
        assert hdus["EVENTS"].data["PATTERN"].max() <= 4
    images = [run.products for run in bench.run(lists.images(clean, data, BANDS, ImagesOptions().pixel_size))]
    soft, hard = (next(iter(each.values())) for each in images)
    assert fits.getdata(soft).shape == fits.getdata(hard).shape == (512, 512)
    by_band = {"en0.5_2.0keV": soft, "en2.0_10.0keV": hard}
    attitude = first.products["attitude"]
    maps = bench.run(lists.exposure_maps(clean, by_band, attitude, data, BANDS, "measured"))
    assert fits.getdata(maps[1].products["en2.0_10.0keV-expmap"]).shape == (512, 512)
    assert [call["task"] for call in standins.calls()] == [
        "cifbuild", "odfingest", "epchain", "epchain", "espfilt", "evselect", "evselect", "evselect", "evselect",
        "eexpmap", "eexpmap",
    ]  # fmt: skip


def test_mos_with_anomalous_ccds_and_two_exposures_merged(
    standins: Standins, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = RawExposure("M1", "U002", start=700)
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [M1, later]))
    monkeypatch.setenv("DAXA_WF_STANDIN_CCDS", "4=B,5=U")
    cleaned = []
    for unit in (M1_UNIT, Unit("xmm_pointed", OBSID, "M1", "U002")):
        events = bench.product("events", xmm.emchain(unit, data))
        log = bench.product("anomalies", xmm.emanom(unit, events, data, SAS_20))
        ccds = acceptable_ccds(emanom_log(log.read_text()), "GI")
        assert ccds == [1, 2, 3, 6, 7]
        gti = bench.product("gti", lists.espfilt(unit, events, data, SasEspfiltOptions(), SAS_20))
        clean = lists.evselect(unit, events, gti, data, EvselectOptions(), ccds)
        cleaned.append(bench.product("cleanevents", clean))
        assert set(fits.getdata(cleaned[-1], "EVENTS")["CCDNR"]) <= {1, 2, 3, 6, 7}
    final = bench.product("finalevents", lists.merge(cleaned))
    rows = [fits.getval(path, "NAXIS2", "EVENTS") for path in (*cleaned, final)]
    assert rows[2] == rows[0] + rows[1] > 0


def test_rgs_stages_share_a_directory(bench: Bench, tmp_path: Path) -> None:
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [R1]))
    unit = Unit("xmm_pointed", OBSID, "R1", "S004")
    runs = [bench.run(xmm.rgsproc(step, unit, data), tmp_path / "rgs")[0] for step in xmm.RGS_STEPS]
    assert runs[0].products["events"].name == f"P{OBSID}R1S004merged0000.FIT"
    assert runs[2].products["finalevents"].name == f"P{OBSID}R1S004EVENLI0000.FIT"
    with pytest.raises(StepFailedError, match="MissingFile"):
        bench.run(xmm.rgsproc("rgs_filter", unit, data))


DIALECTS = [
    ("19.0.0", f"P{OBSID}M1S001-gti.FIT", "20.0.0", "ParameterError: espfilt: unknown parameter 'eventfile'"),
    ("20.0.0", "mos1S001-gti-2500-8500.fits", "22.0.0", "missingProduct: espfilt left no gti"),
    ("22.0.0", "mos1S001-gti.fits", "20.0.0", "ParameterError: espfilt: unknown parameter 'withlongnames'"),
]


@pytest.mark.parametrize(("name", "gti", "other", "said"), DIALECTS, ids=[each[0] for each in DIALECTS])
def test_espfilt_in_the_dialect_of_what_is_installed(
    standins: Standins, bench: Bench, tmp_path: Path, name: str, gti: str, other: str, said: str
) -> None:
    version = release(standins, name)
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [M1]))
    events = bench.product("events", xmm.emchain(M1_UNIT, data))
    (run,) = bench.run(lists.espfilt(M1_UNIT, events, data, SasEspfiltOptions(), version))
    assert run.products["gti"].name == gti
    with pytest.raises(StepFailedError, match=said):
        bench.run(lists.espfilt(M1_UNIT, events, data, SasEspfiltOptions(), SasVersion(int(other[:2]))))


def test_epchain_of_21_0_0_needs_radmonfix_left_out(standins: Standins, bench: Bench, tmp_path: Path) -> None:
    version = release(standins, "21.0.0")
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [PN]))
    bench.run(xmm.epchain(PN_UNIT, data, range(1, 13), version))
    with pytest.raises(StepFailedError, match="constituent: epchain: radmonfix"):
        bench.run(xmm.epchain(PN_UNIT, data, range(1, 13), SAS_20))


def test_exposures_that_cannot_be_cleaned_get_the_right_verdict(bench: Bench, tmp_path: Path) -> None:
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [PN_TIMING]))
    (exposure,) = read_odf_summary(data.summary).of("PN")
    with pytest.raises(UnfitDataError, match="notImaging"):
        xmm.epchain(PN_UNIT, data, exposure.imaging_ccds, SAS_20)
    with pytest.raises(StepFailedError, match="ccdlist"):
        bench.run(xmm.epchain(PN_UNIT, data, [4], SAS_20))


def test_small_window_of_pn_is_rejected(bench: Bench, tmp_path: Path) -> None:
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [PN_SMALL_WINDOW]))
    _, second = bench.run(xmm.epchain(PN_UNIT, data, [4], SAS_20))
    with pytest.raises(UnfitDataError, match="noPNSmallWindow"):
        bench.run(lists.espfilt(PN_UNIT, second.products["events"], data, SasEspfiltOptions(), SAS_20))


def test_failures_may_be_restricted_to_a_unit(standins: Standins, bench: Bench, tmp_path: Path) -> None:
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [M1, PN]))
    standins.tell(f"espfilt@{OBSID}M1S001:noCounts")
    events = bench.product("events", xmm.emchain(M1_UNIT, data))
    with pytest.raises(
        UnfitDataError, match="noCounts: espfilt: All histo counts are zero! Check your FOV Lightcurve!"
    ):
        bench.run(lists.espfilt(M1_UNIT, events, data, SasEspfiltOptions(), SAS_20))
    _, second = bench.run(xmm.epchain(PN_UNIT, data, range(1, 13), SAS_20))
    bench.run(lists.espfilt(PN_UNIT, second.products["events"], data, SasEspfiltOptions(), SAS_20))


def test_what_failed_is_told_with_what_went_before(standins: Standins, bench: Bench, tmp_path: Path) -> None:
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [PN]))
    commands = xmm.epchain(PN_UNIT, data, range(1, 13), SAS_20)
    standins.tell("epchain@runatthkgen:constituent")
    runs: list[ToolRun] = []
    with pytest.raises(StepFailedError, match="constituent: epchain: Error in constituent task"):
        run_tools(commands, tmp_path / "work", tmp_path / "log", note=runs.append)
    assert [(run.exit_code, run.stdout.name) for run in runs] == [
        (0, "log-1-epchain.stdout"),
        (1, "log-2-epchain.stdout"),
    ]
    assert runs[1].errors == [{"task": "epchain", "name": "constituent", "text": "Error in constituent task"}]


def test_a_list_without_an_event_left_is_unfit(bench: Bench, tmp_path: Path) -> None:
    data = bench.ingest(make_odf(tmp_path / "raw", OBSID, [M1]))
    events = bench.product("events", xmm.emchain(M1_UNIT, data))
    gti = bench.product("gti", lists.espfilt(M1_UNIT, events, data, SasEspfiltOptions(), SAS_20))
    nothing = EvselectOptions(mos_filt_expr="PATTERN > 31")
    with pytest.raises(UnfitDataError, match="NoFilteredEvents"):
        bench.run(lists.evselect(M1_UNIT, events, gti, data, nothing))


@pytest.mark.parametrize(
    ("argv", "change", "said"),
    [
        (["cifbuild", "calindex=x"], {}, "unknown parameter 'calindex'"),
        (["cifbuild", "calindexset"], {}, "'calindexset' is not name=value"),
        (["cifbuild", "fullpath=perhaps"], {}, "parameter fullpath: yes or no is allowed, not 'perhaps'"),
        (["cifbuild", "analysisdate=now", "analysisdate=now"], {}, "parameter 'analysisdate' is given twice"),
        (["merge", "set1=a", "set2=b"], {}, "parameter 'outset' is required"),
        (["cifbuild"], {"SAS_CCFPATH": ""}, "SAS_CCFPATH is not set"),
        (["odfingest"], {}, "SAS_CCF is not set"),
        (["cifbuild"], {"HEADAS": ""}, "HEADAS is not set"),
        (["cifbuild"], {"PFILES": "/nowhere;/x"}, "PFILES: /nowhere cannot be written to"),
        (["cifbuild"], {"HEADASPROMPT": ""}, "ftools would ask on the terminal"),
    ],
)
def test_stand_ins_refuse_what_the_tasks_would(
    standins: Standins, tmp_path: Path, argv: list[str], change: dict[str, str], said: str
) -> None:
    own = {
        "PFILES": f"{tmp_path};{standins.environ['HEADAS']}/syspfiles",
        "HEADASNOQUERY": "",
        "HEADASPROMPT": "/dev/null",
    }
    environ = {**os.environ, **own, **change}
    ended = subprocess.run(argv, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"** {argv[0]}: error (")
    assert said in ended.stderr


def test_stand_ins_are_told_by_text_too(standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAXA_WF_STANDIN", "merge:hang;cifbuild@2004-06-17:exit")
    execute(xmm.cifbuild("2004-06-18")[0], tmp_path / "other", tmp_path / "log")
    assert execute(xmm.cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log").exit_code == 1


def test_every_task_has_a_stand_in(standins: Standins) -> None:
    from tests.standins.esass import TASKS as ESASS
    from tests.standins.sas import TASKS as SAS

    assert set(SAS) | set(ESASS) == set(TASKS)
    assert {path.name for path in (standins.root / "bin").iterdir()} == {*TASKS, "sas", "lcurve", "fversion"}
    assert set(ESPFILT) == {"19", "20", "21"}


def test_erosita_from_a_read_only_list_to_exposure_maps(bench: Bench, tmp_path: Path) -> None:
    raw = make_erosita_list(tmp_path / "em01_136089_020_EventList_c010.fits")
    raw.chmod(0o444)
    before = raw.read_bytes()
    (flares,) = bench.run(erosita.flaregti(raw, FlaregtiOptions()))
    assert raw.read_bytes() == before
    events = flares.products["events"]
    assert {f"FLAREGTI{number}" for number in range(1, 8)} <= set(extensions(events))
    (cleaned,) = bench.run(erosita.evtool(events, EvtoolOptions(modules=["TM1", "TM2"])))
    final = cleaned.products["finalevents"]
    with fits.open(final) as hdus:
        assert set(hdus["EVENTS"].data["TM_NR"]) == {1, 2}
        assert (hdus["EVENTS"].data["FLAG"] >= 0).all()
        assert "FLAREGTI2" in hdus
        assert "GTI5" not in hdus
    bands = [Band(0.2, 2.3)]
    (image,) = bench.run(erosita.images(final, bands))
    picture = image.products["en0.2_2.3keV-image"]
    (exposure,) = bench.run(erosita.exposure_maps(final, {"en0.2_2.3keV": picture}, bands))
    assert fits.getdata(exposure.products["en0.2_2.3keV-expmap"]).shape == (32, 32)


def test_evtool_without_flare_free_times_fails(bench: Bench, tmp_path: Path) -> None:
    raw = make_erosita_list(tmp_path / "raw.fits")
    with pytest.raises(
        StepFailedError, match=r"notDone: evtool did not end with 'evtool: DONE'.*has no extension FLAREGTI"
    ):
        bench.run(erosita.evtool(raw, EvtoolOptions()))


def by_subject(findings: list[Diagnosis]) -> dict[str, Diagnosis]:
    return {finding.subject: finding for finding in findings}


def test_doctor_on_a_shell_that_has_everything(standins: Standins) -> None:
    findings = by_subject(examine_sas(ToolEnvironment()))
    assert not [each for each in findings.values() if each.is_problem]
    assert findings["SAS release"].detail == "20.0.0"
    assert findings["SAS_CCFPATH"].detail == f"{standins.root}/ccf: 4 constituents"
    assert findings["espfilt"].detail == f"{standins.root}/bin/espfilt"
    assert findings["HEASoft"].detail == f"6.36: {standins.root}/headas"


def test_doctor_says_what_is_missing(standins: Standins, monkeypatch: pytest.MonkeyPatch) -> None:
    release(standins, "13.5.0")
    (standins.root / "bin" / "emanom").unlink()
    monkeypatch.setenv("SAS_CCFPATH", "/nowhere")
    monkeypatch.delenv("HEADAS")
    findings = by_subject(examine_sas(ToolEnvironment()))
    assert findings["emanom"].state == "unfit"
    assert findings["SAS"].advice == "SAS 13.5.0 is too old: daxa_wf needs SAS 14 or later"
    assert (findings["SAS_CCFPATH"].state, findings["SAS_CCFPATH"].detail) == ("unfit", "/nowhere")
    assert findings["HEADAS"].advice == "initialise HEASoft before SAS"


def test_doctor_on_esass_and_on_an_environment_that_does_not_come_up(standins: Standins) -> None:
    findings = by_subject(examine_esass(ToolEnvironment()))
    assert findings["flaregti"].state == "fine"
    assert findings["CALDB"].state == "missing"
    (finding,) = examine_esass(ToolEnvironment(setup_scripts=(Path("/nowhere.sh"),)))
    assert finding == Diagnosis(
        "environment", "unfit", "daxa_wf: setup script /nowhere.sh cannot be read", "setup script /nowhere.sh"
    )


def test_doctor_as_a_command(standins: Standins, capsys: pytest.CaptureFixture[str]) -> None:
    from daxa_wf.cli.doctor import doctor

    doctor()
    out = capsys.readouterr().out
    assert "SAS, with the current shell:" in out
    assert ["fine", "SAS_CCFPATH", f"{standins.root}/ccf:", "4", "constituents"] in [
        line.split() for line in out.splitlines()
    ]
    assert "missing CALDB" in out


def test_versions_for_records(standins: Standins) -> None:
    said = probe(ToolEnvironment(), ["sas"], QUESTIONS)
    assert isinstance(said, dict)
    assert sas_versions(said) == {"sas": "20.0.0", "heasoft": "6.36"}


def test_an_environment_from_the_configuration(tmp_path: Path) -> None:
    toolkit = SasToolkit(
        setup_scripts=["/opt/setsas.sh"], ccf_path=["/ccf", "/more"], container="sas.sif", binds=["/raw"]
    )
    assert environment_from(toolkit.started_in(tmp_path).plain_values()) == ToolEnvironment(
        setup_scripts=(Path("/opt/setsas.sh"),),
        container=str(tmp_path / "sas.sif"),
        binds=(Path("/raw"), Path("/ccf"), Path("/more")),
        variables={"SAS_CCFPATH": "/ccf:/more"},
    )
    assert environment_from(Toolkit().model_dump()) == ToolEnvironment()


def test_a_second_installation_is_reached_by_its_setup_script(tmp_path: Path) -> None:
    made = make_standins(tmp_path / "other", "22.0.0")
    script = tmp_path / "setsas.sh"
    script.write_text("".join(f"export {name}='{value}'\n" for name, value in made.environ.items()))
    environment = ToolEnvironment(setup_scripts=(script,))
    run = execute(xmm.cifbuild("2004-06-17")[0], tmp_path / "work", tmp_path / "log", environment)
    assert run.exit_code == 0
    assert by_subject(examine_sas(environment))["SAS release"].detail == "22.0.0"
