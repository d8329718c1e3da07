"""IXPE: three polarimeters."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, public_date, times
from daxa_wf.mission.cuts import HAS_POSITION
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

CITATION = Citation(
    "This work used data from the Imaging X-ray Polarimetry Explorer (IXPE), a joint mission of NASA and the Italian space "
    "agency ASI.",
    (
        Reference(
            "ixpe_weisskopf_2022", "Weisskopf, M. C. and Soffitta, P. and Baldini, L. and others",
            "The Imaging X-Ray Polarimetry Explorer (IXPE): Pre-Launch",
            "Journal of Astronomical Telescopes, Instruments, and Systems", 2022, "8", "026002",
            "10.1117/1.JATIS.8.2.026002",
        ),
    ),
)  # fmt: skip

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
    citation=CITATION,
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
