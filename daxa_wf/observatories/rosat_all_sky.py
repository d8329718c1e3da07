"""The ROSAT All-Sky Survey."""

from daxa_wf.mission.common import POSITION, times
from daxa_wf.mission.cuts import HAS_POSITION
from daxa_wf.mission.spec import Column, Instrument, MissionSpec, TableSource
from daxa_wf.observatories.rosat_products import BANDS, ROSAT_FILES, rosat_products

MISSION = MissionSpec(
    name="rosat_all_sky",
    pretty_name="RASS",
    obsid_pattern=r"(RS|rs)[0-9]{6}[A-Z][0-9]{2}",
    frame="fk5",
    instruments=(Instrument("PSPC", 3.0),),
    tables=(
        TableSource(
            "heasarc",
            "rassmaster",
            (
                Column("seq_id", "obsid"),
                *POSITION,
                *times("start_date", "end_date"),
                Column("exposure", "exposure", "number"),
            ),
        ),
    ),
    row_cuts=(HAS_POSITION,),
    constants={"target_type": "ASK", "instruments": "PSPC"},
    archive_paths={"heasarc": "rosat/data/pspc/processed_data/900000/{obsid_lower}/"},
    files=ROSAT_FILES,
    products=rosat_products("PSPC", BANDS),
)

MISSIONS = (MISSION,)
