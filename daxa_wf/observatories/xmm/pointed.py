"""XMM-Newton, pointed observations."""

from daxa_wf.mission.common import POSITION, public_date, texts, times
from daxa_wf.mission.cuts import HAS_POSITION, not_starting
from daxa_wf.mission.spec import (
    Bundle,
    Column,
    EnergyBand,
    FilePattern,
    Instrument,
    MissionSpec,
    ProductKind,
    ProductPattern,
    TableSource,
)
from daxa_wf.mission.xga_names import XgaNames
from daxa_wf.observatories.xmm.citation import XMM
from daxa_wf.observatories.xmm.unfit_exposures import EPIC_FILTERS, unfit_listed

FIELD_OF_VIEW = 0.25
"""Radius in degrees of EPIC's field of view (XMM-Newton Users Handbook, 3.3)."""

PPS_BANDS = (
    EnergyBand("1", 0.2, 0.5), EnergyBand("2", 0.5, 1.0), EnergyBand("3", 1.0, 2.0), EnergyBand("4", 2.0, 4.5),
    EnergyBand("5", 4.5, 12.0), EnergyBand("8", 0.2, 12.0),
)  # fmt: skip
PPS_IMAGES: tuple[tuple[ProductKind, str], ...] = (("image", "IMAGE_"), ("expmap", "EXPMAP"), ("background", "BKGMAP"))
"""Kinds of the pipeline's images and their names (XMM-Newton Data Files Handbook, 'PPS products')."""
PPS_SOURCES = "EPX000OBSMLI"
"""The pipeline's list of the sources of all cameras."""

EVENT_COLUMNS = ("TIME", "RAWX", "RAWY", "DETX", "DETY", "X", "Y", "PHA", "PI", "FLAG", "PATTERN", "CCDNR")
ONLY_PN = ("PAT_ID", "PAT_SEQ", "OFFSETX", "TIME_RAW")
"""Columns of calibrated event lists (XMM-Newton Data Files Handbook, EPIC event lists)."""

MISSION = MissionSpec(
    name="xmm_pointed",
    pretty_name="XMM-Newton Pointed",
    obsid_pattern=r"[0-9]{10}",
    frame="fk5",
    instruments=(
        Instrument("M1", FIELD_OF_VIEW, ("MOS1", "EMOS1"), exposure_column="m1_exposure"),
        Instrument("M2", FIELD_OF_VIEW, ("MOS2", "EMOS2"), exposure_column="m2_exposure"),
        Instrument("PN", FIELD_OF_VIEW, ("EPN",), exposure_column="pn_exposure"),
        Instrument("OM", FIELD_OF_VIEW, default=False),
        Instrument("R1", FIELD_OF_VIEW, ("RGS1",), default=False, exposure_column="r1_exposure"),
        Instrument("R2", FIELD_OF_VIEW, ("RGS2",), default=False, exposure_column="r2_exposure"),
    ),
    tables=(
        TableSource(
            "xsa",
            "xsa.v_all_observations",
            (
                Column("observation_id", "obsid"),
                *POSITION,
                Column("start_utc", "start", "utc"),
                Column("duration", "duration", "number"),
                Column("proprietary_end_date", "proprietary_end", "utc"),
                Column("with_science", "science_usable", "flag"),
                Column("revolution", "revolution", "number", required=False),
                *texts("stc_s"),
            ),
        ),
        TableSource(
            "heasarc",
            "xmmmaster",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("time", "end_time"),
                Column("duration", "duration", "number"),
                Column("status", "status"),
                Column("name", "target", required=False),
                public_date(416422.0),
                *(
                    Column(f"{service}_time", f"{own}_exposure", "number", required=False)
                    for service, own in (("mos1", "m1"), ("mos2", "m2"), ("pn", "pn"), ("rgs1", "r1"), ("rgs2", "r2"))
                ),
            ),
        ),
    ),
    exposures=(
        TableSource(
            "xsa",
            "xsa.v_exposure",
            (
                Column("observation_id", "obsid"),
                Column("instrument", "instrument"),
                Column("exposure_id", "exposure_id"),
                Column("mode_friendly_name", "mode"),
                Column("filter", "filter"),
                Column("is_scientific", "is_scientific", "flag"),
                Column("start_utc", "start", "utc"),
                Column("end_utc", "end", "utc"),
                Column("duration", "duration", "number"),
            ),
        ),
    ),
    filters=EPIC_FILTERS,
    unfit_exposure=unfit_listed,
    footprint_column="stc_s",
    row_cuts=(not_starting("obsid", "9", "no_slews"), HAS_POSITION),
    xga=XgaNames("xmm", {"PN": "pn", "M1": "mos1", "M2": "mos2"}, r"P\d{10}OBX000ATTTSR\d{4}\.F(TZ|IT)(\.gz)?"),
    citation=XMM,
    archive_paths={"heasarc": "xmm/data/rev0/{obsid}/"},
    bundles={
        "xsa": (
            Bundle(
                "preprocessed",
                tuple(
                    f"?obsno={{obsid}}&level=PPS&extension=FTZ&name={name}"
                    for name in ("PIEVLI", "MIEVLI", "TIEVLI", "EVENLI", "FBKTSR", "ATTTSR")
                ),
                "PPS/",
            ),
            Bundle(
                "preprocessed",
                tuple(
                    f"?obsno={{obsid}}&level=PPS&extension=FTZ&name={name}"
                    for name in (*dict(PPS_IMAGES).values(), "OBSMLI")
                ),
                "PPS/",
                further=True,
            ),
            Bundle("raw", ("?obsno={obsid}&level=ODF",), "ODF/"),
        )
    },
    files=(
        *(
            FilePattern(
                "preprocessed",
                (f"PPS/P{{obsid}}{name}????[MPT]IEVLI*", f"PPS/P{{obsid}}{name}????FBKTSR*.FTZ"),
                (name,),
            )
            for name in ("M1", "M2", "PN")
        ),
        *(
            FilePattern(
                "preprocessed",
                tuple(f"PPS/P{{obsid}}{name}????{kind}?000.FTZ" for _, kind in PPS_IMAGES),
                (name,),
                further=True,
            )
            for name in ("M1", "M2", "PN")
        ),
        FilePattern("preprocessed", (f"PPS/P{{obsid}}{PPS_SOURCES}0000.FTZ",), ("M1", "M2", "PN"), further=True),
        *(FilePattern("preprocessed", (f"PPS/P{{obsid}}{name}????EVENLI*.FTZ",), (name,)) for name in ("R1", "R2")),
        FilePattern("preprocessed", ("PPS/P{obsid}OBX000ATTTSR*.FTZ",)),
        *(FilePattern("raw", (f"ODF/*_{{obsid}}_{name}*",), (name,)) for name in ("M1", "M2", "PN", "R1", "R2", "OM")),
        FilePattern("raw", ("ODF/*_{obsid}_SC*", "ODF/*_{obsid}_RM*", "ODF/MANIFEST*")),
    ),
    groups={"EPIC": ("M1", "M2", "PN")},
    products=(
        *(
            ProductPattern(
                "events", name, f"PPS/P{{obsid}}{name}????{kind}EVLI0000.F*", exposure=rf"{name}([SU]\d{{3}}){kind}EVLI"
            )
            for name, kind in (("M1", "MI"), ("M2", "MI"), ("PN", "PI"))
        ),
        *(
            ProductPattern(
                kind,
                name,
                f"PPS/P{{obsid}}{name}????{own}{band.code}000.FTZ",
                (band,),
                rf"{name}([SU]\d{{3}}){own}",
                True,
            )
            for name in ("M1", "M2", "PN")
            for kind, own in PPS_IMAGES
            for band in PPS_BANDS
        ),
        ProductPattern("sourcelist", "EPIC", f"PPS/P{{obsid}}{PPS_SOURCES}0000.FTZ", is_optional=True),
    ),
    exposure_names=("the exposure", "`S003`, `U002`"),
    notes=(
        "`engine: preprocessed` organises imaging event lists of EPIC. For OM and RGS use `engine: raw` or `sas`.",
        "Further products (`products: {further: true}`): images, exposure maps and background maps of each EPIC exposure in the "
        "pipeline's bands, and its list of the sources in all cameras.",
    ),
    engines=("native", "sas"),
    event_columns={"M1": EVENT_COLUMNS, "M2": EVENT_COLUMNS, "PN": (*EVENT_COLUMNS, *ONLY_PN)},
)
