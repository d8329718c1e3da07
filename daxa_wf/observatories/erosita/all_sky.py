"""eROSITA, the German half of the first all-sky survey: sky tiles. The package holds the table."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, numbers, texts, times
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, MissionSpec, ProductPattern, TableSource
from daxa_wf.mission.xga_names import XgaNames
from daxa_wf.observatories.erosita.telescope import ACKNOWLEDGEMENT, PREDEHL, PROCESSING, telescope_modules

BANDS = (
    EnergyBand("1", 0.2, 0.6), EnergyBand("2", 0.6, 2.3), EnergyBand("3", 2.3, 5.0), EnergyBand("4", 0.2, 2.3),
    EnergyBand("5", 0.2, 0.5), EnergyBand("6", 0.5, 1.0), EnergyBand("7", 1.0, 2.0),
)  # fmt: skip
PER_BAND = (
    ("image", "EXP_*/*_02{code}_Image_c*.fits*"),
    ("expmap", "DET_*/*_02{code}_ExposureMap_c*.fits*"),
    ("background", "DET_*/*_02{code}_BackgrImage_c*.fits*"),
)

MERLONI = Reference(
    "erosita_merloni_2024", "Merloni, A. and Lamer, G. and Liu, T. and others",
    "The SRG/eROSITA all-sky survey. First X-ray catalogues and data release of the western Galactic hemisphere", "A&A",
    2024, "682", "A34", "10.1051/0004-6361/202347165",
)  # fmt: skip

MISSION = MissionSpec(
    name="erosita_all_sky_de_dr1",
    pretty_name="eRASS1 DE",
    obsid_pattern=r"[0-9]{6}",
    frame="fk5",
    instruments=telescope_modules(1.8),
    tables=(
        TableSource(
            "package",
            "erass1_tiles.csv",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("start", "end", "utc"),
                *numbers("ra_min", "ra_max", "dec_min", "dec_max"),
                *texts("owner"),
            ),
            package="daxa_wf.observatories.erosita",
        ),
    ),
    xga=XgaNames("erass"),
    citation=Citation(ACKNOWLEDGEMENT, (PREDEHL, MERLONI), page="https://erosita.mpe.mpg.de/dr1/"),
    footprint=("ra_min", "ra_max", "dec_min", "dec_max"),
    constants={"instruments": "TM1 TM2 TM3 TM4 TM5 TM6 TM7"},
    archive_paths={
        "erosita_de": (
            "erodat/data/download/{obsid[3:6]}/{obsid[0:3]}/",
            "dr1/erodat/data/download/{obsid[3:6]}/{obsid[0:3]}/",
        ),
        "heasarc": "srg/data/erosita/erass1/obs/{obsid[3:6]}/{obsid[0:3]}/",
    },
    files=(
        FilePattern(
            "preprocessed",
            (
                "EXP_{version}/*_EventList_*",
                "EXP_{version}/*_Image_*",
                "DET_{version}/*_ExposureMap_*",
                "DET_{version}/*_BackgrImage_*",
            ),
        ),
        FilePattern("raw", ("EXP_{version}/*_EventList_*",)),
    ),
    products=(
        ProductPattern("events", "TM", "EXP_*/e?01_{obsid}_020_EventList_c*.fits*"),
        *(
            ProductPattern(kind, "TM", glob.replace("{code}", band.code), (band,))  # type: ignore[arg-type]
            for band in BANDS
            for kind, glob in PER_BAND
        ),
    ),
    **PROCESSING,
)
