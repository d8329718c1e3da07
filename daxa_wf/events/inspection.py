"""Finds mistakes of an event list that can be read, in the pass that reads its events anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.findings import Finding

if TYPE_CHECKING:
    from daxa_wf.events.event_list import EventList

SLACK = 100.0
"""Seconds that events and good times may lie outside of TSTART and TSTOP; genuine lists keep within them."""

MOST_NAMED = 5
"""Largest number of wrong checksums that a warning names."""


class Inspection:
    """Counts mistakes of a list while its events are read; `finish` gives the verdict or the warnings.

    Raise UnfitDataError `badTimes` at once if TSTART and TSTOP cannot be those of an exposure.
    """

    def __init__(self, events: EventList) -> None:
        self.events = events
        self.tables: Counter[str] = Counter()
        self.checksums: list[tuple[str, str]] = []
        self.invalid_times = self.times_outside = 0
        self.detectors: set[int] = set()
        start, stop = events.time_range
        if not 0 < stop - start <= events.LONGEST:
            raise UnfitDataError(
                "badTimes",
                f"{events.path.name}: TSTART {start} and TSTOP {stop} are not those of an observation; expected at most "
                f"{events.LONGEST:.0f} s between them",
            )
        self._start, self._stop = start, stop

    def look(self, chunk: NDArray[Any]) -> None:
        """Take some of the events into account."""
        times = chunk["TIME"].astype(float)
        finite = np.isfinite(times)
        self.invalid_times += len(times) - int(np.count_nonzero(finite))
        outside = (times < self._start - SLACK) | (times > self._stop + SLACK)
        self.times_outside += int(np.count_nonzero(outside & finite))
        column = self.events.DETECTOR_COLUMN
        if column in self.events.column_names:
            self.detectors.update(int(number) for number in np.unique(chunk[column]))

    def finish(self) -> list[dict[str, str]]:
        """Return warnings for the record.

        UnfitDataError `twoEventTables`, or `badGoodTimes` if good times are not numbers, or far from the observation.
        """
        name = self.events.path.name
        table = self.events.TABLE
        if self.tables[table] > 1:
            raise UnfitDataError("twoEventTables", f"{name} has {self.tables[table]} tables {table}; expected one")
        problems = [*self._checksum_warnings(), *self._time_warnings(), *self._gti_warnings(), *self._table_warnings()]
        return [Finding(kind, f"{name}: {text}").warning("daxa_wf") for kind, text in problems]

    def _checksum_warnings(self) -> Iterator[tuple[str, str]]:
        for card, kind in (("DATASUM", "wrongDatasum"), ("CHECKSUM", "wrongChecksum")):
            texts = [text for wrong_card, text in self.checksums if wrong_card == card]
            more = f" (and {len(texts) - MOST_NAMED} more)" if len(texts) > MOST_NAMED else ""
            if texts:
                yield kind, f"{'; '.join(texts[:MOST_NAMED])}{more}: the file was changed after it was written"

    def _time_warnings(self) -> Iterator[tuple[str, str]]:
        rows = self.events.row_count
        if self.invalid_times:
            yield "invalidTimes", f"TIME of {self.invalid_times} of {rows} events is not a number: they are left out"
        if self.times_outside:
            yield "timesOutside", f"TIME of {self.times_outside} of {rows} events is not between TSTART and TSTOP"

    def _table_warnings(self) -> Iterator[tuple[str, str]]:
        tables = self.events.DETECTOR_TABLES
        selected = self.events.gtis
        for detector in sorted(self.detectors):
            for template, (kind, meaning) in tables.items():
                table = template.format(detector)
                has_times = kind == "missingGoodTimes" and detector in selected
                if not self.tables[table] and not has_times:
                    yield kind, f"{self.events.DETECTOR_COLUMN} {detector} has events, but no table {table}: {meaning}"
        twice = sorted(name for name, count in self.tables.items() if count > 1 and name in self.events.extension_names)
        if twice:
            yield "tableTwice", f"there is more than one table {', '.join(twice)}: the last of each is used"

    def _gti_warnings(self) -> Iterator[tuple[str, str]]:
        longest = self.events.LONGEST
        for table, start, stop in self.events.good_time_tables():
            bounds = np.concatenate([start, stop])
            far = (bounds < self._start - longest) | (bounds > self._stop + longest)
            if not np.all(np.isfinite(bounds)) or far.any():
                raise UnfitDataError(
                    "badGoodTimes",
                    f"{self.events.path.name}[{table}] has START or STOP that are not numbers, or far from the observation",
                )
            if np.any(stop < start):
                count = int(np.count_nonzero(stop < start))
                yield (
                    "reversedGoodTimes",
                    f"{table} has {count} intervals that stop before they start: they are left out",
                )
            if np.any((bounds < self._start - SLACK) | (bounds > self._stop + SLACK)):
                yield "goodTimesOutside", f"{table} has good times that are not between TSTART and TSTOP"


def inspect(lists: Sequence[EventList]) -> list[dict[str, str]]:
    """Read lists to their ends and return the warnings of Inspection.finish; its errors."""
    warnings = []
    for events in lists:
        inspection = Inspection(events)
        for _ in events.chunks(inspection=inspection):
            pass
        warnings += inspection.finish()
    return warnings
