"""The table JUDGED of a light curve's file: what a flare filter compared with its limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from daxa_wf.events.flare_filters import FlareResult
from daxa_wf.events.gti_files import MJDREF


def judged_table(flares: FlareResult) -> Any:
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
            ("TIMEUNIT", "s", "all times in s"),
            ("TIMESYS", "TT", "XMM time is TT (Terrestrial Time)"),
            ("TIMEREF", "LOCAL", "reference location of photon arrival times"),
            ("MJDREF", MJDREF, "[d] 1998-01-01T00:00:00 (TT) in MJD"),
        ]
    )
    return table
