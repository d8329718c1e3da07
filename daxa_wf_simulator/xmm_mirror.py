"""Two simulated XMM-Newton observations, in HEASARC's tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daxa_wf.events.gti import contains, intersection, total, union
from daxa_wf_simulator.events import BAND, SimulatedExposure, simulate
from daxa_wf_simulator.files import list_name, utc, write_attitude, write_event_list
from daxa_wf_simulator.odf import RawExposure, every, make_odf
from daxa_wf_simulator.truth import Exposure, ExposureTruth, Flare, Observation, PointSource

BANDS = {"0.5-2.0": (500, 2000), "2.0-10.0": (2000, 10000)}
SEED = 20260101

FIRST = Observation(
    "0999990101", "daxa_wf demo 1", 150.0, 2.2, 110.0, 6.0e8, 3999,
    (PointSource("A", 150.0, 2.2, 0.10), PointSource("B", 150.08, 2.23, 0.05), PointSource("C", 149.93, 2.12, 0.04),
     PointSource("D", 149.88, 2.28, 0.03)),
    (
        Exposure("PN", "S003", 300, 7000, 2.0, "PrimeFullWindowExtended", flares=(Flare(2500, 3900, 9),), hole=(5200, 5260)),
        Exposure("M1", "S001", 0, 20000, 1.2, flares=(Flare(3000, 4500, 8), Flare(9000, 10200, 12)), hole=(7000, 7150)),
        Exposure("M2", "S002", 0, 9000, 1.2, flares=(Flare(3000, 4500, 8),), hole=(6500, 6600)),
        Exposure("M2", "U002", 9300, 9000, 1.2, flares=(Flare(1000, 2200, 12),), pointing_offset=(0.004, -0.003)),
    ),
)  # fmt: skip
SECOND = Observation(
    "0999990201", "daxa_wf demo 2", 210.5, -35.1, 290.0, 6.2e8, 3998,
    (PointSource("E", 210.5, -35.1, 0.08), PointSource("F", 210.62, -35.05, 0.05)),
    (
        Exposure("PN", "S003", 300, 5000, 2.0, "PrimeFullWindowExtended"),
        Exposure("M1", "S001", 0, 3000, 0.3, filter="CalClosed", verdict="rejected", reason="notScience"),
        Exposure("M1", "U003", 3100, 600, 0.3, "Diagnostic", verdict="rejected", reason="notScience"),
        Exposure("M2", "S002", 0, 4000, 12.0, verdict="rejected", reason="noCounts"),
    ),
)  # fmt: skip
OBSERVATIONS = (FIRST, SECOND)


def make_xmm_mirror(mirror: Path) -> list[ExposureTruth]:
    """Write all observations below `mirror` and return the truth of each EPIC exposure; its paths start at `mirror`.

    The bytes are the same in every run. ODFs have the names and summaries of genuine ones, but no data.
    """
    truths = []
    for observation in OBSERVATIONS:
        folder = mirror / "heasarc" / "xmm" / "data" / "rev0" / observation.obsid / "PPS"
        for number, exposure in enumerate(observation.exposures):
            simulated = simulate(observation, exposure, np.random.default_rng([SEED, int(observation.obsid), number]))
            path = folder / list_name(observation, exposure)
            write_event_list(path, observation, exposure, simulated)
            truths.append(_truth(observation, exposure, simulated, path.relative_to(mirror)))
        odf = [_in_odf(exposure) for exposure in observation.exposures]
        make_odf(
            folder.with_name("ODF"), observation.obsid, odf, f"{observation.revolution:04d}", utc(observation.start),
            (observation.ra, observation.dec), compressed=True,
        )  # fmt: skip
        write_attitude(folder / f"P{observation.obsid}OBX000ATTTSR0000.FTZ", observation)
    return truths


def _in_odf(exposure: Exposure) -> RawExposure:
    mode = "Diagnostic" if exposure.submode == "Diagnostic" else "Imaging"
    ccds = every(12 if exposure.instrument == "PN" else 7, mode)
    span = int(exposure.start), int(exposure.duration)
    return RawExposure(exposure.instrument, exposure.exposure, exposure.submode, exposure.filter, ccds, *span)


def _truth(observation: Observation, exposure: Exposure, simulated: SimulatedExposure, path: Path) -> ExposureTruth:
    good = union(*simulated.gtis.values())
    return ExposureTruth(
        f"{observation.obsid}{exposure.instrument}{exposure.exposure}",
        path.as_posix(),
        exposure.verdict,
        exposure.reason,
        simulated.flares.tolist(),
        good.tolist(),
        _quiet_rate(simulated, 4 if exposure.instrument == "PN" else 12),
        {
            source.name: {name: _source_counts(simulated, index, edges) for name, edges in BANDS.items()}
            for index, source in enumerate(observation.sources)
        },
    )


def _quiet_rate(simulated: SimulatedExposure, pattern: int) -> float:
    """Return the good events a second between 2.5 and 8.5 keV in the field of view, outside of flares."""
    columns = simulated.columns
    quiet = intersection(simulated.quiet, union(*simulated.gtis.values()))
    counted = (columns["PI"] >= BAND[0]) & (columns["PI"] <= BAND[1]) & ((columns["FLAG"] & 0x410000) == 0)
    counted &= columns["PATTERN"] <= pattern
    counted &= contains(quiet, columns["TIME"])
    return float(np.count_nonzero(counted)) / total(quiet) if total(quiet) else 0.0


def _source_counts(simulated: SimulatedExposure, index: int, edges: tuple[int, int]) -> int:
    energy = simulated.columns["PI"]
    return int(np.count_nonzero((simulated.source == index) & (energy >= edges[0]) & (energy <= edges[1])))
