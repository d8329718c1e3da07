"""XRISM, pointed observations."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, public_date, texts, times
from daxa_wf.mission.cuts import HAS_POSITION, any_positive
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

PIXELS, DATA_CLASS = r"rsl_p0px(\w+)_cl\.", r"xtd_p(\w+)_cl\."
"""Exposures of an instrument: the position of its filter wheel, or the mode of its CCDs."""

CITATION = Citation(
    "This work used data from XRISM, a mission of the Japanese space agency JAXA in partnership with NASA and ESA.",
    (
        Reference(
            "xrism_tashiro_2020", "Tashiro, M. and Maejima, H. and Toda, K. and others",
            "Status of x-ray imaging and spectroscopy mission (XRISM)", "Proc. SPIE", 2020, "11444", "1144422",
            "10.1117/12.2565812",
        ),
    ),
)  # fmt: skip

MISSION = MissionSpec(
    name="xrism_pointed",
    pretty_name="XRISM Pointed",
    obsid_pattern=r"[0-9]{9}",
    frame="fk5",
    instruments=(
        Instrument("RESOLVE", 1.5 / 60, exposure_column="exposure"),
        Instrument("XTEND", 19 / 60, exposure_column="xtend_exposure"),
    ),
    tables=(
        TableSource(
            "heasarc",
            "xrismmastr",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("time", "end_time"),
                Column("duration", "duration", "number"),
                Column("exposure", "exposure", "number"),
                Column("xtd_expo", "xtend_exposure", "number"),
                Column("subject_category", "target_type"),
                Column("name", "target", required=False),
                public_date(88068.0),
                *texts("rsl_datamode", "xtd_datamode1", "xtd_datamode2", "xtd_dataclas1", "xtd_dataclas2"),
            ),
        ),
    ),
    row_cuts=(any_positive("exposure", "exposure"), HAS_POSITION),
    target_types={
        "NON-JET-DOMINATED AGN": "AGN", "BLAZARS AND OTHER JET-DOMINATED AGN": "BLZ", "SOLAR SYSTEM": "SOL",
        "SUPERNOVA REMNANTS": "SNR", "NORMAL GALAXIES: INTEGRATED EMISSION": "NGS",
        "GROUPS AND CLUSTERS OF GALAXIES": "GCL", "EXTRAGALACTIC DIFFUSE EMISSION AND SURVEYS": "EGS",
        "BH AND NS BINARIES": "NS", "NON-ACCRETING NEUTRON STARS": "NS", "GALACTIC DIFFUSE EMISSION AND SURVEYS": "GS",
        "EXTRAGALACTIC TRANSIENTS: SNE, GRBS, GW EVENTS, AND TDES": "EGS", "ASTROPHYSICAL PROCESSES": "MISC",
        "STELLAR CORONAE, WINDS, AND YOUNG STARS": "STR", "ACCRETING WHITE DWARFS AND NOVAE": "STR",
    },
    other_target_type="MISC",
    exposure_names=("Resolve: filter; Xtend: mode of the CCDs", "`1000`, `032000010`"),
    citation=CITATION,
    archive_paths={"heasarc": "xrism/data/obs/{obsid[0]}/{obsid}/"},
    files=(
        *(FilePattern(route, ("auxil/*",)) for route in ("raw", "preprocessed")),
        *(
            FilePattern("preprocessed", (f"{name.lower()}/event_cl/*", f"{name.lower()}/products/*"), (name,))
            for name in ("RESOLVE", "XTEND")
        ),
        *(
            FilePattern("raw", (f"{name.lower()}/event_uf/*", f"{name.lower()}/hk/*"), (name,))
            for name in ("RESOLVE", "XTEND")
        ),
    ),
    products=(
        ProductPattern("events", "RESOLVE", "resolve/event_cl/xa{obsid}rsl_p0px*_cl.evt*", exposure=PIXELS),
        ProductPattern("events", "XTEND", "xtend/event_cl/xa{obsid}xtd_p*_cl.evt*", exposure=DATA_CLASS),
        ProductPattern(
            "image", "RESOLVE", "resolve/products/xa{obsid}rsl_*_cl.sky.img*", (EnergyBand("", 1.7, 12.0),), exposure=PIXELS
        ),
        ProductPattern(
            "image", "XTEND", "xtend/products/xa{obsid}xtd_*_cl.sky.img*", (EnergyBand("", 0.4, 20.0),), exposure=DATA_CLASS
        ),
    ),
)  # fmt: skip

PIPELINE = Pipeline(missions=(MISSION,))
