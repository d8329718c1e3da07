"""Simulated eROSITA observations in the trees of eROSITA-DE, and their rows for tables like those of the package."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from daxa_wf_simulator.erosita import write_event_file
from daxa_wf_simulator.erosita_targets import TARGETS, ErositaTarget, ErositaTruth, observed

EPOCH = np.datetime64("1999-12-31T21:00:00")
"""Zero of eROSITA's time."""
HALF_TILE = 1.8
"""Degrees."""


MISSIONS_OF_TARGETS = ("erosita_calpv", "erosita_all_sky_de_dr1")
"""Missions with pointings, and with tiles of the survey."""


def make_erosita_mirror(mirror: Path) -> list[ErositaTruth]:
    """Write all event lists below `mirror` and return their truth: CalPV fields in tar files, tiles in a tree."""
    truths = []
    for target in TARGETS:
        if target.scans:
            tree = mirror / "erosita_de/erodat/data/download" / target.obsid[3:6] / target.obsid[:3] / "EXP_010"
            truths.append(write_event_file(tree / target.file, target))
        else:
            fields = mirror / "erosita_de/edr/eROSITAObservations/CalPvObs"
            plain = fields / target.file
            truths.append(write_event_file(plain, target))
            _pack(plain, fields / _field_file(target))
            plain.unlink()
    return truths


def _field_file(target: ErositaTarget) -> str:
    return target.target.replace(" ", "_") + ".tar.gz"


def _pack(path: Path, tar: Path) -> None:
    """Put a file into a compressed tar file whose bytes are the same in every run."""
    stream = io.BytesIO()
    info = tarfile.TarInfo(f"{tar.name.split('.')[0]}/{path.name}")
    info.size = path.stat().st_size
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
        path.open("rb") as content,
    ):
        archive.addfile(info, content)
    tar.write_bytes(stream.getvalue())


def erosita_table(mission: str) -> Any:
    """Return the rows of an eROSITA mission's table for the simulated observations, all columns as text."""
    import pandas as pd

    observed_by_it = [target for target in TARGETS if mission == MISSIONS_OF_TARGETS[bool(target.scans)]]
    return pd.DataFrame([_row(target) for target in observed_by_it]).astype(str)


def _row(target: ErositaTarget) -> dict[str, object]:
    span = observed(target)
    start, end = (str(EPOCH + np.timedelta64(int(seconds), "s")) for seconds in (span[0, 0], span[-1, 1]))
    east = HALF_TILE / np.cos(np.deg2rad(target.dec))
    return {
        "obsid": target.obsid, "start": start, "end": end, "duration": span[-1, 1] - span[0, 0], "ra": target.ra,
        "dec": target.dec, "field": target.target.upper().replace(" ", "_"), "field_type": "DEMO",
        "archive_file": _field_file(target), "instruments": " ".join(f"TM{module}" for module in target.modules),
        "science_usable": True, "owner": 2, "ra_min": target.ra - east, "ra_max": target.ra + east,
        "dec_min": target.dec - HALF_TILE, "dec_max": target.dec + HALF_TILE,
    }  # fmt: skip
