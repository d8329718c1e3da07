"""XMM-Newton, slews: ObsIDs begin with 9.

Sources of the file names: XMM-Newton Data Files Handbook, and the SAS thread on slews. `eslewchain` cuts a slew of pn into
sections with hexadecimal numbers. Each section has an event list, and images and exposure maps in three bands.
"""

from daxa_wf.mission.common import POSITION
from daxa_wf.mission.cuts import HAS_POSITION
from daxa_wf.mission.spec import (
    Column,
    EnergyBand,
    FilePattern,
    Instrument,
    MissionSpec,
    ProductPattern,
    TableSource,
)
from daxa_wf.observatories.xmm.citation import XMM

BANDS = (EnergyBand("6", 0.2, 2.0), EnergyBand("7", 2.0, 12.0), EnergyBand("8", 0.2, 12.0))
EXPOSURE = r"PN([SU]\d{3})(?:PIEVLI|IMAGE_|EXPMAP)\w(\w{3})\."
"""Exposure and section: `S003` and `01A`."""

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
    exposure_names=("the exposure and its section", "`S00301A`"),
    notes=(
        "Products of pn are organised. Products of MOS are only fetched, with `engine: raw`, because ESA states that MOS slew "
        "data are of poor quality. Sources of the file names: XMM-Newton Data Files Handbook, SAS's `eslewchain`.",
    ),
    row_cuts=(HAS_POSITION,),
    citation=XMM,
    archive_paths={"heasarc": "xmm/data/rev0/{obsid}/"},
    files=(
        *(
            FilePattern("preprocessed", (f"PPS/P{{obsid}}{name}????[MPT]IEVLI*.FTZ",), (name,))
            for name in ("PN", "M1", "M2")
        ),
        FilePattern("preprocessed", ("PPS/P{obsid}PN????IMAGE_*.FTZ", "PPS/P{obsid}PN????EXPMAP*.FTZ"), ("PN",)),
        FilePattern("preprocessed", ("PPS/P{obsid}OBX000ATTTSR*.FTZ",)),
        *(FilePattern("raw", (f"ODF/*_{{obsid}}_{name}*",), (name,)) for name in ("PN", "M1", "M2")),
        FilePattern("raw", ("ODF/*_{obsid}_SC*", "ODF/*_{obsid}_RM*", "ODF/MANIFEST*")),
    ),
    products=(
        ProductPattern("events", "PN", "PPS/P{obsid}PN????PIEVLI????.F*", exposure=EXPOSURE),
        *(
            ProductPattern(kind, "PN", f"PPS/P{{obsid}}PN????{name}{band.code}???.F*", (band,), exposure=EXPOSURE)  # type: ignore[arg-type]
            for band in BANDS
            for kind, name in (("image", "IMAGE_"), ("expmap", "EXPMAP"))
        ),
    ),
)
