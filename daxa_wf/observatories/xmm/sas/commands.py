"""Make the command lines of the SAS steps from an ODF to event lists, as pure functions of units, ODFs and releases.

The parameters are DAXA's (DAXA, process/xmm) unless a comment gives another source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from daxa_wf.errors import UnfitDataError
from daxa_wf.observatories.xmm.sas.tasks import RGS_STAGES
from daxa_wf.observatories.xmm.sas.tasks import SAS_TASKS as TASKS
from daxa_wf.observatories.xmm.sas.versions import WITHOUT_RADMONFIX, SasVersion, require_sas
from daxa_wf.tools.spec import Command, ParameterValue
from daxa_wf.units import Unit

EVENTS = "events.fits"
ATTITUDE = "attitude.fits"
"""Names in the working directory: short, and without characters that have a meaning in expressions."""

RGS_STEPS = {"rgs_events": RGS_STAGES[0], "rgs_angles": RGS_STAGES[1], "rgs_filter": RGS_STAGES[2]}
"""Step -> the stage of rgsproc that it runs."""


@dataclass(frozen=True)
class OdfData:
    """The view of an ODF for SAS: its directory, the summary in it, the calibration index."""

    directory: Path
    summary: Path
    cif: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that direct a task to this observation."""
        return {"SAS_CCF": str(self.cif), "SAS_ODF": str(self.summary)}


def cifbuild(observation_date: str, analysis_date: str = "now") -> list[Command]:
    """Make the calibration index of an observation. Dates are yyyy-mm-dd; `analysis_date` 'now' is today's calibration."""
    parameters: dict[str, ParameterValue] = {
        "calindexset": "ccf.cif",
        "withobservationdate": True,
        "observationdate": observation_date,
        "analysisdate": analysis_date,
        "fullpath": True,
    }
    return [TASKS["cifbuild"].command(parameters, products={"cif": "ccf.cif"})]


def odfingest(odf: Path, cif: Path) -> list[Command]:
    """Make the summary of an ODF in the working directory, because the ODF may be read-only and shared.

    The name of the summary has the ODF's ObsID, which is unknown beforehand.
    """
    parameters: dict[str, ParameterValue] = {"odfdir": odf, "outdir": ".", "withodfdir": True}
    environment = {"SAS_CCF": cif, "SAS_ODF": odf}
    return [TASKS["odfingest"].command(parameters, environment, {"summary": "????_??????????_SCX00000SUM.SAS"})]


def epchain(unit: Unit, data: OdfData, ccds: Sequence[int], version: SasVersion) -> list[Command]:
    """Make the event lists of a pn exposure, out-of-time first. The second call uses files of the first.

    UnfitDataError `notImaging` if no CCD is in imaging mode (timing, burst).
    """
    if not ccds:
        raise UnfitDataError("notImaging", f"{unit.identifier} has no CCD in imaging mode")
    common: dict[str, ParameterValue] = {
        "odf": data.directory,
        "odfaccess": "odf",
        "exposure": int(unit.exposure[1:]),
        "schedule": unit.exposure[0],
        "ccds": ccd_list(ccds),
    }
    without: dict[str, ParameterValue] = {"runradmonfix": False} if version in WITHOUT_RADMONFIX else {}
    first: dict[str, ParameterValue] = {"runbackground": False, "keepintermediate": "raw", "withoutoftime": True}
    second: dict[str, ParameterValue] = dict.fromkeys(
        ("runatthkgen", "runepframes", "runbadpixfind", "runbadpix"), False
    )
    task, stem = TASKS["epchain"], f"P{unit.identifier}"
    attitude = {"attitude": attitude_name(unit)}
    return [
        task.command({**common, **first, **without}, data.environment, {"ootevents": f"{stem}OOEVLI0000.FIT"}, extras=attitude),
        task.command({**common, **second, **without}, data.environment, {"events": f"{stem}PIEVLI0000.FIT"}, extras=attitude),
    ]  # fmt: skip


def emchain(unit: Unit, data: OdfData) -> list[Command]:
    """Make the event list of a MOS exposure. CCDs are not named, because that can make the mode of a list 'Unknown'."""
    parameters: dict[str, ParameterValue] = {
        "odf": data.directory,
        "instruments": unit.instrument,
        "exposures": unit.exposure,
        "addtaglenoise": False,
        "makeflaregti": False,
    }
    products = {"events": f"P{unit.identifier}MIEVLI0000.FIT"}
    extras = {"attitude": attitude_name(unit)}
    return [TASKS["emchain"].command(parameters, data.environment, products, extras=extras)]


def emanom(unit: Unit, events: Path, data: OdfData, version: SasVersion) -> list[Command]:
    """Find the states of a MOS exposure's CCDs. ConfigError before SAS 19, which introduced emanom.

    The states are not written into the event list, which is the product of another step.
    """
    require_sas(version, "emanom")
    parameters: dict[str, ParameterValue] = {"eventfile": EVENTS, "writekeys": False, "keepcorner": False}
    products = {"anomalies": f"{sas_prefix(unit)}-anom.log"}
    return [TASKS["emanom"].command(parameters, data.environment, products, links={EVENTS: events})]


def atthkgen(data: OdfData, timestep: float = 1.0) -> list[Command]:
    """Make the attitude series of an observation without one from epchain or emchain. `timestep` is in seconds."""
    parameters: dict[str, ParameterValue] = {"atthkset": ATTITUDE, "timestep": timestep}
    return [TASKS["atthkgen"].command(parameters, data.environment, {"attitude": ATTITUDE})]


def rgsproc(step: str, unit: Unit, data: OdfData) -> list[Command]:
    """Run one stage of rgsproc for one RGS exposure. The three steps share a working directory that is kept."""
    stage, stem = RGS_STEPS[step], f"P{unit.identifier}"
    parameters: dict[str, ParameterValue] = {
        "entrystage": stage,
        "finalstage": stage,
        "withinstexpids": True,
        "instexpids": f"{unit.instrument}{unit.exposure}",
    }
    products = {
        "rgs_events": {"events": f"{stem}merged0000.FIT"},
        "rgs_angles": {},
        "rgs_filter": {"finalevents": f"{stem}EVENLI0000.FIT"},
    }
    return [TASKS["rgsproc"].command(parameters, data.environment, products[step])]


def sas_prefix(unit: Unit) -> str:
    """Return the prefix of files that ESAS tasks write: mos1S001, pnS003."""
    return {"M1": "mos1", "M2": "mos2", "PN": "pn"}[unit.instrument] + unit.exposure


def attitude_name(unit: Unit) -> str:
    """Return the name of the attitude series that epchain and emchain write."""
    return f"P{unit.obsid}OBX000ATTTSR0000.FIT"


def ccd_list(ccds: Iterable[int]) -> str:
    """Write CCDs in the form of epchain: 1,6-9,12."""
    runs = []
    for _, group in groupby(enumerate(sorted(set(ccds))), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in group]
        runs.append(f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0]))
    return ",".join(runs)
