"""The table JUDGED of a light curve's file: the values that a flare filter compared with its limits."""

from __future__ import annotations

import numpy as np

from daxa_wf.events.flare_filters.common import FlareResult
from daxa_wf.events.time_system import TimeSystem
from daxa_wf.fits.new_hdus import NewColumn, NewHdu, table_hdu


def judged_table(flares: FlareResult, times: TimeSystem) -> NewHdu:
    """Return a table of the bins that have a value: VALUE with its ERROR, and whether it was ACCEPTED."""
    shown = np.isfinite(flares.value)
    columns: list[NewColumn] = [
        ("TIME", "D", "s", flares.curve.centres[shown]), ("VALUE", "D", flares.quantity.unit, flares.value[shown]),
        ("ERROR", "D", flares.quantity.unit, flares.error[shown]), ("ACCEPTED", "L", "", flares.accepted[shown]),
    ]  # fmt: skip
    table = table_hdu(columns, "JUDGED")
    low, high = flares.limits
    table.header.extend(
        [
            ("QUANTITY", flares.quantity.label, "what VALUE is"),
            ("LIMITLO", low, "lowest VALUE that is accepted"),
            ("LIMITHI", high, "highest VALUE that is accepted"),
            ("TIMEDEL", flares.curve.bin_size, "[s] length of a bin"),
            *times.cards,
        ]
    )
    return table
