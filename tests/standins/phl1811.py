"""The five observations around PHL 1811 that DAXA's tutorial recorded, as ODFs, and what their tasks were told to do."""

from __future__ import annotations

import json
from pathlib import Path

from daxa_wf_simulator.odf import PN_IMAGING, PN_OFFSET, RawExposure, make_odf


def make_phl1811(root: Path, logs: Path) -> list[str]:
    """Write the ODFs as `<root>/<ObsID>`; entries for `Standins.tell` with which they end as recorded in `logs`.

    0102041001, of which no exposure was ever processed, holds only what is not science.
    """
    recorded = json.loads((logs / "phl1811_process_success.json").read_text())["xmm_pointed"]
    units = [*recorded["epchain"], *recorded["emchain"]]
    for obsid in sorted(recorded["odf_ingest"]):
        exposures = [_exposure(unit[10:12], unit[12:]) for unit in sorted(units) if unit.startswith(obsid)]
        make_odf(root / obsid, obsid, exposures or [PN_OFFSET, RawExposure("M1", "S001", filter="Closed")], "1000")
    return [f"espfilt@{unit}:noCounts" for unit, success in recorded["espfilt"].items() if not success]


def _exposure(instrument: str, exposure: str) -> RawExposure:
    start = 0 if exposure.startswith("S") else 700
    if instrument == "PN":
        return RawExposure(instrument, exposure, modes=PN_IMAGING, start=start)
    return RawExposure(instrument, exposure, start=start)
