"""Exposures of observations, known before any download if a service has a table of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pandas as pd

from daxa_wf.mission.spec import MissionSpec, TableSource
from daxa_wf.tables.observation_table import counted, mapped_columns

BETWEEN = "|"
"""Separator in columns that hold one value for each exposure."""


@dataclass
class ExposureTable:
    """Exposures, one a row: obsid, inst, exposure, mode, filter, start, end, duration (s), unfit (the reason, or '').

    `dropped` counts the rows that could not be understood, by the part that was wrong.
    """

    rows: pd.DataFrame
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """Report the dropped rows, in at most one line."""
        return [f"rows dropped, because a value is unknown: {counted(self.dropped)}"] if self.dropped else []


def exposure_table(spec: MissionSpec, source: TableSource, table: pd.DataFrame) -> ExposureTable:
    """Translate a service's table of exposures into our names. ServiceError names each missing column."""
    rows = mapped_columns(spec, source, table)
    names = {word.upper(): known.name for known in spec.instruments for word in (known.name, *known.aliases)}
    rows["inst"] = rows.pop("instrument").str.upper().map(names)
    rows["exposure"] = rows.pop("exposure_id").str.upper()
    valid = {
        "instrument": rows["inst"].notna(),
        "exposure identifier": rows["exposure"].str.fullmatch("[SUX][0-9]{3}"),
    }
    dropped = {name: int((~fits).sum()) for name, fits in valid.items() if not fits.all()}
    rows = rows[valid["instrument"] & valid["exposure identifier"]].reset_index(drop=True)
    spellings = {name.upper(): name for name in spec.filters}
    rows["filter"] = rows["filter"].str.upper().map(spellings).fillna(rows["filter"])
    facts = ["inst", "mode", "filter", "is_scientific"]
    reasons = {row: _unfit(spec, *row) for row in rows[facts].drop_duplicates().itertuples(index=False, name=None)}
    rows["unfit"] = [reasons[row] for row in rows[facts].itertuples(index=False, name=None)]
    return ExposureTable(rows.drop(columns="is_scientific"), dropped)


def _unfit(spec: MissionSpec, instrument: str, mode: str, filter_name: str, scientific: bool) -> str:
    if not scientific:
        return f"mode {mode}: not marked as scientific by the data centre"
    return spec.unfit_exposure(instrument, mode, filter_name) if spec.unfit_exposure else ""


def with_exposures(table: pd.DataFrame, spec: MissionSpec, exposures: pd.DataFrame) -> pd.DataFrame:
    """Add to an observation table the seconds, modes and filters of each instrument, and which instruments have data.

    Instruments that the exposures never mention are assumed to have data. Observations without a listed exposure keep ''
    for unknown. Observations whose exposures are all unfit are not fit for science.
    """
    fit = exposures[exposures["unfit"] == ""]
    mentioned = set(exposures["inst"])
    result, present = table.copy(), pd.Series("", index=table.index)
    for instrument in spec.instruments:
        if instrument.name not in mentioned:
            present += f" {instrument.name}"
            continue
        own = fit[fit["inst"] == instrument.name].groupby("obsid", sort=False)
        seconds = table["obsid"].map(own["duration"].sum()).fillna(0.0)
        if instrument.exposure_column:
            result[instrument.exposure_column] = seconds
        for column in ("mode", "filter"):
            values = {obsid: BETWEEN.join(sorted(set(texts))) for obsid, texts in own[column]}
            result[f"{instrument.name.lower()}_{column}"] = [values.get(obsid, "") for obsid in table["obsid"]]
        present += seconds.gt(0).map({True: f" {instrument.name}", False: ""})
    listed = table["obsid"].isin(exposures["obsid"].unique())
    result["instruments"] = present.str.strip().where(listed, "")
    if "science_usable" in result:
        result["science_usable"] &= ~listed | (result["instruments"] != "")
    columns = [known.exposure_column for known in spec.instruments if known.exposure_column in result]
    result["exposure"] = result[columns].max(axis=1) if columns else result["exposure"]
    return result


def exposures_of(exposures: pd.DataFrame, obsids: Collection[str], instruments: Collection[str]) -> pd.DataFrame:
    """Return the exposures of the given observations and instruments, fit and unfit."""
    return exposures[exposures["obsid"].isin(list(obsids)) & exposures["inst"].isin(list(instruments))]
