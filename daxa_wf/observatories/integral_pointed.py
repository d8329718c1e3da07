"""INTEGRAL, science windows of pointings. An ObsID is the identifier of a science window."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, numbers, texts, times
from daxa_wf.mission.cuts import HAS_POSITION, any_positive
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, FilePattern, Instrument, MissionSpec, SharedDirectory, TableSource

GOOD = ("good_jemx1", "good_jemx2", "good_isgri", "good_picsit", "good_spi")

CITATION = Citation(
    "Based on observations with INTEGRAL, an ESA project with instruments and science data centre funded by ESA member "
    "states (especially the PI countries: Denmark, France, Germany, Italy, Switzerland, Spain) and with the participation "
    "of Russia and the USA.",
    (
        Reference(
            "integral_winkler_2003", "Winkler, C. and Courvoisier, T. J.-L. and Di Cocco, G. and others",
            "The INTEGRAL mission", "A&A", 2003, "411", "L1-L6", "10.1051/0004-6361:20031288",
        ),
    ),
)  # fmt: skip

MISSION = MissionSpec(
    name="integral_pointed",
    pretty_name="INTEGRAL Pointed",
    obsid_pattern=r"[0-9]{12}",
    frame="fk5",
    instruments=(
        Instrument("JEMX1", 2.4, exposure_column="good_jemx1"),
        Instrument("JEMX2", 2.4, exposure_column="good_jemx2"),
        Instrument("ISGRI", 4.15, exposure_column="good_isgri"),
        Instrument("PICSIT", 4.15, default=False, exposure_column="good_picsit"),
        Instrument("SPI", 7.0, default=False, exposure_column="good_spi"),
    ),
    tables=(
        TableSource(
            "heasarc",
            "intscwpub",
            (
                Column("scw_id", "obsid"),
                *POSITION,
                *times("start_date", "end_date"),
                *numbers(*GOOD),
                *texts("spi_mode", "data_in_heasarc", "scw_ver"),
            ),
        ),
    ),
    row_cuts=(any_positive("good_time", *GOOD), HAS_POSITION),
    notes=("Only raw data are fetched, which OSA processes.",),
    constants={"target_type": "MISC"},
    citation=CITATION,
    archive_paths={"heasarc": "integral/data/scw/{obsid[0:4]}/{obsid}.{scw_ver}/"},
    raw_path="scw/{obsid[0:4]}/{obsid}.{scw_ver}",
    files=(
        FilePattern("raw", ("*_scw.txt*", "sc_*", "swg*.fits*")),
        *(
            FilePattern("raw", tuple(f"{prefix}*" for prefix in prefixes), (name,))
            for name, prefixes in (
                ("JEMX1", ("jmx1",)),
                ("JEMX2", ("jmx2",)),
                ("ISGRI", ("isgri", "ibis", "compton")),
                ("PICSIT", ("picsit", "ibis", "compton")),
                ("SPI", ("spi",)),
            )
        ),
    ),
    shared=(
        SharedDirectory("scw/{obsid[0:4]}/rev.001", {"heasarc": "integral/data/scw/{obsid[0:4]}/rev.001/"}, ("**",)),
        SharedDirectory(
            "aux/adp/{obsid[0:4]}.001", {"heasarc": "integral/data/aux/adp/{obsid[0:4]}.001/"}, ("*.fits*",)
        ),
    ),
)

PIPELINE = Pipeline(missions=(MISSION,))
