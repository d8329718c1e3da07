"""eROSITA, calibration and performance-verification observations. The package holds the table: 170 final rows."""

from daxa_wf.mission.citation import Citation
from daxa_wf.mission.common import POSITION, texts, times
from daxa_wf.mission.spec import Bundle, Column, FilePattern, MissionSpec, ProductPattern, TableSource
from daxa_wf.mission.xga_names import XgaNames
from daxa_wf.observatories.erosita.telescope import ACKNOWLEDGEMENT, PREDEHL, PROCESSING, telescope_modules

FIELD_OF_VIEW = 4.5
"""Distance in degrees that scans reach from their centre (DAXA's value)."""
RADIUS_CAUTION = "it fits the longest scans (eFEDS), but a pointing reaches only 0.5 deg"

OBSID_ALIASES = {"700195": ("700199", "700200")}
"""ObsID that is mistyped on eROSITA-DE's page -> the two observations that it stands for."""

FIELD_ALIASES = {
    "CRAB": ("CRAB_1", "CRAB_2", "CRAB_3", "CRAB_4"),
    "CRAB_I": ("CRAB_1",), "CRAB_II": ("CRAB_2",), "CRAB_III": ("CRAB_3",), "CRAB_IV": ("CRAB_4",),
    "A3391": ("A3391_A3395",), "A3395": ("A3391_A3395",), "IGR_J13020": ("IGR_J13020_6359",),
}  # fmt: skip


def fields_for(name: str) -> tuple[str, ...]:
    """Return the fields that a name stands for, spelt like the table: upper case, `- ( ) + / .` and spaces as underscores."""
    plain = "".join("_" if letter in "-()+/. " else letter for letter in name.strip().upper())
    return FIELD_ALIASES.get(plain, (plain,))


def obsids_for(obsid: str) -> tuple[str, ...]:
    """Return the ObsIDs that a mistyped ObsID stands for, or the ObsID itself."""
    return OBSID_ALIASES.get(obsid, (obsid,))


MISSION = MissionSpec(
    name="erosita_calpv",
    pretty_name="eROSITA CalPV",
    obsid_pattern=r"[0-9]{6}",
    frame="fk5",
    instruments=telescope_modules(FIELD_OF_VIEW, RADIUS_CAUTION),
    tables=(
        TableSource(
            "package",
            "erosita_calpv.csv",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("start", "end", "utc"),
                Column("duration", "duration", "number"),
                Column("instruments", "instruments"),
                Column("science_usable", "science_usable", "flag"),
                *texts("field", "field_type", "archive_file"),
            ),
            package="daxa_wf.observatories.erosita",
        ),
    ),
    xga=XgaNames("erosita"),
    citation=Citation(ACKNOWLEDGEMENT, (PREDEHL,), page="https://erosita.mpe.mpg.de/edr/"),
    aliases={"obsid": obsids_for, "field": fields_for},
    bundles={
        "erosita_de": tuple(
            Bundle(route, ("edr/eROSITAObservations/CalPvObs/{archive_file}",), shared=True)
            for route in ("raw", "preprocessed")
        )
    },
    files=(
        FilePattern("preprocessed", ("?m00_{obsid}_*_EventList_*",)),
        FilePattern("raw", ("?m00_{obsid}_*_EventList_*",)),
    ),
    products=(ProductPattern("events", "TM", "?m00_{obsid}_020_EventList_c001.fits*"),),
    **PROCESSING,
)
