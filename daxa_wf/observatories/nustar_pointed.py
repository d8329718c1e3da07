"""NuSTAR, pointed observations."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, numbers, public_date, texts, times
from daxa_wf.mission.cuts import HAS_POSITION, PROCESSED, any_positive, one_of
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

BANDS = (EnergyBand("", 3.0, 78.0),)

CITATION = Citation(
    "This research has made use of data from the NuSTAR mission, a project led by the California Institute of Technology, "
    "managed by the Jet Propulsion Laboratory, and funded by the National Aeronautics and Space Administration.",
    (
        Reference(
            "nustar_harrison_2013", "Harrison, F. A. and Craig, W. W. and Christensen, F. E. and others",
            "The Nuclear Spectroscopic Telescope Array (NuSTAR) High-energy X-Ray Mission", "ApJ", 2013, "770", "103",
            "10.1088/0004-637X/770/2/103",
        ),
    ),
)  # fmt: skip

MISSION = MissionSpec(
    name="nustar_pointed",
    pretty_name="NuSTAR Pointed",
    obsid_pattern=r"[0-9]{11}",
    frame="fk5",
    instruments=(
        Instrument("FPMA", 6.5 / 60, ("FA",), exposure_column="exposure_a"),
        Instrument("FPMB", 6.5 / 60, ("FB",), exposure_column="exposure_b"),
    ),
    tables=(
        TableSource(
            "heasarc",
            "numaster",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("time", "end_time"),
                Column("status", "status"),
                *numbers("exposure_a", "exposure_b", "ontime_a", "ontime_b"),
                Column("observation_mode", "observation_mode"),
                Column("spacecraft_mode", "spacecraft_mode"),
                Column("subject_category", "target_type"),
                Column("name", "target", required=False),
                public_date(),
                *texts("issue_flag", "instrument_mode", "obs_type"),
            ),
        ),
    ),
    row_cuts=(
        one_of("observation_mode", "SCIENCE"), one_of("spacecraft_mode", "INERTIAL"), PROCESSED,
        any_positive("ontime", "ontime_a", "ontime_b"), HAS_POSITION,
    ),
    target_types={
        "ACTIVE GALAXIES AND QUASARS": "AGN", "NON-PROPOSAL TOOS": "TOO", "GALACTIC COMPACT SOURCES": "GS",
        "SOLAR SYSTEM OBJECTS": "SOL", "PROPOSED TOOS AND DIRECTORS DISCRETIONARY TIME": "TOO",
        "CALIBRATION OBSERVATIONS": "CAL",
        "NON-TOO SUPERNOVAE, SUPERNOVA REMNANTS, AND GALACTIC DIFFUSE": "SNR", "NORMAL GALAXIES": "NGS",
        "GALAXY CLUSTERS AND EXTRAGALACTIC DIFFUSE OBJECTS": "GCL", "NON-POINTING DATA": "MISC",
    },
    other_target_type="MISC",
    citation=CITATION,
    archive_paths={"heasarc": "nustar/data/obs/{obsid[1:3]}/{obsid[0]}/{obsid}/"},
    files=(
        FilePattern("preprocessed", ("nu{obsid}.cat*", "auxil/*")),
        *(FilePattern("preprocessed", (f"event_cl/*{module}[0-9]*",), (f"FPM{module}",)) for module in "AB"),
        FilePattern("raw", ("nu{obsid}.cat*", "auxil/*", "hk/*")),
        *(FilePattern("raw", (f"event_uf/*{module}*_uf.evt*",), (f"FPM{module}",)) for module in "AB"),
    ),
    products=(
        ProductPattern("events", "FPMA", "event_cl/nu{obsid}A01_cl.evt*"),
        ProductPattern("events", "FPMB", "event_cl/nu{obsid}B01_cl.evt*"),
        ProductPattern("image", "FPMA", "event_cl/nu{obsid}A01_sk.img*", BANDS),
        ProductPattern("image", "FPMB", "event_cl/nu{obsid}B01_sk.img*", BANDS),
    ),
)  # fmt: skip

PIPELINE = Pipeline(missions=(MISSION,))
