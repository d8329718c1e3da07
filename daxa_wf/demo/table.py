"""The embedded observatory's observation table, as XSA would have it."""

from __future__ import annotations

from typing import Any

from daxa_wf.demo.observatory import OBSERVATIONS


def observatory_table() -> Any:
    """Rows of `v_all_observations` for the simulated observations, and for one that a selection should leave out."""
    import pandas as pd

    rows = [
        (each.obsid, each.ra, each.dec, each.start, max(e.start + e.duration for e in each.exposures), each.revolution)
        for each in OBSERVATIONS
    ]
    rows.append(("0999990901", 12.0, -60.0, 6.3e8, 1000.0, 3997))
    table = pd.DataFrame(rows, columns=["observation_id", "ra", "dec", "begin", "duration", "revolution"])
    begin = pd.Timestamp("1998-01-01") + pd.to_timedelta(table.pop("begin"), unit="s")
    return table.assign(
        start_utc=begin.dt.strftime("%Y-%m-%dT%H:%M:%S"), proprietary_end_date="2026-01-01", with_science="true"
    )
