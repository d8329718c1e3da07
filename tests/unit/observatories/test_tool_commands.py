"""Command lines: unit and options in, argv and environment out, for every step and dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.observatories.erosita.esass import commands as erosita
from daxa_wf.observatories.erosita.flare_options import FlaregtiOptions
from daxa_wf.observatories.erosita.options import EvtoolOptions
from daxa_wf.observatories.xmm.flare_options import SasEspfiltOptions
from daxa_wf.observatories.xmm.options import EvselectOptions, ExposureMapsOptions, ImagesOptions
from daxa_wf.observatories.xmm.sas import commands as xmm
from daxa_wf.observatories.xmm.sas import list_commands as lists
from daxa_wf.observatories.xmm.sas.tasks import ESPFILT, SAS_TASKS
from daxa_wf.observatories.xmm.sas.versions import SasVersion
from daxa_wf.tools.spec import Command
from daxa_wf.units import Band, Unit
from tests.standins.tables import TASKS

PN = Unit("xmm_pointed", "0201903501", "PN", "S003")
M1 = Unit("xmm_pointed", "0201903501", "M1", "S001")
M2 = Unit("xmm_pointed", "0201903501", "M2", "U002")
R1 = Unit("xmm_pointed", "0201903501", "R1", "S004")
DATA = xmm.OdfData(Path("/w/odf"), Path("/w/odf/0828_0201903501_SCX00000SUM.SAS"), Path("/a/ccf.cif"))
ENVIRONMENT = {"SAS_CCF": "/a/ccf.cif", "SAS_ODF": "/w/odf/0828_0201903501_SCX00000SUM.SAS"}
SAS_20, SAS_21_0, SAS_22 = SasVersion(20), SasVersion(21, 0, 0), SasVersion(22, 1, 0)
RAW, OOT, GTI = Path("/a/raw.fits"), Path("/a/oot.fits"), Path("/a/gti.fits")


def options(section: Any, **given: Any) -> dict[str, Any]:
    return section(**given).model_dump()


BANDS, PIXEL_SIZE = [energies.band for energies in ImagesOptions().bands], ImagesOptions().pixel_size


def argvs(commands: list[Command]) -> list[str]:
    return [" ".join(command.argv) for command in commands]


def test_cifbuild() -> None:
    (command,) = xmm.cifbuild("2004-06-17", "2024-04-24")
    assert command.argv == [
        "cifbuild", "calindexset=ccf.cif", "withobservationdate=yes", "observationdate=2004-06-17",
        "analysisdate=2024-04-24", "fullpath=yes",
    ]  # fmt: skip
    assert command.environment == {}
    assert command.products == {"cif": "ccf.cif"}
    assert command.spec.needs == ("SAS_DIR", "SAS_CCFPATH")


def test_odfingest_writes_into_the_working_directory_and_not_into_the_odf() -> None:
    (command,) = xmm.odfingest(Path("/w/odf"), Path("/a/ccf.cif"))
    assert command.argv == ["odfingest", "odfdir=/w/odf", "outdir=.", "withodfdir=yes"]
    assert command.environment == {"SAS_CCF": "/a/ccf.cif", "SAS_ODF": "/w/odf"}
    assert command.products == {"summary": "????_??????????_SCX00000SUM.SAS"}


def test_epchain_makes_the_out_of_time_list_first_and_reuses_its_files() -> None:
    first, second = xmm.epchain(PN, DATA, range(1, 13), SAS_20)
    common = ["epchain", "odf=/w/odf", "odfaccess=odf", "exposure=3", "schedule=S", "ccds=1-12"]
    assert first.argv == [*common, "runbackground=N", "keepintermediate=raw", "withoutoftime=Y"]
    assert second.argv == [*common, "runatthkgen=N", "runepframes=N", "runbadpixfind=N", "runbadpix=N"]
    assert first.environment == second.environment == ENVIRONMENT
    assert first.products == {"ootevents": "P0201903501PNS003OOEVLI0000.FIT"}
    assert second.products == {"events": "P0201903501PNS003PIEVLI0000.FIT"}
    assert first.extras == {"attitude": "P0201903501OBX000ATTTSR0000.FIT"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [(SAS_20, False), (SAS_21_0, True), (SasVersion(21, 0, 1), False), (SasVersion(22, 0, 0), False)],
)
def test_radmonfix_is_left_out_in_21_0_0_only(version: SasVersion, expected: bool) -> None:
    commands = xmm.epchain(Unit("xmm_pointed", "0201903501", "PN", "U014"), DATA, [1, 4, 5, 6, 12], version)
    for command in commands:
        assert ("runradmonfix=N" in command.argv) is expected
        assert {"exposure=14", "schedule=U", "ccds=1,4-6,12"} <= set(command.argv)


def test_a_timing_exposure_of_pn_is_a_verdict() -> None:
    with pytest.raises(UnfitDataError, match="notImaging: 0201903501PNS003 has no CCD in imaging mode"):
        xmm.epchain(PN, DATA, [], SAS_20)


def test_emchain_is_not_given_ccds() -> None:
    (command,) = xmm.emchain(M2, DATA)
    assert command.argv == [
        "emchain", "odf=/w/odf", "instruments=M2", "exposures=U002", "addtaglenoise=no", "makeflaregti=no",
    ]  # fmt: skip
    assert command.environment == ENVIRONMENT
    assert command.products == {"events": "P0201903501M2U002MIEVLI0000.FIT"}


def test_emanom_needs_sas_19() -> None:
    (command,) = xmm.emanom(M1, RAW, DATA, SasVersion(19))
    assert command.argv == ["emanom", "eventfile=events.fits", "writekeys=no", "keepcorner=no"]
    assert command.links == {"events.fits": RAW}
    assert command.products == {"anomalies": "mos1S001-anom.log"}
    with pytest.raises(ConfigError, match=r"SAS 18\.0\.0 is too old: emanom needs SAS 19"):
        xmm.emanom(M1, RAW, DATA, SasVersion(18))


FLARE = "method=histogram withsmoothing=yes smooth=51 withbinning=yes"
OLD = f"espfilt eventset=events.fits {FLARE} binsize=60 ratio=1.2"
MOS = f"espfilt eventfile=events.fits withoot=no {FLARE} binsize=60 ratio=1.2"
PN_WITH_OOT = f"espfilt eventfile=events.fits withoot=yes ootfile=ootevents.fits {FLARE} binsize=60 ratio=1.2"
BAND = "elow=2500 ehigh=8500"
REST = "allowsigma=3 limits=0.1 6.5 keepinterfiles=no"


@pytest.mark.parametrize(
    ("unit", "version", "expected"),
    [
        (M1, SasVersion(14), OLD),
        (M2, SasVersion(18), OLD),
        (PN, SasVersion(19, 1), OLD),
        (M1, SAS_20, f"{MOS} withlongnames=yes {BAND} rangescale=6 {REST}"),
        (PN, SAS_20, f"{PN_WITH_OOT} withlongnames=yes {BAND} rangescale=15 {REST}"),
        (M2, SAS_21_0, f"{MOS} {BAND} rangescale=6 {REST}"),
        (PN, SAS_22, f"{PN_WITH_OOT} {BAND} rangescale=15 {REST}"),
    ],
)
def test_espfilt_speaks_the_dialect_of_the_release(unit: Unit, version: SasVersion, expected: str) -> None:
    oot = OOT if unit is PN else None
    (command,) = lists.espfilt(unit, RAW, DATA, SasEspfiltOptions(), version, oot)
    assert argvs([command]) == [expected]
    assert command.environment == ENVIRONMENT
    assert ("ootevents.fits" in command.links) is ("withoot=yes" in expected)


def test_espfilt_products_have_the_names_of_the_release() -> None:
    (at_20,) = lists.espfilt(M1, RAW, DATA, SasEspfiltOptions(), SAS_20)
    (at_22,) = lists.espfilt(PN, RAW, DATA, SasEspfiltOptions(), SAS_22, OOT)
    assert at_20.products == {"gti": "mos1S001-gti-2500-8500.fits"}
    assert at_20.extras["hist"] == "mos1S001-hist-2500-8500.qdp"
    assert at_22.products == {"gti": "pnS003-gti.fits"}
    assert at_22.extras["allgoodootevents"] == "pnS003-allevcoot.fits"
    (at_19,) = lists.espfilt(PN, RAW, DATA, SasEspfiltOptions(), SasVersion(19), OOT)
    assert at_19.products == {"gti": "P0201903501PNS003-gti.FIT"}
    assert at_19.extras == {
        "lightcurve": "P0201903501PNS003-objlc.FIT", "cornerlightcurve": "P0201903501PNS003-corlc.FIT",
        "hist": "P0201903501PNS003-hist.qdp", "allgoodevents": "P0201903501PNS003-objevlifilt.FIT",
    }  # fmt: skip
    assert at_19.links == {"events.fits": RAW}


def test_espfilt_takes_every_option() -> None:
    given = SasEspfiltOptions(
        method="ratio", with_smoothing=False, with_binning="100 s", ratio=1.5, filter_lo_en="8 keV",
        filter_hi_en="12 keV", range_scale={"pn": 25, "mos": 10}, allowed_sigma=2.5, gauss_fit_lims=(0.2, 8),
    )  # fmt: skip
    (command,) = lists.espfilt(PN, RAW, DATA, given, SAS_22)
    assert argvs([command]) == [
        "espfilt eventfile=events.fits withoot=no method=ratio withsmoothing=no smooth=51 withbinning=yes binsize=100 "
        "ratio=1.5 elow=8000 ehigh=12000 rangescale=25 allowsigma=2.5 limits=0.2 8 keepinterfiles=no"
    ]


def test_evselect_cleans_the_out_of_time_list_alike() -> None:
    commands = lists.evselect(PN, RAW, GTI, DATA, EvselectOptions(), ootevents=OOT)
    expression = "expression=(#XMMEA_EP && (PATTERN <= 4) && (FLAG .eq. 0)) && GTI(gti.fits,TIME)"
    assert [command.argv for command in commands] == [
        ["evselect", "table=events.fits", "filteredset=cleanevents.fits", expression, "updateexposure=yes"],
        ["evselect", "table=ootevents.fits", "filteredset=cleanootevents.fits", expression, "updateexposure=yes"],
    ]
    assert commands[0].links == {"events.fits": RAW, "gti.fits": GTI}
    assert commands[1].links == {"ootevents.fits": OOT, "gti.fits": GTI}
    assert [command.unfit_warnings for command in commands] == [("NoFilteredEvents", "NoInputEvents"), ()]


def test_evselect_takes_energies_and_good_ccds() -> None:
    given = EvselectOptions(lo_en="0.3 keV", hi_en="7.9 keV")
    (command,) = lists.evselect(M1, RAW, GTI, DATA, given, ccds=[1, 2, 5])
    assert command.argv[3] == (
        "expression=((#XMMEA_EM && (PATTERN <= 12) && (FLAG .eq. 0)) && (PI in [300:7900]) && (CCDNR in 1,2,5)) "
        "&& GTI(gti.fits,TIME)"
    )
    (either,) = lists.evselect(M1, RAW, GTI, DATA, EvselectOptions(mos_filt_expr="PATTERN == 0 || PATTERN == 2"))
    assert either.argv[3] == "expression=(PATTERN == 0 || PATTERN == 2) && GTI(gti.fits,TIME)"
    with pytest.raises(UnfitDataError, match="noGoodCcds"):
        lists.evselect(M1, RAW, GTI, DATA, given, ccds=[])


def test_merge_is_a_chain_of_pairs() -> None:
    paths = [Path(f"/a/{name}.fits") for name in "abc"]
    assert argvs(lists.merge(paths)) == [
        "merge set1=set1.fits set2=set2.fits outset=merged2.fits",
        "merge set1=merged2.fits set2=set3.fits outset=finalevents.fits",
    ]
    first, second = lists.merge(paths)
    assert first.links == {"set1.fits": paths[0], "set2.fits": paths[1]}
    assert second.links == {"set3.fits": paths[2]}
    assert second.products == {"finalevents": "finalevents.fits"}
    assert lists.merge(paths[:1]) == []
    assert lists.merge(paths[:2], "finalootevents")[0].argv[-1] == "outset=finalootevents.fits"


def test_images_have_the_pixels_of_the_native_ones() -> None:
    commands = lists.images(RAW, DATA, BANDS, PIXEL_SIZE)
    assert commands[0].argv == [
        "evselect", "table=events.fits", "imageset=en0.5_2.0keV-image.fits", "withimageset=yes", "xcolumn=X", "ycolumn=Y",
        "imagebinning=binSize", "ximagebinsize=87", "yimagebinsize=87", "withxranges=yes", "ximagemin=3649",
        "ximagemax=48192", "withyranges=yes", "yimagemin=3649", "yimagemax=48192", "expression=(PI in [500:1999])",
    ]  # fmt: skip
    assert commands[1].products == {"en2.0_10.0keV-image": "en2.0_10.0keV-image.fits"}


def test_exposure_maps_are_on_the_pixels_of_their_images() -> None:
    images = {"en0.5_2.0keV": Path("/a/soft.fits"), "en2.0_10.0keV": Path("/a/hard.fits")}
    vignetting = ExposureMapsOptions().vignetting
    commands = lists.exposure_maps(RAW, images, Path("/a/att.fits"), DATA, BANDS, vignetting)
    assert argvs(commands)[1] == (
        "eexpmap imageset=image.fits attitudeset=attitude.fits eventset=events.fits expimageset=en2.0_10.0keV-expmap.fits "
        "withdetcoords=no withvignetting=yes usefastpixelization=no attrebin=4 pimin=2000 pimax=10000"
    )
    assert commands[1].links["image.fits"] == Path("/a/hard.fits")
    unvignetted = lists.exposure_maps(RAW, images, Path("/a/att.fits"), DATA, BANDS, "none")
    assert "withvignetting=no" in unvignetted[0].argv


def test_rgsproc_runs_one_stage_a_step() -> None:
    stages = [xmm.rgsproc(step, R1, DATA)[0] for step in xmm.RGS_STEPS]
    assert argvs(stages) == [
        f"rgsproc entrystage={stage} finalstage={stage} withinstexpids=yes instexpids=R1S004"
        for stage in ("1:events", "2:angles", "3:filter")
    ]
    assert [stage.products for stage in stages] == [
        {"events": "P0201903501R1S004merged0000.FIT"}, {}, {"finalevents": "P0201903501R1S004EVENLI0000.FIT"},
    ]  # fmt: skip
    assert stages[0].environment == ENVIRONMENT


def test_every_task_is_told_its_observation() -> None:
    images = {"en0.5_2.0keV": Path("/a/soft.fits"), "en2.0_10.0keV": Path("/a/hard.fits")}
    told = [
        *xmm.epchain(PN, DATA, [1], SAS_20), *xmm.emchain(M1, DATA), *xmm.emanom(M1, RAW, DATA, SAS_20), *xmm.atthkgen(DATA),
        *xmm.rgsproc("rgs_filter", R1, DATA), *lists.espfilt(M1, RAW, DATA, SasEspfiltOptions(), SasVersion(19)),
        *lists.evselect(PN, RAW, GTI, DATA, EvselectOptions(), ootevents=OOT), *lists.images(RAW, DATA, BANDS, PIXEL_SIZE),
        *lists.exposure_maps(RAW, images, Path("/a/att.fits"), DATA, BANDS, "measured"),
    ]  # fmt: skip
    assert {each.task for each in told} == {*SAS_TASKS} - {"cifbuild", "odfingest", "merge", "gtibuild"}
    assert all(each.environment == ENVIRONMENT for each in told)
    assert all(set(each.spec.needs) <= {"SAS_DIR", *ENVIRONMENT} for each in told)
    assert lists.merge([RAW, OOT])[0].environment == {}


def test_atthkgen() -> None:
    assert argvs(xmm.atthkgen(DATA)) == ["atthkgen atthkset=attitude.fits timestep=1"]


def test_flaregti_works_on_a_copy() -> None:
    (command,) = erosita.flaregti(RAW, FlaregtiOptions())
    assert argvs([command]) == [
        "flaregti eventfile=events.fits pimin=200 pimax=10000 mask_pimin=200 mask_pimax=10000 xmin=-108000 xmax=108000 "
        "ymin=-108000 ymax=108000 gridsize=18 binsize=1200 detml=10 timebin=20 source_size=25 source_like=10 "
        "fov_radius=30 threshold=-1 max_threshold=-1 mask_iter=3 write_mask=yes mask=mask.fits write_lightcurve=yes "
        "lightcurve=lightcurve.fits write_thresholdimg=yes thresholdimg=thresholds.fits"
    ]
    assert command.copies == {"events.fits": RAW}
    assert command.links == {}


def test_gtitype_is_told_only_where_it_is_not_the_usual_one() -> None:
    (command,) = erosita.flaregti(RAW, FlaregtiOptions(gtitype="FLAREGTI", threshold=1.09))
    assert {"gtitype=FLAREGTI", "threshold=1.09"} <= set(command.argv)


def test_evtool_and_its_images() -> None:
    (command,) = erosita.evtool(RAW, EvtoolOptions())
    assert argvs([command]) == [
        "evtool eventfiles=events.fits gti=FLAREGTI outfile=finalevents.fits flag=0xc0000000 pattern=15 emin=0.2 emax=10"
    ]
    (inverted,) = erosita.evtool(
        RAW,
        EvtoolOptions(lo_en="0.5 keV", hi_en="2 keV", pattern=1, flag="0x2000", flagged="only", modules=["TM2", "TM1"]),
    )
    assert argvs([inverted]) == [
        "evtool eventfiles=events.fits gti=FLAREGTI outfile=finalevents.fits flag=0x2000 flag_invert=yes pattern=1 "
        "emin=0.5 emax=2 telid=1 2"
    ]
    (part,) = erosita.evtool(RAW, EvtoolOptions(gti="GTI", region="fk5; circle(8:52:56.868, 5.4614653, 6')"))
    assert part.argv[2] == "gti=GTI"
    assert part.argv[-1] == "region=j2000;circle(133.23695d,5.4614653d,0.1d)"
    bands = [Band(0.2, 2.3)]
    (image,) = erosita.images(RAW, bands)
    assert argvs([image]) == [
        "evtool eventfiles=events.fits outfile=en0.2_2.3keV-image.fits events=no image=yes size=auto rebin=80 "
        "center_position=auto emin=0.2 emax=2.3"
    ]
    (exposure,) = erosita.exposure_maps(RAW, {"en0.2_2.3keV": Path("/a/im.fits")}, bands)
    assert argvs([exposure]) == [
        "expmap inputdatasets=events.fits templateimage=image.fits emin=0.2 emax=2.3 withsinglemaps=no withmergedmaps=yes "
        "mergedmaps=en0.2_2.3keV-expmap.fits withvignetting=yes gtitype=FLAREGTI"
    ]


def test_modules_and_energies_of_evtool_are_checked() -> None:
    assert erosita.module_numbers([f"TM{number}" for number in range(1, 8)]) == []
    with pytest.raises(ConfigError, match="TM8 is not a telescope module"):
        erosita.module_numbers(["TM8"])
    for wrong in ({"lo_en": "2 keV", "hi_en": "0.5 keV"}, {"modules": ["TM8"]}, {"pattern": 16}, {"flag": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            EvtoolOptions(**wrong)
    with pytest.raises(ValueError, match=r"pimin = 3\.0 must be below pimax = 2\.0"):
        FlaregtiOptions(pimin="3 keV", pimax="2 keV")


@pytest.mark.parametrize(
    ("task", "parameters", "said"),
    [
        ("evselect", {"table": "a", "expresion": "true"}, "evselect has no parameter 'expresion'"),
        ("evselect", {}, "evselect needs table"),
        ("epchain", {"odfaccess": "disk"}, "epchain: odfaccess=disk: 'disk' is none of oal, odf, name, all"),
        ("epchain", {"exposure": 1000}, r"epchain: exposure=1000: 1000 is outside of 0..999"),
        ("rgsproc", {"entrystage": "1"}, "rgsproc: entrystage=1: '1' is none of 1:events"),
        ("evtool", {"eventfiles": "a", "outfile": "b", "telid": ["8"]}, "telid=.*'8' is none of 1, 2"),
        ("cifbuild", {"fullpath": "maybe"}, "cifbuild: fullpath=maybe: yes or no is allowed"),
        ("eexpmap", {"imageset": "a", "attitudeset": "b", "eventset": "c", "expimageset": "d", "pimin": True}, "pimin"),
    ],
)
def test_a_parameter_that_a_task_would_refuse_is_named(task: str, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TASKS[task].command(parameters)


def test_dialects_of_espfilt_do_not_mix() -> None:
    with pytest.raises(ConfigError, match=r"espfilt \(SAS 19 and before\) has no parameter 'eventfile'"):
        ESPFILT["19"].command({"eventfile": "a"})
    with pytest.raises(ConfigError, match=r"espfilt \(SAS 21 and later\) has no parameter 'withlongnames'"):
        ESPFILT["21"].command({"eventfile": "a", "withlongnames": True})


def test_every_default_is_a_value_that_is_allowed() -> None:
    parameters = [each for spec in (*TASKS.values(), *ESPFILT.values()) for each in spec.parameters if each.default]
    assert len(parameters) > 20
    for parameter in parameters:
        assert parameter.read(parameter.default) not in (None, ""), parameter.name


@pytest.mark.parametrize(("ccds", "expected"), [([1], "1"), ([12, 1, 6, 7, 8, 9], "1,6-9,12"), (range(1, 13), "1-12")])
def test_ccd_lists(ccds: Any, expected: str) -> None:
    assert xmm.ccd_list(ccds) == expected
