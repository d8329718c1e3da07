"""Parameters of the eSASS tasks that are used, from their help pages (EDR and DR1).

evtool's defaults (no selection by flag, pattern, good time or energy) and its last five parameters come from the header of
a genuine eFEDS image (SASSHIST, eSASS4EDR).
"""

from __future__ import annotations

from daxa_wf.tools.environment import ToolkitVariables
from daxa_wf.tools.spec import Parameter, TaskSpec

ESASS = ToolkitVariables(
    "esass",
    fixed={"SAS_VERBOSITY": "4", "SAS_SUPPRESS_WARNING": "1"},
    cleared=("SAS_ODF", "SAS_CCF", "SAS_CCFFILES", "SAS_CLOBBER", "SAS_VERBOSITY", "SAS_SUPPRESS_WARNING"),
)
"""eSASS is built on SAS's library, and reads its variables."""
TELESCOPE_MODULES = ("1", "2", "3", "4", "5", "6", "7")

FLAREGTI = TaskSpec(
    "flaregti",
    ESASS,
    (
        Parameter("eventfile", "file", required=True),
        Parameter("gtifile", "file"),
        Parameter("gtitype", "text", allowed=("GTI", "FLAREGTI"), note="since flaregti 1.26"),
        Parameter("pimin", "real", "200", low=0, unit="eV"),
        Parameter("pimax", "real", "10000", low=0, unit="eV"),
        Parameter("mask_pimin", "real", "200", low=0, unit="eV"),
        Parameter("mask_pimax", "real", "10000", low=0, unit="eV"),
        Parameter("xmin", "real", "-108000", unit="sky pixel"),
        Parameter("xmax", "real", "108000", unit="sky pixel"),
        Parameter("ymin", "real", "-108000", unit="sky pixel"),
        Parameter("ymax", "real", "108000", unit="sky pixel"),
        Parameter("gridsize", "int", "18", low=1),
        Parameter("binsize", "int", "1200", low=1, unit="sky pixel"),
        Parameter("detml", "real", "10", low=0),
        Parameter("timebin", "real", "20", low=0, unit="s"),
        Parameter("source_size", "real", "25", low=0, unit="arcsec"),
        Parameter("source_like", "real", "10", low=0),
        Parameter("fov_radius", "real", "30", low=0, unit="arcmin"),
        Parameter("threshold", "real", "-1", unit="count/s/deg2"),
        Parameter("max_threshold", "real", "-1", unit="count/s/deg2"),
        Parameter("write_mask", "bool", "yes"),
        Parameter("mask", "file"),
        Parameter("mask_iter", "int", "3", low=1),
        Parameter("write_lightcurve", "bool", "yes"),
        Parameter("lightcurve", "file"),
        Parameter("write_thresholdimg", "bool", "no"),
        Parameter("thresholdimg", "file"),
    ),
    done_line="flaregti: DONE",
)

EVTOOL = TaskSpec(
    "evtool",
    ESASS,
    (
        Parameter("eventfiles", "file", required=True, many=True),
        Parameter("outfile", "file", required=True),
        Parameter("events", "bool", "yes"),
        Parameter("image", "bool", "no"),
        Parameter("size", "text", "auto", many=True),
        Parameter("rebin", "int", low=1, unit="sky pixel"),
        Parameter("center_position", "text", "auto", many=True),
        Parameter("gti", "text"),
        Parameter("flag", "int", low=0, high=0xFFFFFFFF),
        Parameter("flag_invert", "bool", "no"),
        Parameter("pattern", "int", "0", low=0, high=15),
        Parameter("emin", "real", low=0, unit="keV"),
        Parameter("emax", "real", low=0, unit="keV"),
        Parameter("telid", "text", "1 2 3 4 5 6 7", allowed=TELESCOPE_MODULES, many=True),
        Parameter("region", "text"),
        Parameter("rawxy", "text"),
        Parameter("clobber", "bool", "yes"),
        Parameter("rawxy_telid", "int", "0", low=0, high=7),
        Parameter("rawxy_invert", "bool", "no"),
        Parameter("memset", "bool", "no"),
        Parameter("overlap", "real", "2", low=0),
        Parameter("skyfield", "text"),
    ),
    done_line="evtool: DONE",
)

EXPMAP = TaskSpec(
    "expmap",
    ESASS,
    (
        Parameter("inputdatasets", "file", required=True, many=True),
        Parameter("templateimage", "file", required=True),
        Parameter("emin", "real", low=0, many=True, unit="keV"),
        Parameter("emax", "real", low=0, many=True, unit="keV"),
        Parameter("withsinglemaps", "bool", "no"),
        Parameter("withmergedmaps", "bool", "yes"),
        Parameter("singlemaps", "file", many=True),
        Parameter("mergedmaps", "file", many=True),
        Parameter("withvignetting", "bool"),
        Parameter("withweights", "bool"),
        Parameter("withdetmaps", "bool"),
        Parameter("withfilebadpix", "bool"),
        Parameter("gtitype", "text", allowed=("GTI", "FLAREGTI")),
    ),
    done_line="expmap: DONE",
)

ESASS_TASKS = {spec.name: spec for spec in (FLAREGTI, EVTOOL, EXPMAP)}
"""Task -> its parameters."""
