"""XMM-Newton, pointed observations."""

from daxa_wf.missions.spec import Column, Instrument, MissionSpec, TableSource

FIELD_OF_VIEW = 0.25
"""Radius in degrees of EPIC's field of view (XMM-Newton Users Handbook, 3.3)."""

MISSION = MissionSpec(
    name="xmm_pointed",
    pretty_name="XMM-Newton Pointed",
    obsid_pattern=r"[0-9]{10}",
    frame="fk5",
    instruments=(
        Instrument("M1", FIELD_OF_VIEW, ("MOS1", "EMOS1")),
        Instrument("M2", FIELD_OF_VIEW, ("MOS2", "EMOS2")),
        Instrument("PN", FIELD_OF_VIEW, ("EPN",)),
        Instrument("OM", FIELD_OF_VIEW, default=False),
        Instrument("R1", FIELD_OF_VIEW, ("RGS1",), default=False),
        Instrument("R2", FIELD_OF_VIEW, ("RGS2",), default=False),
    ),
    tables=(
        TableSource(
            "xsa",
            "xsa.v_all_observations",
            (
                Column("observation_id", "obsid"),
                Column("ra", "ra", "number"),
                Column("dec", "dec", "number"),
                Column("start_utc", "start", "utc"),
                Column("duration", "duration", "number"),
                Column("proprietary_end_date", "proprietary_end", "utc"),
                Column("with_science", "science_usable", "flag"),
                Column("revolution", "revolution", "number", required=False),
            ),
        ),
    ),
    engines=("native",),
)
