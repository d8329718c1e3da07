"""The Einstein Observatory: HRI and IPC."""

from daxa_wf.missions.common import POSITION, texts
from daxa_wf.missions.cuts import HAS_POSITION
from daxa_wf.missions.spec import Column, Instrument, MissionSpec, TableSource

MISSION = MissionSpec(
    name="einstein",
    pretty_name="Einstein",
    obsid_pattern=r"[0-9]{1,5}",
    instruments=(Instrument("HRI", 12.5 / 60), Instrument("IPC", 37.5 / 60)),
    simultaneous=False,
    tables=(
        TableSource(
            "heasarc",
            "einmaster",
            (
                Column("seq_no", "obsid"),
                *POSITION,
                Column("time", "start", "mjd"),
                Column("exposure", "exposure", "number"),
                Column("instrument", "instruments", "instrument", required=False),
                Column("name", "target", required=False),
                *texts("subj_cat"),
            ),
        ),
    ),
    row_cuts=(HAS_POSITION,),
)
