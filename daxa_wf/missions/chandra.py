"""Chandra. Its table has no end: observations end an exposure after they start."""

from daxa_wf.missions.common import POSITION, public_date, texts
from daxa_wf.missions.cuts import HAS_POSITION, PROCESSED
from daxa_wf.missions.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

MISSION = MissionSpec(
    name="chandra",
    pretty_name="Chandra",
    obsid_pattern=r"[0-9]{1,5}",
    instruments=(
        Instrument("ACIS", 27.8 / 60, ("ACIS-I", "ACIS-S")),
        Instrument("HRC", 49.5 / 60, ("HRC-I", "HRC-S")),
    ),
    simultaneous=False,
    tables=(
        TableSource(
            "heasarc",
            "chanmaster",
            (
                Column("obsid", "obsid"),
                *POSITION,
                Column("time", "start", "mjd"),
                Column("exposure", "exposure", "number"),
                Column("status", "status"),
                Column("detector", "instruments", "instrument"),
                Column("grating", "grating"),
                Column("class", "target_type"),
                Column("name", "target", required=False),
                public_date(),
                *texts("type", "data_mode", "cycle"),
            ),
        ),
        TableSource(
            "cxc",
            "cxc.observation",
            (
                Column("obsid", "obsid"),
                *POSITION,
                Column("start_date", "start", "utc"),
                Column("exposure_time", "exposure", "number", factor=1000.0),
                Column("status", "status"),
                Column("instrument", "instruments", "instrument"),
                Column("grating", "grating"),
                Column("target_name", "target", required=False),
                Column("public_avail_date", "proprietary_end", "utc", required=False),
            ),
        ),
    ),
    row_cuts=(PROCESSED, HAS_POSITION),
    target_types={
        "AGN UNCLASSIFIED": "AGN", "EXTENDED GALACTIC OR EXTRAGALACTIC": "EGE", "X-RAY BINARY": "GS", "CV": "GS",
        "CALIBRATION OBSERVATIONS": "CAL", "SNR": "SNR", "NON-ACTIVE GALAXY": "NGS", "CLUSTER OF GALAXIES": "GCL",
        "NON-POINTING DATA": "MISC",
    },
    other_target_type="MISC",
    archive_paths={"heasarc": "chandra/data/byobsid/{obsid[-1]}/{obsid}/", "cxc": "byobsid/{obsid[-1]}/{obsid}/"},
    files=(
        FilePattern("preprocessed", ("oif.fits", "primary/*.fits*")),
        FilePattern("raw", (
            "oif.fits", "primary/*bpix1*", "primary/*asol1*", "primary/*eph1*", "primary/*fov1*", "primary/*dtf1*",
            *(f"secondary/*{name}*" for name in ("evt1", "mtl1", "bias0", "pbk0", "flt1", "bpix1", "msk1", "stat1")),
        )),
    ),
    products=(
        ProductPattern("events", "ACIS", "primary/acisf*N*_evt2.fits*", several=True),
        ProductPattern("events", "HRC", "primary/hrcf*N*_evt2.fits*", several=True),
        ProductPattern("image", "ACIS", "primary/acisf*_full_img2.fits*", (EnergyBand("", 0.5, 7.0),), several=True),
        ProductPattern("image", "HRC", "primary/hrcf*_full_img2.fits*", (EnergyBand("", 0.06, 10.0),), several=True),
    ),
)  # fmt: skip
