"""A toy mission, as a user adds one: this file in a folder `daxa_wf_observatories` on PYTHONPATH, and nothing in the package."""

from daxa_wf.mission.common import POSITION, times
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import (
    Column,
    EnergyBand,
    FilePattern,
    Instrument,
    MissionSpec,
    ProductPattern,
    TableSource,
)

MISSION = MissionSpec(
    name="toy_pointed",
    pretty_name="Toy",
    obsid_pattern=r"T[0-9]{4}",
    instruments=(Instrument("CAM", 0.5), Instrument("SPEC", 0.2, default=False)),
    tables=(
        TableSource(
            "heasarc",
            "toymaster",
            (Column("obsid", "obsid"), *POSITION, *times("time", "end_time"), Column("exposure", "exposure", "number")),
        ),
    ),
    archive_paths={"heasarc": "toy/data/{obsid}/"},
    files=(
        FilePattern("preprocessed", ("products/*_cam.evt.gz", "products/*_cam_soft.img.gz"), ("CAM",)),
        FilePattern("raw", ("raw/*_cam.fits",), ("CAM",)),
        FilePattern("raw", ("raw/*_spec.fits",), ("SPEC",)),
    ),
    products=(
        ProductPattern("events", "CAM", "products/{obsid}_cam.evt.gz"),
        ProductPattern("image", "CAM", "products/{obsid}_cam_soft.img.gz", (EnergyBand("soft", 0.5, 2.0),)),
    ),
)

PIPELINE = Pipeline(missions=(MISSION,))
