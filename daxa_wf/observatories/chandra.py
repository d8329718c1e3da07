"""Chandra. Its table lacks an end; the end of an observation is its start plus its exposure.

A level-2 file holds all observation intervals of an ObsID. Interleaved exposures have one file each (`_e1_`, `_e2_`).
"""

from collections.abc import Mapping
from typing import Any

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, public_date, texts
from daxa_wf.mission.cuts import HAS_POSITION, PROCESSED
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource
from daxa_wf.mission.xga_names import XgaNames

ACIS, HRC = 27.8 / 60, 49.5 / 60
"""Radii of the fields of view in degrees; a grating has the radius of the largest detector behind it."""
RADIUS_CAUTION = (
    "it fits the longest row of chips at any aim point, but ACIS-I is 17 arcmin wide and HRC-I 30 arcmin, so many of the "
    "observations do not cover their position"
)
INTERLEAVED = r"_(e[12])_"

CITATION = Citation(
    "This work used observations of the Chandra X-ray Observatory of NASA.",
    (
        Reference(
            "chandra_weisskopf_2002", "Weisskopf, M. C. and Brinkman, B. and Canizares, C. and others",
            "An Overview of the Performance and Scientific Results from the Chandra X-Ray Observatory", "PASP", 2002, "114",
            "1-24", "10.1086/338108",
        ),
    ),
    page="https://cxc.cfa.harvard.edu/cda/acknowledgement.html",
)  # fmt: skip

ACIS_I_BEYOND = -205.0
"""SIM_Z in mm between the positions of the two detectors: -238 to -214 for archived observations of ACIS-I, whose nominal
position is -233.6, and -196 to -182 for ACIS-S, nominally -190.1."""


def detector_in(cards: Mapping[str, Any]) -> str:
    """Return the detector that a header names: HRC's by DETNAM, ACIS's by the position of the instrument module (SIM_Z)."""
    if str(cards.get("INSTRUME", "")).strip() != "ACIS":
        return str(cards.get("DETNAM", ""))
    position = cards.get("SIM_Z")
    if not isinstance(position, int | float):
        return ""
    return "ACIS-I" if position < ACIS_I_BEYOND else "ACIS-S"


MISSION = MissionSpec(
    name="chandra",
    pretty_name="Chandra",
    obsid_pattern=r"[0-9]{1,5}",
    instruments=(
        Instrument("ACIS-I", ACIS, radius_caution=RADIUS_CAUTION),
        Instrument("ACIS-S", ACIS, radius_caution=RADIUS_CAUTION),
        Instrument("HRC-I", HRC, radius_caution=RADIUS_CAUTION),
        Instrument("HRC-S", HRC, radius_caution=RADIUS_CAUTION),
        Instrument("HETG", ACIS, radius_caution=RADIUS_CAUTION, default=False, is_detector=False),
        Instrument("LETG", HRC, radius_caution=RADIUS_CAUTION, default=False, is_detector=False),
    ),
    groups={"ACIS": ("ACIS-I", "ACIS-S"), "HRC": ("HRC-I", "HRC-S")},
    simultaneous=False,
    instrument_in=detector_in,
    instrument_columns=("detector", "grating"),
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
                Column("detector", "detector", "instrument"),
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
                Column("instrument", "detector", "instrument"),
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
    further_target_types=("type", {"TOO": "TOO", "DDT": "TOO", "CAL": "CAL"}),
    exposure_names=("interleaved exposures only; else `None`", "`e1`, `e2`"),
    notes=(
        "The image of the centre (`centreimage`) has the pixels of the detector around the aim point; the image of the whole "
        "field has larger ones. Observations with a grating have the spectra of all orders in one file (`spectrum`, pha2).",
        "Several detectors use the same file names. The detector in the mission's table decides.",
        "HETG and LETG are gratings: their names select the observations made with the grating, and the files belong to the "
        "detector behind it. The name of a detector selects its observations with and without a grating; "
        "`select: {columns: {grating: [NONE]}}` excludes observations with a grating.",
        "The target type is the class of the object. For objects of another class it is `TOO` or `CAL` if the observation's type "
        "is TOO, DDT or CAL. `select: {columns: {type: [TOO, DDT]}}` selects these types for objects of any class.",
    ),
    xga=XgaNames("chandra", {"ACIS-I": "acis", "ACIS-S": "acis"}),
    citation=CITATION,
    archive_paths={"heasarc": "chandra/data/byobsid/{obsid[-1]}/{obsid}/", "cxc": "byobsid/{obsid[-1]}/{obsid}/"},
    files=(
        FilePattern("preprocessed", ("oif.fits", "primary/*.fits*")),
        FilePattern("raw", (
            "oif.fits", "primary/*bpix1*", "primary/*asol1*", "primary/*eph1*", "primary/*fov1*", "primary/*dtf1*",
            *(f"secondary/*{name}*" for name in ("evt1", "mtl1", "bias0", "pbk0", "flt1", "bpix1", "msk1", "stat1")),
        )),
    ),
    products=tuple(
        product
        for name, prefix, band in (
            ("ACIS-I", "acis", EnergyBand("", 0.5, 7.0)),
            ("ACIS-S", "acis", EnergyBand("", 0.5, 7.0)),
            ("HRC-I", "hrc", EnergyBand("", 0.06, 10.0)),
            ("HRC-S", "hrc", EnergyBand("", 0.06, 10.0)),
        )
        for product in (
            ProductPattern("events", name, f"primary/{prefix}f*N*_evt2.fits*", exposure=INTERLEAVED),
            ProductPattern("image", name, f"primary/{prefix}f*N*_full_img2.fits*", (band,), exposure=INTERLEAVED),
            ProductPattern("centreimage", name, f"primary/{prefix}f*N*_cntr_img2.fits*", (band,), INTERLEAVED, True),
            ProductPattern("spectrum", name, f"primary/{prefix}f*N*_pha2.fits*", (), INTERLEAVED, True),
        )
    ),
)  # fmt: skip

PIPELINE = Pipeline(missions=(MISSION,))
