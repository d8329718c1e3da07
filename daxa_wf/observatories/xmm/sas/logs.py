"""Read the logs of SAS tasks: the numbers that espfilt prints, and emanom's verdicts on CCDs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from daxa_wf.tools.messages import log_lines

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
"""Lines of espfilt 4.3: name of the number (rates in count/s) -> pattern and type; two groups make a pair."""
_SELECTED = re.compile(r"^evselect:- selected ([0-9]{1,18}) rows", re.MULTILINE)
_FIT_RANGE = re.compile(rf"(pre-|\dnd |\drd )amoeba: low ={_COUNT} peak ={_COUNT} high ={_COUNT}")
_FIT_RESULT = re.compile(rf"\d\w\w rl ={_NUMBER}{_NUMBER}{_NUMBER}")


def espfilt_log(text: str) -> dict[str, Any]:
    """Return the numbers in espfilt's standard output: bins, limits, each fit's range and result, and the last fit.

    Numbers that the log lacks are left out. `selected_rows` lists the rows that each evselect kept, in order.
    """
    text = "\n".join(log_lines(text))
    numbers: dict[str, Any] = {}
    for name, (pattern, number) in _ESPFILT.items():
        match = re.search(pattern, text)
        if match is not None:
            values = [number(group) for group in match.groups()]
            numbers[name] = values if len(values) > 1 else values[0]
    numbers["selected_rows"] = [int(count) for count in _SELECTED.findall(text)]
    ranges = [[int(bound) for bound in groups[1:]] for groups in _FIT_RANGE.findall(text)]
    results = [[float(value) for value in groups] for groups in _FIT_RESULT.findall(text)]
    numbers["fits"] = [{"range": span, "result": fit} for span, fit in zip(ranges, results, strict=False)]
    return numbers


ANOMALY_STATES = {"G": "good", "I": "intermediate", "B": "bad", "O": "off", "U": "undetermined"}
"""emanom's verdicts on a CCD."""
_CCD_STATE = re.compile(r"CCD:\s*([0-9]{1,2})\s+Hard.*?Status:\s*([A-Z])\b")


def emanom_log(text: str) -> dict[int, str]:
    """Map CCD numbers to states (keys of ANOMALY_STATES), from a log of emanom. ValueError if it names no CCD.

    Source: the anchors 'CCD: ', ' Hard' and 'Status: ', which DAXA reads too. The rest of a line may have any form.
    """
    states = {int(ccd): state for ccd, state in _CCD_STATE.findall("\n".join(log_lines(text)))}
    if not states:
        raise ValueError("the log of emanom names no CCD")
    unknown = set(states.values()) - set(ANOMALY_STATES)
    if unknown:
        raise ValueError(f"the log of emanom has unknown states {', '.join(sorted(unknown))}")
    return states


def acceptable_ccds(
    states: Mapping[int, str], acceptable: Iterable[str], ccds: Iterable[int] = range(1, 8)
) -> list[int]:
    """Return the CCDs to keep: all of `ccds` except those with a state that is not `acceptable`.

    emanom judges CCDs by their unexposed corners. The central CCD has none: it is never judged and always kept.
    """
    accepted = set(acceptable)
    return [ccd for ccd in ccds if states.get(ccd) is None or states[ccd] in accepted]
