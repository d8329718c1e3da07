"""ROSAT, pointed observations. A bare 'PSPC' is a late pointing that completed the survey, made with PSPC-B."""

from daxa_wf.mission.common import POSITION, texts, times
from daxa_wf.mission.cuts import HAS_POSITION
from daxa_wf.mission.spec import Column, Instrument, MissionSpec, TableSource
from daxa_wf.observatories.rosat_products import BANDS, ROSAT_FILES, rosat_products

MISSION = MissionSpec(
    name="rosat_pointed",
    pretty_name="ROSAT Pointed",
    obsid_pattern=r"(RH|RP|RF|WH|WP|WF|rh|rp|rf|wh|wp|wf)[0-9]{6}([A-Z][0-9]{2})?",
    frame="fk5",
    instruments=(
        Instrument("PSPCB", 1.0, ("PSPC-B", "PSPC B", "PSPC")),
        Instrument("PSPCC", 1.0, ("PSPC-C", "PSPC C")),
        Instrument("HRI", 19 / 60),
    ),
    groups={"PSPC": ("PSPCB", "PSPCC")},
    simultaneous=False,
    tables=(
        TableSource(
            "heasarc",
            "rosmaster",
            (
                Column("seq_id", "obsid"),
                *POSITION,
                *times("start_time", "end_time"),
                Column("exposure", "exposure", "number"),
                Column("instrument", "instruments", "instrument"),
                Column("subj_cat", "target_type", required=False),
                Column("name", "target", required=False),
                *texts("fits_type", "filter", "proc_rev", "site"),
            ),
        ),
    ),
    row_cuts=(HAS_POSITION,),
    target_types={
        "0": "MISC", "1": "STR", "2": "STR", "3": "CV", "4": "NS", "5": "SNR", "6": "NGS", "7": "AGN", "8": "GCL",
        "9": "EGE", "10": "MISC",
    },
    other_target_type="MISC",
    archive_paths={"heasarc": "rosat/data/{rosat_detector}/processed_data/{obsid[2]}00000/{obsid_lower}/"},
    files=ROSAT_FILES,
    products=(
        *rosat_products("PSPCB", BANDS), *rosat_products("PSPCC", BANDS), *rosat_products("HRI", BANDS[:1]),
    ),
)  # fmt: skip

MISSIONS = (MISSION,)
