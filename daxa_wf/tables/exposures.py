"""Exposures of observations, known before any download where a mission's service has a table of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pandas as pd

from daxa_wf.mission.spec import MissionSpec, TableSource
from daxa_wf.observatories.xmm.unfit_exposures import unfit_reason
from daxa_wf.tables.observation_table import counted, mapped_columns

WITHOUT_FILTER = ("R1", "R2", "OM")
"""Instruments whose fitness does not depend on EPIC's filter wheel."""
EPIC_FILTERS = ("Thin1", "Thin2", "Medium", "Thick", "Open", "Closed", "CalClosed", "CalThin1", "CalThin2", "CalMedium",
                "CalThick", "CalOpen", "Blocked", "Unknown")  # fmt: skip
"""As headers write them (SAS_ESASS 3.3); services write some in upper case."""
BETWEEN = "|"
"""Between the values of a column that has one for each exposure."""


@dataclass
class ExposureTable:
    """Exposures, one a row: obsid, inst, exposure, mode, filter, start, end, duration (s), unfit (why, or '').

    `dropped` counts the rows that could not be understood, by what was wrong with them.
    """

    rows: pd.DataFrame
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What was dropped of a service's rows."""
        return [f"rows dropped for what is not known: {counted(self.dropped)}"] if self.dropped else []


def exposure_table(spec: MissionSpec, source: TableSource, table: pd.DataFrame) -> ExposureTable:
    """A service's table of exposures in the words of the archive. ServiceError names each column that is missing."""
    rows = mapped_columns(spec, source, table)
    names = {each.upper(): one.name for one in spec.instruments for each in (one.name, *one.aliases)}
    rows["inst"] = rows.pop("instrument").str.upper().map(names)
    rows["exposure"] = rows.pop("exposure_id").str.upper()
    good = {
        "instrument": rows["inst"].notna(),
        "exposure identifier": rows["exposure"].str.fullmatch("[SUX][0-9]{3}"),
    }
    dropped = {name: int((~fits).sum()) for name, fits in good.items() if not fits.all()}
    rows = rows[good["instrument"] & good["exposure identifier"]].reset_index(drop=True)
    plain = {name.upper(): name for name in EPIC_FILTERS}
    rows["filter"] = rows["filter"].str.upper().map(plain).fillna(rows["filter"])
    facts = ["inst", "mode", "filter", "is_scientific"]
    reasons = {each: _unfit(*each) for each in rows[facts].drop_duplicates().itertuples(index=False, name=None)}
    rows["unfit"] = [reasons[each] for each in rows[facts].itertuples(index=False, name=None)]
    return ExposureTable(rows.drop(columns="is_scientific"), dropped)


def _unfit(instrument: str, mode: str, filter_name: str, scientific: bool) -> str:
    if not scientific:
        return f"mode {mode}: not for science, says the archive"
    return unfit_reason("SCIENCE", "".join(mode.split()), "Open" if instrument in WITHOUT_FILTER else filter_name)


def with_exposures(table: pd.DataFrame, spec: MissionSpec, exposures: pd.DataFrame) -> pd.DataFrame:
    """An observation table with what the exposures say: seconds, modes and filters of each instrument, and which have data.

    Instruments that the exposures never mention are taken to be there: nothing is known of them. Observations without any
    listed exposure keep '', unknown; those whose exposures are all unfit are not fit for science.
    """
    fit = exposures[exposures["unfit"] == ""]
    mentioned = set(exposures["inst"])
    result, present = table.copy(), pd.Series("", index=table.index)
    for each in spec.instruments:
        name = each.name.lower()
        mine = fit[fit["inst"] == each.name].groupby("obsid", sort=False)
        if each.name not in mentioned:
            present += f" {each.name}"
            continue
        seconds = table["obsid"].map(mine["duration"].sum()).fillna(0.0)
        if each.exposure_column:
            result[each.exposure_column] = seconds
        for column in ("mode", "filter"):
            values = {obsid: BETWEEN.join(sorted(set(found))) for obsid, found in mine[column]}
            result[f"{name}_{column}"] = [values.get(obsid, "") for obsid in table["obsid"]]
        present += seconds.gt(0).map({True: f" {each.name}", False: ""})
    listed = table["obsid"].isin(exposures["obsid"].unique())
    result["instruments"] = present.str.strip().where(listed, "")
    if "science_usable" in result:
        result["science_usable"] &= ~listed | (result["instruments"] != "")
    columns = [each.exposure_column for each in spec.instruments if each.exposure_column in result]
    result["exposure"] = result[columns].max(axis=1) if columns else result["exposure"]
    return result


def exposures_of(exposures: pd.DataFrame, obsids: Collection[str], instruments: Collection[str]) -> pd.DataFrame:
    """The exposures, fit and unfit, of these observations and instruments."""
    return exposures[exposures["obsid"].isin(list(obsids)) & exposures["inst"].isin(list(instruments))]
