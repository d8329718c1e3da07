"""ROSAT: the All-Sky Survey, and the pointed observations."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, texts, times
from daxa_wf.mission.cuts import HAS_POSITION
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

BANDS = (EnergyBand("1", 0.07, 2.4), EnergyBand("2", 0.4, 2.4), EnergyBand("3", 0.07, 0.4))

ROSAT_FILES = (
    FilePattern("raw", ("*_anc.fits*", "*_bas.fits*")),
    FilePattern("preprocessed", ("*_anc.fits*", "*_bas.fits*", "*_bk[1-3].fits*", "*_im[1-3].fits*", "*_mex.fits*")),
)


def rosat_products(instrument: str, bands: tuple[EnergyBand, ...]) -> tuple[ProductPattern, ...]:
    """Return the patterns of the event list, the images and backgrounds in the bands, and PSPC's exposure map."""
    exposure_map = () if instrument == "HRI" else (ProductPattern("expmap", instrument, "*_mex.fits*", BANDS[:1]),)
    return (
        ProductPattern("events", instrument, "*_bas.fits*"),
        *(ProductPattern("image", instrument, f"*_im{band.code}.fits*", (band,)) for band in bands),
        *(ProductPattern("background", instrument, f"*_bk{band.code}.fits*", (band,)) for band in bands),
        *exposure_map,
    )


ACKNOWLEDGEMENT = (
    "This work used archival data of the ROSAT space mission, of Germany (MPE), the USA (NASA) and the UK."
)
TRUEMPER = Reference(
    "rosat_truemper_1982", "Trümper, J.", "The ROSAT mission", "Advances in Space Research", 1982, "2", "241-249",
    "10.1016/0273-1177(82)90070-9",
)  # fmt: skip
VOGES = Reference(
    "rosat_voges_1999", "Voges, W. and Aschenbach, B. and Boller, T. and others",
    "The ROSAT all-sky survey bright source catalogue", "A&A", 1999, "349", "389-405",
    url="https://ui.adsabs.harvard.edu/abs/1999A&A...349..389V",
)  # fmt: skip


ALL_SKY = MissionSpec(
    name="rosat_all_sky",
    pretty_name="RASS",
    obsid_pattern=r"(RS|rs)[0-9]{6}[A-Z][0-9]{2}",
    frame="fk5",
    instruments=(Instrument("PSPC", 3.0),),
    tables=(
        TableSource(
            "heasarc",
            "rassmaster",
            (
                Column("seq_id", "obsid"),
                *POSITION,
                *times("start_date", "end_date"),
                Column("exposure", "exposure", "number"),
            ),
        ),
    ),
    row_cuts=(HAS_POSITION,),
    constants={"target_type": "ASK", "instruments": "PSPC"},
    citation=Citation(ACKNOWLEDGEMENT, (TRUEMPER, VOGES)),
    archive_paths={"heasarc": "rosat/data/pspc/processed_data/900000/{obsid_lower}/"},
    files=ROSAT_FILES,
    products=rosat_products("PSPC", BANDS),
)

POINTED = MissionSpec(
    name="rosat_pointed",
    pretty_name="ROSAT Pointed",
    obsid_pattern=r"(RH|RP|RF|WH|WP|WF|rh|rp|rf|wh|wp|wf)[0-9]{6}([A-Z][0-9]{2})?",
    frame="fk5",
    instruments=(
        Instrument("PSPCB", 1.0, ("PSPC-B", "PSPC B", "PSPC")),
        Instrument("PSPCC", 1.0, ("PSPC-C", "PSPC C")),
        Instrument("HRI", 19 / 60),
    ),
    groups={"PSPC": ("PSPCB", "PSPCC")},
    simultaneous=False,
    tables=(
        TableSource(
            "heasarc",
            "rosmaster",
            (
                Column("seq_id", "obsid"),
                *POSITION,
                *times("start_time", "end_time"),
                Column("exposure", "exposure", "number"),
                Column("instrument", "instruments", "instrument"),
                Column("subj_cat", "target_type", required=False),
                Column("name", "target", required=False),
                *texts("fits_type", "filter", "proc_rev", "site"),
            ),
        ),
    ),
    row_cuts=(HAS_POSITION,),
    target_types={
        "0": "MISC", "1": "STR", "2": "STR", "3": "CV", "4": "NS", "5": "SNR", "6": "NGS", "7": "AGN", "8": "GCL",
        "9": "EGE", "10": "MISC",
    },
    other_target_type="MISC",
    notes=("Several detectors use the same file names. The detector in the mission's table decides.",),
    citation=Citation(ACKNOWLEDGEMENT, (TRUEMPER,)),
    archive_paths={"heasarc": "rosat/data/{detector}/processed_data/{obsid[2]}00000/{obsid_lower}/"},
    path_fields=lambda obsid: {"detector": "hri" if obsid[1:2].upper() == "H" else "pspc"},
    files=ROSAT_FILES,
    products=(
        *rosat_products("PSPCB", BANDS), *rosat_products("PSPCC", BANDS), *rosat_products("HRI", BANDS[:1]),
    ),
)  # fmt: skip
"""A bare 'PSPC' is a late pointing that completed the survey, made with PSPC-B."""

PIPELINE = Pipeline(missions=(ALL_SKY, POINTED))
