"""ASCA."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, numbers, texts, times
from daxa_wf.mission.cuts import HAS_POSITION, any_positive
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

SIS_BANDS = (EnergyBand("lo", 0.4, 2.0), EnergyBand("hi", 2.0, 10.0), EnergyBand("all", 0.4, 10.0))
GIS_BANDS = (EnergyBand("lo", 0.7, 2.0), EnergyBand("hi", 2.0, 10.0), EnergyBand("all", 0.7, 10.0))
DETECTORS = (("SIS0", "s0"), ("SIS1", "s1"), ("GIS2", "g2"), ("GIS3", "g3"))
PAIRS = {"SIS": ("SIS0", "SIS1"), "GIS": ("GIS2", "GIS3")}
"""An image or exposure map covers both detectors of a kind together."""
OF_DETECTORS = ("screened", "spectra", "lcurves")
"""Directories of products of single detectors (ASCA Getting Started Guide for Revision 2, 4.2)."""
BANDS = {"SIS": SIS_BANDS, "GIS": GIS_BANDS}

CITATION = Citation(
    "This work used data from ASCA, a satellite of Japan (ISAS) with contributions of NASA.",
    (
        Reference(
            "asca_tanaka_1994", "Tanaka, Y. and Inoue, H. and Holt, S. S.", "The X-Ray Astronomy Satellite ASCA", "PASJ",
            1994, "46", "L37-L41", url="https://ui.adsabs.harvard.edu/abs/1994PASJ...46L..37T",
        ),
    ),
)  # fmt: skip

MISSION = MissionSpec(
    name="asca",
    pretty_name="ASCA",
    obsid_pattern=r"[0-9]{8}",
    frame="fk5",
    instruments=(
        Instrument("SIS0", 11 / 60, ("S0",), exposure_column="sis_exposure"),
        Instrument("SIS1", 11 / 60, ("S1",), exposure_column="sis_exposure"),
        Instrument("GIS2", 25 / 60, ("G2",), exposure_column="gis_exposure"),
        Instrument("GIS3", 25 / 60, ("G3",), exposure_column="gis_exposure"),
    ),
    groups=PAIRS,
    tables=(
        TableSource(
            "heasarc",
            "ascamaster",
            (
                Column("sequence_number", "obsid"),
                *POSITION,
                *times("time", "end_time"),
                Column("subject_category", "target_type"),
                *numbers("gis_exposure", "sis_exposure"),
                Column("name", "target", required=False),
                *texts("status"),
            ),
        ),
    ),
    row_cuts=(any_positive("exposure", "gis_exposure", "sis_exposure"), HAS_POSITION),
    target_types={
        "AGN": "AGN", "SUPERNOVA REMNANTS AND GALACTIC DIFFUSE EMISSION": "SNR",
        "CLUSTERS OF GALAXIES AND SUPERCLUSTERS": "GCL", "STARS, NORMAL STARS": "GS", "X RAY BINARIES": "XRB",
        "COSMIC X-RAY BACKGROUND AND DEEP SURVEYS AND OTHER": "EGS", "NORMAL GALAXIES": "NGS",
        "CATACLYSMIC VARIABLES": "CV",
    },
    other_target_type="MISC",
    notes=(
        "Spectra and light curves are those of the sources that the processing detected; the last digits of their exposure are "
        "the number of the source. Responses stay in the raw data (`spectra/`).",
    ),
    exposure_names=("event lists: bit rate; images: both detectors together", "`00302m`, `32002`"),
    citation=CITATION,
    archive_paths={"heasarc": "asca/data/rev2/{obsid}/"},
    files=(
        FilePattern("preprocessed", ("aux/*",)),
        *(
            FilePattern("preprocessed", tuple(f"{place}/ad{{obsid}}{short}*" for place in OF_DETECTORS), (name,))
            for name, short in DETECTORS
        ),
        *(FilePattern("preprocessed", (f"images/ad{{obsid}}{pair.lower()}*",), names) for pair, names in PAIRS.items()),
        FilePattern("raw", ("aux/*", "calib/*", "telem/*")),
        *(FilePattern("raw", (f"unscreened/ad{{obsid}}{short}*",), (name,)) for name, short in DETECTORS),
    ),
    products=(
        *(
            ProductPattern("events", name, f"screened/ad{{obsid}}{short}*.evt*", exposure=rf"{short}(\w+)\.evt")
            for name, short in DETECTORS
        ),
        *(
            ProductPattern(kind, name, f"{place}/ad{{obsid}}{short}*.{suffix}*", (), rf"{short}(\w+?)(_\d+)?\.{suffix}", True)  # type: ignore[arg-type]
            for name, short in DETECTORS
            for kind, place, suffix in (("spectrum", "spectra", "pi"), ("sourcelightcurve", "lcurves", "lc"))
        ),
        *(
            ProductPattern(
                "image", pair, f"images/ad{{obsid}}{pair.lower()}*_{band.code}.totsky*", (band,),
                exposure=rf"{pair.lower()}(\w+)_{band.code}\.",
            )
            for pair in PAIRS
            for band in BANDS[pair]
        ),
        *(
            ProductPattern(
                "expmap", pair, f"images/ad{{obsid}}{pair.lower()}*.totexpo*", exposure=rf"{pair.lower()}(\w+)\."
            )
            for pair in PAIRS
        ),
    ),
)  # fmt: skip

PIPELINE = Pipeline(missions=(MISSION,))
