"""Write the files of a selection, and summarise it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from daxa_wf.mission.spec import MissionSpec
from daxa_wf.selection.select import Selection


def write_selection(directory: Path, mission: str, selection: Selection) -> None:
    """Write `<mission>_selection.parquet` and, for readers without pandas, `.tsv`; `_cutflow.tsv`, `_association.ecsv`.

    The header of the association lists the objects without observations.
    """
    from astropy.table import Table

    directory.mkdir(parents=True, exist_ok=True)
    selection.rows.to_parquet(directory / f"{mission}_selection.parquet", index=False)
    selection.rows.to_csv(
        directory / f"{mission}_selection.tsv", sep="\t", index=False, date_format="%Y-%m-%dT%H:%M:%S"
    )
    flow = pd.DataFrame(
        [asdict(line) for line in selection.cutflow], columns=["filter", "description", "before", "left"]
    )
    flow.to_csv(directory / f"{mission}_cutflow.tsv", sep="\t", index=False)
    plain = selection.association.astype({"object": str, "obsid": str, "instruments": str})
    association = Table({name: plain[name].to_numpy(dtype=object if plain[name].dtype == "str" else None).astype(
        "U" if plain[name].dtype == "str" else float) for name in plain.columns})  # fmt: skip
    association["separation"].unit, association["overlap"].unit = "deg", "s"
    association.meta["objects without observations"] = selection.unmatched
    association.write(directory / f"{mission}_association.ecsv", format="ascii.ecsv", overwrite=True)


def summary(spec: MissionSpec, selection: Selection, now: pd.Timestamp) -> list[str]:
    """Return lines for people: number and dates of the observations, exposure by instrument, proprietary ones, each cut."""
    rows = selection.rows
    span = f", {rows['start'].min():%Y-%m-%d} to {rows['end'].max():%Y-%m-%d}" if "end" in rows else ""
    lines = [f"{spec.pretty_name}: {len(rows)} observations{span}"]
    for instrument in spec.instruments:
        if instrument.exposure_column in rows:
            lines.append(f"  {instrument.name}: {rows[instrument.exposure_column].sum() / 1000:.0f} ks")
    waiting = int((rows["proprietary_end"] > now).sum()) if "proprietary_end" in rows else 0
    if waiting:
        lines.append(f"  proprietary: {waiting}")
    lines += [f"  {line}" for line in selection.cutflow]
    lines += [f"  {note}" for note in selection.notes]
    if selection.unmatched:
        lines.append(f"  objects without observations: {len(selection.unmatched)}")
    return lines
