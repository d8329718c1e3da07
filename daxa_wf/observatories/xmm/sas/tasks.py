"""Parameters of the SAS tasks that are used, with defaults in the form that the tasks print.

Sources: the tasks' help on line (SAS 19 to 22) for cifbuild, odfingest, epchain, gtibuild, merge, emanom, rgsproc,
eexpmap; for cifbuild, evselect and espfilt also the full parameter sets in XPROC0 cards and logs of genuine runs.
No source gives the defaults of emchain.
"""

from __future__ import annotations

from daxa_wf.tools.environment import ToolkitVariables
from daxa_wf.tools.spec import Parameter, ParameterKind, TaskSpec

SAS = ToolkitVariables(
    "sas",
    fixed={"SAS_VERBOSITY": "4", "SAS_SUPPRESS_WARNING": "1"},
    cleared=("SAS_ODF", "SAS_CCF", "SAS_CCFFILES", "SAS_CLOBBER", "SAS_VERBOSITY", "SAS_SUPPRESS_WARNING"),
)
"""The fixed variables give messages one form. SAS's own PYTHONPATH must stay."""
CALIBRATED = ("SAS_DIR", "SAS_CCF")
OBSERVATION = (*CALIBRATED, "SAS_ODF")


def _some(kind: ParameterKind, **defaults: str | None) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, kind, default) for name, default in defaults.items())


def _switches(default: str, *names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, "bool", default) for name in names)


CIFBUILD = TaskSpec(
    "cifbuild",
    SAS,
    (
        Parameter("calindexset", "file", "ccf.cif"),
        Parameter("withccfpath", "bool", "no"),
        Parameter("usecanonicalname", "bool", "no"),
        Parameter("ccfpath", "text", "."),
        Parameter("recurse", "bool", "no"),
        Parameter("fileglob", "text", "*.ccf|*.CCF"),
        Parameter("fullpath", "bool", "no"),
        Parameter("withobservationdate", "bool", "no"),
        Parameter("observationdate", "text", "now"),
        Parameter("analysisdate", "text", "now"),
        Parameter("category", "text", "XMMCCF"),
        Parameter("ignorecategory", "bool", "no"),
        Parameter("masterindex", "bool", "no"),
        Parameter("withmasterindexset", "bool", "no"),
        Parameter("masterindexset", "file", "ccf.mif"),
        Parameter("append", "bool", "no"),
    ),
    needs=("SAS_DIR", "SAS_CCFPATH"),
)

ODFINGEST = TaskSpec(
    "odfingest",
    SAS,
    (
        Parameter("odfdir", "file", "."),
        Parameter("withodfdir", "bool", "no"),
        Parameter("outdir", "file", "."),
        Parameter("summaryfile", "file", "0000_0000000000_SCX000SUM.SAS"),
        Parameter("usecanonicalname", "bool", "yes"),
        Parameter("writepath", "bool", "yes"),
        Parameter("findinstrumentmodes", "bool", "yes"),
        Parameter("usehousekeeping", "bool", "yes"),
        Parameter("oalcheck", "bool", "no"),
    ),
    needs=CALIBRATED,
)

EPCHAIN = TaskSpec(
    "epchain",
    SAS,
    (
        Parameter("odf", "file"),
        Parameter("odfaccess", "text", "oal", allowed=("oal", "odf", "name", "all")),
        Parameter("schedule", "text", "S", allowed=("S", "U")),
        Parameter("datamode", "text", "IMAGING", allowed=("IMAGING", "TIMING", "BURST", "ALL")),
        Parameter("exposure", "int", "1", low=0, high=999),
        Parameter("ccds", "text", "1-12", note="such as 1,6-9,12"),
        Parameter("keepintermediate", "text", "none", allowed=("all", "raw", "cal", "clean", "notmerged", "none")),
        Parameter("outset", "file", "events.fits"),
        Parameter("timestep", "real", "1.0", low=0, unit="s"),
        *_switches("Y", "withdefaultcal", "usecanonicalnames", "runradmonfix", "runatthkgen", "runepframes",
                   "runbadpixfind", "runbadpix", "runbackground", "runepfast"),
        *_switches("N", "withradmon", "withoutoftime", "withctisrcpos"),
        Parameter("runepreject", "bool"),
    ),
    booleans=("N", "Y"),
    needs=OBSERVATION,
)  # fmt: skip

EMCHAIN = TaskSpec(
    "emchain",
    SAS,
    (
        Parameter("odf", "file"),
        Parameter("instruments", "text", allowed=("M1", "M2"), many=True),
        Parameter("exposures", "text", many=True, note="such as S001"),
        Parameter("ccds", "text", note="not given here: with it SUBMODE of FastUncompressed may become Unknown"),
        *_switches("yes", "addtaglenoise", "makeflaregti"),
        *_switches("no", "filteratt", "filterhk"),
        Parameter("startfromodf", "bool"),
        Parameter("runevlistcomb", "bool"),
        Parameter("withflaregti", "bool"),
        Parameter("globalflare", "bool"),
        Parameter("addvigweight", "bool"),
        Parameter("keepintermediate", "text"),
        Parameter("withatthkgen", "bool"),
        Parameter("atttol", "real", low=0),
        Parameter("ingtiset", "file"),
        Parameter("badpixfindalgo", "text"),
    ),
    needs=OBSERVATION,
)

EMANOM = TaskSpec(
    "emanom",
    SAS,
    (
        Parameter("eventfile", "file", required=True),
        Parameter("writekeys", "bool", "yes"),
        Parameter("writelog", "bool", "yes"),
        Parameter("keepcorner", "bool", "yes"),
        Parameter("cornerfile", "file", "temp_corner.fits"),
    ),
    needs=CALIBRATED,
)

_FLARE = (
    Parameter("method", "text", "histogram", allowed=("histogram", "ratio")),
    Parameter("withsmoothing", "bool", "yes"),
    Parameter("smooth", "int", "51", low=1, high=60, unit="s"),
    Parameter("withbinning", "bool", "yes"),
)
_RATIO = Parameter("ratio", "real", "1.2", low=0)
_OUT_OF_TIME = (
    Parameter("eventfile", "file", required=True),
    Parameter("withoot", "bool", "no"),
    Parameter("ootfile", "file", "dataset"),
)
_FLARE_BAND = (
    Parameter("elow", "int", "2500", low=1, high=32766, unit="eV"),
    Parameter("ehigh", "int", "8500", low=2, high=32767, unit="eV"),
    Parameter("rangescale", "real", "6.0", low=0, note="15 for pn"),
    Parameter("allowsigma", "real", "3.0", low=0),
    Parameter("limits", "real", "0.1 6.5", low=0, high=10, many=True, unit="count/s"),
    Parameter("keepinterfiles", "bool", "no"),
)
_BINNING = Parameter("binsize", "int", "60", low=1, unit="s")
_UNFIT = ("noCounts", "noPNSmallWindow", "gaussian")
"""Errors of espfilt that declare the data unfit. The native filters reject the same data under the same names."""

ESPFILT = {
    "19": TaskSpec(
        "espfilt",
        SAS,
        (
            Parameter("eventset", "file", required=True), *_FLARE, _BINNING, _RATIO,
        ),
        needs=CALIBRATED,
        dialect="SAS 19 and before",
        unfit_errors=_UNFIT,
    ),
    "20": TaskSpec(
        "espfilt",
        SAS,
        (*_OUT_OF_TIME, *_FLARE, _BINNING, _RATIO, Parameter("withlongnames", "bool", "yes"), *_FLARE_BAND),
        needs=CALIBRATED,
        dialect="SAS 20",
        unfit_errors=_UNFIT,
    ),
    "21": TaskSpec(
        "espfilt",
        SAS,
        (*_OUT_OF_TIME, *_FLARE, _BINNING, _RATIO, *_FLARE_BAND),
        needs=CALIBRATED,
        dialect="SAS 21 and later",
        unfit_errors=_UNFIT,
    ),
}  # fmt: skip
"""The interfaces of espfilt by generation of SAS."""

EVSELECT = TaskSpec(
    "evselect",
    SAS,
    (
        Parameter("table", "file", required=True),
        Parameter("filteredset", "file", "filtered.fits"),
        *_switches("no", "withfilteredset", "keepfilteroutput"),
        Parameter("flagcolumn", "text", "EVFLAG"),
        Parameter("flagbit", "int", "-1"),
        Parameter("destruct", "bool", "yes"),
        Parameter("dssblock", "text", ""),
        Parameter("expression", "text", "true"),
        Parameter("filtertype", "text", "expression", allowed=("expression", "dss", "filterFile")),
        Parameter("cleandss", "bool", "no"),
        *_switches("yes", "updateexposure", "filterexposure", "writedss"),
        *_some("text", blockstocopy="", attributestocopy="", energycolumn="PHA", zcolumn="WEIGHT", zerrorcolumn="EWEIGHT"),
        *_switches("no", "withzerrorcolumn", "withzcolumn", "ignorelegallimits"),
        Parameter("imageset", "file", "image.fits"),
        *_some("text", xcolumn="RAWX", ycolumn="RAWY"),
        *_some("real", ximagebinsize="1", yimagebinsize="1"),
        Parameter("squarepixels", "bool", "no"),
        *_some("int", ximagesize="600", yimagesize="600"),
        Parameter("imagebinning", "text", "imageSize", allowed=("imageSize", "binSize")),
        *_some("real", ximagemin="1", ximagemax="640"),
        Parameter("withxranges", "bool", "no"),
        *_some("real", yimagemin="1", yimagemax="640"),
        Parameter("withyranges", "bool", "no"),
        Parameter("imagedatatype", "text", "Real64", allowed=("Int8", "Int16", "Int32", "Real32", "Real64")),
        Parameter("withimagedatatype", "bool", "no"),
        *_some("real", raimagecenter="0", decimagecenter="0"),
        *_switches("no", "withcelestialcenter", "withimageset"),
        Parameter("spectrumset", "file", "spectrum.fits"),
        *_some("int", spectralbinsize="5", specchannelmin="0", specchannelmax="11999"),
        *_switches("no", "withspecranges", "nonStandardSpec", "withspectrumset"),
        Parameter("rateset", "file", "rate.fits"),
        Parameter("timecolumn", "text", "TIME"),
        *_some("real", timebinsize="1", timemin="0", timemax="1000"),
        *_switches("no", "withtimeranges", "maketimecolumn", "makeratecolumn", "withrateset"),
        Parameter("histogramset", "file", "histo.fits"),
        Parameter("histogramcolumn", "text", "TIME"),
        *_some("real", histogrambinsize="1", histogrammin="0", histogrammax="1000"),
        *_switches("no", "withhistoranges", "withhistogramset"),
    ),
    needs=("SAS_DIR",),
)  # fmt: skip

GTIBUILD = TaskSpec(
    "gtibuild",
    SAS,
    (Parameter("file", "file", required=True), Parameter("table", "file", required=True)),
    needs=("SAS_DIR",),
)

MERGE = TaskSpec(
    "merge",
    SAS,
    (
        Parameter("set1", "file", required=True),
        Parameter("set2", "file", required=True),
        Parameter("outset", "file", required=True),
        Parameter("withradec", "bool", "N"),
        Parameter("ra", "real", low=0, high=360, unit="deg"),
        Parameter("dec", "real", low=-90, high=90, unit="deg"),
        Parameter("imagesize", "real", low=0),
        Parameter("mergedifferentobs", "bool", "yes"),
        *(
            parameter
            for name in ("set1", "set2")
            for parameter in (
                Parameter(f"with{name}adjustpos", "bool", "no"),
                Parameter(f"{name}deltara", "real", "0"),
                Parameter(f"{name}deltadec", "real", "0"),
                Parameter(f"{name}deltaposangle", "real", "0"),
            )
        ),
    ),
    needs=("SAS_DIR",),
)

RGS_STAGES = ("1:events", "2:angles", "3:filter", "4:spectra", "5:fluxing", "6:lightcurve")

RGSPROC = TaskSpec(
    "rgsproc",
    SAS,
    (
        Parameter("entrystage", "text", "1:events", allowed=RGS_STAGES),
        Parameter("finalstage", "text", "6:lightcurve", allowed=RGS_STAGES),
        Parameter("withinstexpids", "bool", "no"),
        Parameter("instexpids", "text", many=True, note="such as R1S004"),
        Parameter("orders", "int", "1 2", many=True),
        Parameter("auxgtitables", "file", many=True),
        Parameter("spectrumbinning", "text", "lambda", allowed=("lambda", "beta")),
        Parameter("withsrc", "bool", "no"),
        Parameter("srcra", "real", low=0, high=360, unit="deg"),
        Parameter("srcdec", "real", low=-90, high=90, unit="deg"),
    ),
    needs=OBSERVATION,
)

EEXPMAP = TaskSpec(
    "eexpmap",
    SAS,
    (
        Parameter("imageset", "file", required=True),
        Parameter("attitudeset", "file", required=True),
        Parameter("eventset", "file", required=True),
        Parameter("expimageset", "file", required=True),
        Parameter("withdetcoords", "bool", "no"),
        Parameter("withvignetting", "bool", "yes"),
        Parameter("usefastpixelization", "bool", "true"),
        Parameter("usedss", "bool"),
        Parameter("withpatterns", "bool"),
        Parameter("pattern", "int"),
        Parameter("badclean", "bool"),
        Parameter("attrebin", "real", "4.0", low=0, unit="arcsec"),
        Parameter("useoffset", "bool"),
        Parameter("hducut", "int"),
        Parameter("usedlimap", "bool"),
        Parameter("pimin", "int", "2000", low=0, unit="eV"),
        Parameter("pimax", "int", low=0, unit="eV"),
    ),
    needs=CALIBRATED,
)

ATTHKGEN = TaskSpec(
    "atthkgen",
    SAS,
    (Parameter("atthkset", "file", "atthk.dat"), Parameter("timestep", "real", "1", low=0, unit="s")),
    needs=OBSERVATION,
)

SAS_TASKS = {
    spec.name: spec
    for spec in (
        CIFBUILD, ODFINGEST, EPCHAIN, EMCHAIN, EMANOM, ESPFILT["21"], EVSELECT, GTIBUILD, MERGE, RGSPROC, EEXPMAP,
        ATTHKGEN,
    )
}  # fmt: skip
"""Task -> its parameters, in the newest interface."""
