"""The table JUDGED of a light curve's file: the values that a flare filter compared with its limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from daxa_wf.events.flare_filters.common import FlareResult
from daxa_wf.events.time_system import TimeSystem


def judged_table(flares: FlareResult, times: TimeSystem) -> Any:
    """Return an astropy HDU of the bins that have a value: VALUE with its ERROR, and whether it was ACCEPTED."""
    from astropy.io import fits

    shown = np.isfinite(flares.value)
    columns = [
        ("TIME", "D", "s", flares.curve.centres), ("VALUE", "D", flares.quantity.unit, flares.value),
        ("ERROR", "D", flares.quantity.unit, flares.error), ("ACCEPTED", "L", "", flares.accepted),
    ]  # fmt: skip
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, unit=unit or None, array=values[shown]) for name, form, unit, values in columns],
        name="JUDGED",
    )
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
