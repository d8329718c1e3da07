"""XMM-Newton, slews: ObsIDs begin with 9."""

from daxa_wf.missions.common import POSITION
from daxa_wf.missions.cuts import HAS_POSITION
from daxa_wf.missions.spec import Column, Instrument, MissionSpec, TableSource

MISSION = MissionSpec(
    name="xmm_slew",
    pretty_name="XMM-Newton Slew",
    obsid_pattern=r"9[0-9]{9}",
    frame="fk5",
    instruments=(
        Instrument("PN", 0.25, ("EPN",)),
        Instrument("M1", 0.25, ("MOS1",)),
        Instrument("M2", 0.25, ("MOS2",)),
    ),
    tables=(
        TableSource(
            "xsa",
            "xsa.v_slew_observation",
            (
                Column("observation_id", "obsid"),
                *POSITION,
                Column("start_utc", "start", "utc"),
                Column("end_utc", "end", "utc"),
                Column("revolution", "revolution", "number", required=False),
            ),
        ),
    ),
    row_cuts=(HAS_POSITION,),
    archive_paths={"heasarc": "xmm/data/rev0/{obsid}/"},
)
