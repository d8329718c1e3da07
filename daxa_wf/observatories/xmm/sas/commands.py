"""Command lines of SAS from an ODF to event lists, as pure functions of unit, ODF and release.

What each step tells its tasks is what DAXA tells them (DAXA, process/xmm), where this says nothing else.
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
from daxa_wf.tools.spec import Command, Value
from daxa_wf.units import Unit

EVENTS = "events.fits"
ATTITUDE = "attitude.fits"
"""Names in the working directory: short, and of no character that an expression could trip over."""

RGS_STEPS = {"rgs_events": RGS_STAGES[0], "rgs_angles": RGS_STAGES[1], "rgs_filter": RGS_STAGES[2]}
"""Step -> the one stage of rgsproc that it runs."""


@dataclass(frozen=True)
class OdfData:
    """An ODF as SAS is to see it: its directory, the summary in it, the calibration index."""

    directory: Path
    summary: Path
    cif: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that show a task its observation."""
        return {"SAS_CCF": str(self.cif), "SAS_ODF": str(self.summary)}


def cifbuild(observation_date: str, analysis_date: str = "now") -> list[Command]:
    """Return the command for an observation's calibration index. Dates are yyyy-mm-dd; 'now' is today's calibration."""
    parameters: dict[str, Value] = {
        "calindexset": "ccf.cif",
        "withobservationdate": True,
        "observationdate": observation_date,
        "analysisdate": analysis_date,
        "fullpath": True,
    }
    return [TASKS["cifbuild"].command(parameters, products={"cif": "ccf.cif"})]


def odfingest(odf: Path, cif: Path) -> list[Command]:
    """Return the command for an ODF's summary in the working directory. The ODF itself may be read-only and shared.

    Its name has the ODF's ObsID, whichever that is.
    """
    parameters: dict[str, Value] = {"odfdir": odf, "outdir": ".", "withodfdir": True}
    environment = {"SAS_CCF": cif, "SAS_ODF": odf}
    return [TASKS["odfingest"].command(parameters, environment, {"summary": "????_??????????_SCX00000SUM.SAS"})]


def epchain(unit: Unit, data: OdfData, ccds: Sequence[int], version: SasVersion) -> list[Command]:
    """Return the commands for the event lists of a pn exposure, out-of-time first. The second uses files of the first.

    UnfitDataError `notImaging` if none of its CCDs is in imaging mode (timing, burst).
    """
    if not ccds:
        raise UnfitDataError("notImaging", f"{unit.identifier} has no CCD in imaging mode")
    common: dict[str, Value] = {
        "odf": data.directory,
        "odfaccess": "odf",
        "exposure": int(unit.exposure[1:]),
        "schedule": unit.exposure[0],
        "ccds": ccd_list(ccds),
    }
    without: dict[str, Value] = {"runradmonfix": False} if version in WITHOUT_RADMONFIX else {}
    first: dict[str, Value] = {"runbackground": False, "keepintermediate": "raw", "withoutoftime": True}
    second: dict[str, Value] = dict.fromkeys(("runatthkgen", "runepframes", "runbadpixfind", "runbadpix"), False)
    task, stem = TASKS["epchain"], f"P{unit.identifier}"
    attitude = {"attitude": attitude_name(unit)}
    return [
        task.command({**common, **first, **without}, data.environment, {"ootevents": f"{stem}OOEVLI0000.FIT"}, extras=attitude),
        task.command({**common, **second, **without}, data.environment, {"events": f"{stem}PIEVLI0000.FIT"}, extras=attitude),
    ]  # fmt: skip


def emchain(unit: Unit, data: OdfData) -> list[Command]:
    """Return the command for a MOS exposure's event list. It names no CCDs, which can make a list's mode 'Unknown'."""
    parameters: dict[str, Value] = {
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
    """Return the command that finds the states of a MOS exposure's CCDs. ConfigError before SAS 19, which first had emanom.

    They are not written into the list: it is another step's product.
    """
    require_sas(version, "emanom")
    parameters: dict[str, Value] = {"eventfile": EVENTS, "writekeys": False, "keepcorner": False}
    products = {"anomalies": f"{sas_prefix(unit)}-anom.log"}
    return [TASKS["emanom"].command(parameters, data.environment, products, links={EVENTS: events})]


def atthkgen(data: OdfData, timestep: float = 1.0) -> list[Command]:
    """Return the command that makes an observation's attitude series, if no chain made it. `timestep` is in seconds."""
    parameters: dict[str, Value] = {"atthkset": ATTITUDE, "timestep": timestep}
    return [TASKS["atthkgen"].command(parameters, data.environment, {"attitude": ATTITUDE})]


def rgsproc(step: str, unit: Unit, data: OdfData) -> list[Command]:
    """Return the command of one stage of rgsproc for one exposure. The three stages share a kept working directory."""
    stage, stem = RGS_STEPS[step], f"P{unit.identifier}"
    parameters: dict[str, Value] = {
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
    """Return the prefix that ESAS tasks give to their files: mos1S001, pnS003."""
    return {"M1": "mos1", "M2": "mos2", "PN": "pn"}[unit.instrument] + unit.exposure


def attitude_name(unit: Unit) -> str:
    """Return the name of the attitude series that the chains write."""
    return f"P{unit.obsid}OBX000ATTTSR0000.FIT"


def ccd_list(ccds: Iterable[int]) -> str:
    """CCDs as epchain takes them: 1,6-9,12."""
    runs = []
    for _, group in groupby(enumerate(sorted(set(ccds))), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in group]
        runs.append(f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0]))
    return ",".join(runs)
