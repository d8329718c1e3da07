"""Suzaku, its X-ray imaging spectrometers."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, numbers, times
from daxa_wf.mission.cuts import HAS_POSITION, any_positive
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

NUMBERS = range(4)
MODES = r"xi\d_(\d+)_(\w+)_(?:cl|sk)\."
"""An instrument has one event list for each mode of its clocks and windows."""
EXPOSURES = tuple(f"xis{number}_expo" for number in NUMBERS)

CITATION = Citation(
    "This research has made use of data obtained from the Suzaku satellite, a collaborative mission between the space "
    "agencies of Japan (JAXA) and the USA (NASA).",
    (
        Reference(
            "suzaku_mitsuda_2007", "Mitsuda, K. and Bautz, M. and Inoue, H. and others", "The X-Ray Observatory Suzaku",
            "PASJ", 2007, "59", "S1-S7", "10.1093/pasj/59.sp1.S1",
        ),
    ),
)  # fmt: skip

MISSION = MissionSpec(
    name="suzaku",
    pretty_name="Suzaku",
    obsid_pattern=r"[0-9]{9}",
    frame="fk5",
    instruments=tuple(
        Instrument(f"XIS{number}", 9.5 / 60, (f"X{number}",), exposure_column=f"xis{number}_expo") for number in NUMBERS
    ),
    tables=(
        TableSource(
            "heasarc",
            "suzamaster",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("time", "stop_time"),
                Column("category_code", "target_type"),
                *numbers(*EXPOSURES, *(f"xis{number}_num_modes" for number in NUMBERS)),
                Column("name", "target", required=False),
            ),
        ),
    ),
    row_cuts=(any_positive("exposure", *EXPOSURES), HAS_POSITION),
    target_types={"0": "MISC", "1": "CAL", "4": "GS", "5": "GS", "7": "EGS", "8": "GCL", "9": "TOO"},
    other_target_type="MISC",
    exposure_names=("mode of clocks and windows", "`03x3n069b`"),
    citation=CITATION,
    archive_paths={"heasarc": "suzaku/data/obs/{obsid[0]}/{obsid}/"},
    files=(
        *(FilePattern(route, ("auxil/*",)) for route in ("raw", "preprocessed")),
        *(
            FilePattern(
                "preprocessed", (f"xis/event_cl/*xi{number}_*", f"xis/products/*xi{number}_*"), (f"XIS{number}",)
            )
            for number in NUMBERS
        ),
        *(
            FilePattern("raw", (f"xis/event_uf/*xi{number}_*", f"xis/hk/*xi{number}*"), (f"XIS{number}",))
            for number in NUMBERS
        ),
        FilePattern("raw", ("xis/hk/*xis*",)),
    ),
    products=tuple(
        ProductPattern(kind, f"XIS{number}", glob.replace("#", str(number)), bands, exposure=MODES)  # type: ignore[arg-type]
        for number in NUMBERS
        for kind, glob, bands in (
            ("events", "xis/event_cl/ae{obsid}xi#_*_cl.evt*", ()),
            ("image", "xis/products/ae{obsid}xi#_*_sk.img*", (EnergyBand("", 0.2, 12.0),)),
        )
    ),
)

PIPELINE = Pipeline(missions=(MISSION,))
