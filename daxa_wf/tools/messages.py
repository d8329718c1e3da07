"""What SAS and eSASS tasks print: messages, the numbers of espfilt's log, emanom's verdicts on CCDs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MESSAGE = re.compile(r"^\*\* (\S+): (message|warning|error|fatal)(?: \(([^)]*)\))?,? ?(.*)$")
_SUMMARISED = re.compile(r"warning (\S+) silently occurred ([0-9]{1,18}) times")
SUMMARY = "SummaryOfWarnings"


@dataclass(frozen=True)
class Message:
    """One message: the task it comes from, level, name ('' if it has none), text, how often it occurred."""

    task: str
    level: str
    name: str
    text: str
    count: int = 1

    @property
    def is_error(self) -> bool:
        """True if the task gave up because of it."""
        return self.level in ("error", "fatal")

    @property
    def as_record(self) -> dict[str, str]:
        """As records hold warnings and errors."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        return {"task": self.task, "name": self.name, "text": self.text + times}


def sas_messages(text: str) -> list[Message]:
    """The messages in what SAS tasks printed, in order; names are kept whether known or not.

    Indented lines continue the message before them; a summary of warnings becomes one warning for each that it lists.
    Source: SAS Users Guide, 'Error handling'; formats of genuine logs.
    """
    messages: list[Message] = []
    for task, level, name, words in _joined(_lines(text)):
        listed = _SUMMARISED.findall(words) if name == SUMMARY else []
        if listed:
            messages += [
                Message(task, level, warning, "further ones, not printed", int(count)) for warning, count in listed
            ]
        else:
            messages.append(Message(task, level, name, words))
    return messages


LONGEST_LINE = 4000
"""Characters of a line of a log that are looked at; tasks print some 200."""


def _lines(text: str) -> list[str]:
    """Return the lines of a log, each cut to a length within which patterns are searched for quickly."""
    return [line[:LONGEST_LINE] for line in text.splitlines()]


def _joined(lines: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    current: list[str] | None = None
    for line in lines:
        match = _MESSAGE.match(line)
        if match is not None:
            if current:
                yield current[0], current[1], current[2], current[3].strip()
            current = [group or "" for group in match.groups()]
        elif current and line[:1].isspace() and line.strip():
            current[3] += f" {line.strip()}"
        elif current:
            yield current[0], current[1], current[2], current[3].strip()
            current = None
    if current:
        yield current[0], current[1], current[2], current[3].strip()


def says_done(text: str, done_line: str) -> bool:
    """True if the last line that a task of eSASS printed is its `TASK: DONE`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bool(lines) and lines[-1] == done_line


_NUMBER = r"\s{0,40}(-?(?:[0-9]{1,18}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:E[+-]?[0-9]{1,3})?)"
_COUNT = r"\s{0,40}([0-9]{1,18})(?![0-9.E])"
_ESPFILT: Mapping[str, tuple[str, type]] = {
    "light_curve_rows": (rf"CLEAN_LC: There are{_COUNT}\s+rows in the FOV LC", int),
    "limits": (rf"plim\(1:2\) ={_NUMBER}{_NUMBER}", float),
    "max_bins": (rf"sortarray max bins    ={_COUNT}", int),
    "bin_width": (rf"histo binwidth ={_NUMBER}", float),
    "bins": (rf"sortarray actual bins \(nverls\) ={_COUNT}", int),
    "min_rate": (rf"min LC value={_NUMBER}", float),
    "max_rate": (rf"max LC value ={_NUMBER}", float),
    "above_immediate": (rf"H_IMME ={_NUMBER}", float),
    "above_total": (rf"H_TOTL ={_NUMBER}", float),
    "below_immediate": (rf"L_IMME ={_NUMBER}", float),
    "below_total": (rf"L_TOTL ={_NUMBER}", float),
    "norm": (rf"WRITE_QDP_GTI: Norm ={_NUMBER}", float),
    "width": (rf"WRITE_QDP_GTI:.*Width ={_NUMBER}", float),
    "centre": (rf"WRITE_QDP_GTI:.*Center ={_NUMBER}", float),
}
"""What espfilt 4.3 prints: name of the number (rates in count/s) -> pattern and type; two groups make a pair."""
_SELECTED = re.compile(r"^evselect:- selected ([0-9]{1,18}) rows", re.MULTILINE)
_FIT_RANGE = re.compile(rf"(pre-|\dnd |\drd )amoeba: low ={_COUNT} peak ={_COUNT} high ={_COUNT}")
_FIT_RESULT = re.compile(rf"\d\w\w rl ={_NUMBER}{_NUMBER}{_NUMBER}")


def espfilt_log(text: str) -> dict[str, Any]:
    """The numbers in espfilt's standard output: bins, limits, each fit's range and result, and the last fit.

    What is not there is left out. `selected_rows`: rows that each evselect kept, in order.
    """
    text = "\n".join(_lines(text))
    numbers: dict[str, Any] = {}
    for name, (pattern, number) in _ESPFILT.items():
        match = re.search(pattern, text)
        if match is not None:
            values = [number(group) for group in match.groups()]
            numbers[name] = values if len(values) > 1 else values[0]
    numbers["selected_rows"] = [int(count) for count in _SELECTED.findall(text)]
    ranges = [[int(each) for each in found[1:]] for found in _FIT_RANGE.findall(text)]
    results = [[float(each) for each in found] for found in _FIT_RESULT.findall(text)]
    numbers["fits"] = [{"range": span, "result": fit} for span, fit in zip(ranges, results, strict=False)]
    return numbers


ANOMALY_STATES = {"G": "good", "I": "intermediate", "B": "bad", "O": "off", "U": "undetermined"}
"""emanom's verdicts on a CCD."""
_CCD_STATE = re.compile(r"CCD:\s*([0-9]{1,2})\s+Hard.*?Status:\s*([A-Z])\b")


def emanom_log(text: str) -> dict[int, str]:
    """CCD number -> state (a key of ANOMALY_STATES) in a log of emanom; ValueError if it names no CCD.

    Source: the anchors 'CCD: ', ' Hard' and 'Status: ' that DAXA reads; the rest of the line is not relied upon.
    """
    states = {int(ccd): state for ccd, state in _CCD_STATE.findall("\n".join(_lines(text)))}
    if not states:
        raise ValueError("the log of emanom names no CCD")
    unknown = set(states.values()) - set(ANOMALY_STATES)
    if unknown:
        raise ValueError(f"the log of emanom has states {', '.join(sorted(unknown))}, which are not known")
    return states


def acceptable_ccds(
    states: Mapping[int, str], acceptable: Iterable[str], ccds: Iterable[int] = range(1, 8)
) -> list[int]:
    """The CCDs to keep: all of `ccds` but those that emanom gave a state that is not `acceptable`.

    emanom judges CCDs by their unexposed corners, so that the central one is never judged and always kept.
    """
    accepted = set(acceptable)
    return [ccd for ccd in ccds if states.get(ccd) is None or states[ccd] in accepted]
