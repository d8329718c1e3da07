"""IXPE: three polarimeters."""

from daxa_wf.mission.common import POSITION, public_date, times
from daxa_wf.mission.cuts import HAS_POSITION
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

MISSION = MissionSpec(
    name="ixpe",
    pretty_name="IXPE",
    obsid_pattern=r"[0-9]{8}",
    instruments=tuple(Instrument(f"DU{number}", 6.5 / 60) for number in (1, 2, 3)),
    tables=(
        TableSource(
            "heasarc",
            "ixmaster",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("time", "end_time"),
                Column("exposure", "exposure", "number"),
                Column("name", "target", required=False),
                public_date(),
            ),
        ),
    ),
    row_cuts=(HAS_POSITION,),
    archive_paths={"heasarc": "ixpe/data/obs/{obsid[0:2]}/{obsid}/"},
    files=(
        FilePattern("preprocessed", ("event_l2/*", "auxil/*")),
        FilePattern("raw", ("event_l1/*", "hk/*", "auxil/*")),
    ),
    products=tuple(
        ProductPattern("events", f"DU{number}", f"event_l2/ixpe{{obsid}}_det{number}_evt2_v*.fits*")
        for number in (1, 2, 3)
    ),
)

PIPELINE = Pipeline(missions=(MISSION,))
