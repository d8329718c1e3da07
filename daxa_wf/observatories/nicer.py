"""NICER: one detector, without imaging."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, public_date, texts, times
from daxa_wf.mission.cuts import HAS_POSITION, any_positive
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

CITATION = Citation(
    "This work used data from NICER, an X-ray instrument of NASA on the International Space Station.",
    (
        Reference(
            "nicer_gendreau_2016", "Gendreau, K. C. and Arzoumanian, Z. and Adkins, P. W. and others",
            "The Neutron star Interior Composition Explorer (NICER): design and development", "Proc. SPIE", 2016, "9905",
            "99051H", "10.1117/12.2231304",
        ),
    ),
)  # fmt: skip

MISSION = MissionSpec(
    name="nicer",
    pretty_name="NICER",
    obsid_pattern=r"[0-9]{10}",
    instruments=(Instrument("XTI", 3.1 / 60, exposure_column="exposure"),),
    tables=(
        TableSource(
            "heasarc",
            "nicermastr",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("time", "end_time"),
                Column("exposure", "exposure", "number"),
                Column("name", "target", required=False),
                public_date(),
                *texts("processing_status", "category_code"),
            ),
        ),
    ),
    row_cuts=(any_positive("exposure", "exposure"), HAS_POSITION),
    citation=CITATION,
    archive_paths={"heasarc": "nicer/data/obs/{start:%Y_%m}/{obsid}/"},
    files=(
        FilePattern("preprocessed", ("xti/event_cl/*", "auxil/*")),
        FilePattern("raw", ("xti/event_uf/*", "xti/hk/*", "auxil/*")),
    ),
    products=(ProductPattern("events", "XTI", "xti/event_cl/ni{obsid}_0mpu7_cl.evt*"),),
)

PIPELINE = Pipeline(missions=(MISSION,))
