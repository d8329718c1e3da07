"""Parse the summary of an ODF that odfingest writes (`*SUM.SAS`): its exposures, and their fitness for science."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daxa_wf.errors import StepFailedError
from daxa_wf.observatories.xmm.unfit_exposures import unfit_reason

EPIC = ("M1", "M2", "PN")
RGS = ("R1", "R2")
NO_FILTER_WHEEL = "no filter wheel"


@dataclass(frozen=True)
class OdfExposure:
    """One exposure. `modes`: data mode by CCD (or OM window). `filter` is '' if the summary has none. Times are in UTC."""

    instrument: str
    exposure: str
    scheduled: bool
    type: str
    mode: str
    filter: str
    start: str
    end: str
    modes: Mapping[int, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Return the exposure's number, which a scheduled and an unscheduled exposure of an instrument may share."""
        return int(self.exposure[1:])

    @property
    def imaging_ccds(self) -> list[int]:
        """Return the CCDs that were read out in imaging mode."""
        return sorted(ccd for ccd, mode in self.modes.items() if mode == "Imaging")

    @property
    def unfit(self) -> str:
        """Return the reason why it is unfit for science, or ''. RGS has no filters."""
        if not self.mode:
            return "no mode: the summary does not tell it"
        return unfit_reason(self.type, self.mode, NO_FILTER_WHEEL if self.instrument in RGS else self.filter)

    @property
    def unusable(self) -> str:
        """Return the reason why its events cannot be cleaned, or '': it is unfit, or no CCD of EPIC is in imaging mode."""
        if self.unfit or self.instrument not in EPIC or self.imaging_ccds:
            return self.unfit
        modes = ", ".join(sorted(set(self.modes.values()))) or "unknown"
        return f"data mode {modes}: no CCD in imaging mode"


@dataclass(frozen=True)
class OdfSummary:
    """A summary: the observation record, PATH, the files of the ODF, active instruments, exposures in the file's order."""

    obsid: str
    revolution: str
    start: str
    end: str
    path: str
    manifest: str
    files: tuple[str, ...]
    active: Mapping[str, bool]
    exposures: tuple[OdfExposure, ...]

    def of(self, instrument: str) -> list[OdfExposure]:
        """Return the exposures of an instrument."""
        return [exposure for exposure in self.exposures if exposure.instrument == instrument]

    def usable(self, instruments: Sequence[str] = (*EPIC, *RGS), unscheduled: bool = True) -> list[OdfExposure]:
        """Return the exposures that can be processed, with unscheduled ones by default."""
        fit = [exposure for exposure in self.exposures if exposure.instrument in instruments and not exposure.unusable]
        return [exposure for exposure in fit if exposure.scheduled or unscheduled]


def read_odf_summary(path: Path) -> OdfSummary:
    """Read a `*SUM.SAS`. StepFailedError `unreadableSummary` if it does not have odfingest's format."""
    return parse_odf_summary(path.read_text(encoding="ascii", errors="replace"), path.name)


def parse_odf_summary(text: str, name: str = "summary") -> OdfSummary:
    """Parse a summary. StepFailedError `unreadableSummary` if it contradicts itself.

    Source: SAS odfingest, 'The ODF summary file', and genuine files of odfingest 3.30 and 3.32.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    try:
        observation = _after(lines, "OBSERVATION", 4)
        count = int(_value(_after(lines, "FILES", 1)[0]))
        files = tuple(_value(line) for line in _after(lines, "FILES", 1 + count)[1:])
        active, exposures = _instruments(lines)
        obsid, revolution, start, end = map(_value, observation)
    except (ValueError, IndexError, KeyError) as error:
        raise StepFailedError("unreadableSummary", f"{name} is not a summary of odfingest: {error}") from None
    path = next((line.removeprefix("PATH ") for line in lines if line.startswith("PATH ")), "")
    manifest = next((_value(line.split(" = ")[1]) for line in lines if line.startswith("SAS_MANIFEST = ")), "")
    return OdfSummary(obsid, revolution, start, end, path, manifest, files, active, tuple(exposures))


def with_path(text: str, directory: Path) -> str:
    """Replace the PATH of a summary's text by `directory`, the current place of the ODF."""
    changed, count = re.subn(r"^PATH .*$", lambda _: f"PATH {directory}", text, count=1, flags=re.MULTILINE)
    return (
        changed
        if count
        else changed.replace("//\n// Observation Record", f"PATH {directory}\n//\n// Observation Record", 1)
    )


def _value(line: str) -> str:
    """Return the part of a line before its comment."""
    return line.split(" /")[0].strip()


def _after(lines: Sequence[str], title: str, count: int) -> list[str]:
    start = lines.index(title) + 1
    return [line for line in lines[start : start + count + 8] if not line.startswith("//")][:count]


def _instruments(lines: Sequence[str]) -> tuple[dict[str, bool], list[OdfExposure]]:
    active: dict[str, bool] = {}
    exposures: list[OdfExposure] = []
    for block in _blocks(lines, "INSTRUMENT"):
        instrument = block[0]
        head = _blocks(block, "EXPOSURE", first=True)[0]
        active[instrument] = head[1].startswith("Y")
        announced = next((int(_value(line)) for line in head if "Number of exposures" in line), 0)
        of_instrument = [_exposure(instrument, record) for record in _blocks(block, "EXPOSURE")]
        if len(of_instrument) != announced:
            raise ValueError(f"{instrument} has {len(of_instrument)} exposure records, announced were {announced}")
        exposures += of_instrument
    if not active:
        raise ValueError("it has no instrument record")
    return active, exposures


def _blocks(lines: Sequence[str], title: str, first: bool = False) -> list[list[str]]:
    """Return the groups of lines after each line that equals `title`; with `first`, also the lines before the first title."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line == title:
            blocks.append([])
        elif line in ("PROPOSAL", "DATA QUALITY"):
            break
        elif not line.startswith("//"):
            blocks[-1].append(line)
    return blocks if first else blocks[1:]


_IDENTIFIER = re.compile(r"Exposure Identifier \[also ([SU][0-9]{3})\]")
_DATA_MODE = re.compile(r"DATA_MODE_([0-9]{1,2}) = (.*)")


def _exposure(instrument: str, lines: Sequence[str]) -> OdfExposure:
    comments = {line.split(" / ", 1)[1]: _value(line) for line in lines if " / " in line}
    settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
    identifier = _IDENTIFIER.search("\n".join(lines))
    if identifier is None:
        raise ValueError(f"an exposure of {instrument} has no identifier such as [also S001]")
    modes = {int(match[1]): _value(match[2]) for line in lines if (match := _DATA_MODE.match(line))}
    return OdfExposure(
        instrument,
        identifier[1],
        comments["Is this a scheduled exposure?"] == "Y",
        comments["Exposure Type"],
        _value(settings.get("MODE", "")),
        _value(settings.get("FILTER", "")),
        comments["Actual Start Time"],
        comments["Actual End Time"],
        modes,
    )
