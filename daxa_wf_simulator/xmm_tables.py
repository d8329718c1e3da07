"""XSA's tables of the simulated XMM-Newton observations and exposures."""

from __future__ import annotations

from typing import Any

from daxa_wf_simulator.xmm_mirror import OBSERVATIONS

XSA_INSTRUMENTS = {"PN": "EPN", "M1": "EMOS1", "M2": "EMOS2"}
HALF_SIDE = 0.25
"""Degrees from a simulated pointing to the sides of its footprint."""


def exposure_rows() -> Any:
    """Return the rows of `v_exposure` for the simulated exposures."""
    import pandas as pd

    rows = [
        {
            "observation_id": observation.obsid,
            "instrument": XSA_INSTRUMENTS[exposure.instrument],
            "exposure_id": exposure.exposure,
            "mode_friendly_name": exposure.submode,
            "filter": exposure.filter.upper(),
            "is_scientific": str(exposure.submode != "Diagnostic").lower(),
            "start_utc": _utc(observation.start + exposure.start),
            "end_utc": _utc(observation.start + exposure.start + exposure.duration),
            "duration": exposure.duration,
        }
        for observation in OBSERVATIONS
        for exposure in observation.exposures
    ]
    return pd.DataFrame(rows)


def _utc(seconds: float) -> str:
    import pandas as pd

    return f"{pd.Timestamp('1998-01-01') + pd.to_timedelta(seconds, unit='s'):%Y-%m-%dT%H:%M:%S}"


def _footprint(ra: float, dec: float) -> str:
    import numpy as np

    east = HALF_SIDE / np.cos(np.deg2rad(dec))
    corners = [(ra - east, dec - HALF_SIDE), (ra + east, dec - HALF_SIDE), (ra + east, dec + HALF_SIDE),
               (ra - east, dec + HALF_SIDE)]  # fmt: skip
    return "Polygon ICRS " + " ".join(f"{lon:.6f} {lat:.6f}" for lon, lat in corners)


def observation_rows() -> Any:
    """Return the rows of `v_all_observations`: the simulated observations and one more, which has no files."""
    import pandas as pd

    rows = [
        (
            observation.obsid,
            observation.ra,
            observation.dec,
            observation.start,
            max(e.start + e.duration for e in observation.exposures),
            observation.revolution,
        )
        for observation in OBSERVATIONS
    ]
    rows.append(("0999990901", 12.0, -60.0, 6.3e8, 1000.0, 3997))
    table = pd.DataFrame(rows, columns=["observation_id", "ra", "dec", "begin", "duration", "revolution"])
    return table.assign(
        start_utc=table.pop("begin").map(_utc),
        stc_s=[_footprint(*position) for position in zip(table["ra"], table["dec"], strict=True)],
        proprietary_end_date="2026-01-01",
        with_science="true",
    )
