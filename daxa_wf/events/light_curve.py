"""Light curves: counts in equal bins from TSTART on, as SAS's evselect makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.event_list import EventList
from daxa_wf.events.gti import Intervals, overlap
from daxa_wf.events.time_system import TimeSystem
from daxa_wf.fits.new_hdus import NewColumn, NewHdu, table_hdu

if TYPE_CHECKING:
    from daxa_wf.events.inspection import Inspection


@dataclass(frozen=True)
class LightCurve:
    """Counts in equal bins from `start`; times in seconds of the list's time system, `counts` of shape (bins,)."""

    start: float
    bin_size: float
    counts: NDArray[np.int64]

    @property
    def edges(self) -> NDArray[Any]:
        """Return the edges of the bins, shape (bins + 1,)."""
        return self.start + self.bin_size * np.arange(len(self.counts) + 1)

    @property
    def centres(self) -> NDArray[Any]:
        """Return the centres of the bins, shape (bins,): the TIME of a rate table."""
        return self.start + self.bin_size * (np.arange(len(self.counts)) + 0.5)

    @property
    def rate(self) -> NDArray[Any]:
        """Return the counts a second of bin, whatever part of the bin was observed."""
        return (self.counts / self.bin_size).astype(np.float64)

    @property
    def error(self) -> NDArray[Any]:
        """Return the square root of the counts, a second of bin; 0 where the bin is empty."""
        return (np.sqrt(self.counts) / self.bin_size).astype(np.float64)

    def rebinned(self, factor: int) -> LightCurve:
        """Return the curve in bins `factor` times as long, from the same start; the last one may be filled in part."""
        padded = np.pad(self.counts, (0, -len(self.counts) % factor))
        return LightCurve(self.start, self.bin_size * factor, padded.reshape(-1, factor).sum(axis=1))

    def exposed(self, intervals: Intervals) -> NDArray[np.float64]:
        """Return the good seconds within each bin, shape (bins,)."""
        edges = self.edges
        return overlap(intervals, edges[:-1], edges[1:])


def number_of_bins(start: float, stop: float, bin_size: float) -> int:
    """Return the number of bins from `start` that reach `stop`; the last one may end later (SAS evselect)."""
    return max(1, int(np.ceil((stop - start) / bin_size)))


def light_curves(
    events: EventList,
    expressions: Mapping[str, str],
    bin_size: float,
    also: Callable[[NDArray[Any]], None] | None = None,
    inspection: Inspection | None = None,
) -> dict[str, LightCurve]:
    """Return one curve for each expression, by name, from TSTART to TSTOP in one pass over the list.

    `bin_size` in seconds. `also` is called with every chunk of the list, and an inspection sees it too.

    >>> from daxa_wf.events.examples import write_example
    >>> events = EventList.open(write_example())
    >>> curve = light_curves(events, {"hard": "PI > 5000"}, bin_size=100.0)["hard"]
    >>> curve.counts.tolist()
    [49, 49, 48, 50, 52, 52, 49, 48, 48, 52]
    >>> float(curve.rate[0]), float(curve.centres[0] - curve.start)
    (0.49, 50.0)
    """
    bound = {name: events.bind(text) for name, text in expressions.items()}
    start, stop = events.time_range
    bins = number_of_bins(start, stop, bin_size)
    counts = {name: np.zeros(bins, np.int64) for name in bound}
    for chunk in events.chunks(inspection=inspection):
        if also is not None:
            also(chunk)
        times = chunk["TIME"].astype(float)
        for name, condition in bound.items():
            counts[name] += counts_in_bins(times[condition.mask(chunk)], start, bin_size, bins)
    return {name: LightCurve(start, bin_size, counted) for name, counted in counts.items()}


def counts_in_bins(times: NDArray[np.float64], start: float, bin_size: float, bins: int) -> NDArray[np.int64]:
    """Return the events in each bin from `start`; times (any order) outside the bins, or NaN, are not counted.

    Source: SAS evselect, 'Rate'.
    """
    position = (times - start) / bin_size
    inside = (position >= 0) & (position < bins)
    return np.bincount(position[inside].astype(np.int64), minlength=bins)


def rate_table(curve: LightCurve, stop: float, intervals: Intervals, times: TimeSystem) -> NewHdu:
    """Return an OGIP RATE table: TIME (bin centre), RATE and ERROR in count/s, FRACEXP (OGIP 93-003).

    `stop` is the end of the exposure, `intervals` its good time.
    """
    columns: list[NewColumn] = [
        ("RATE", "D", "count/s", curve.rate),
        ("ERROR", "D", "count/s", curve.error),
        ("TIME", "D", "s", curve.centres),
        ("FRACEXP", "E", "", curve.exposed(intervals) / curve.bin_size),
    ]
    table = table_hdu(columns, "RATE")
    table.header.extend(
        [
            ("HDUCLASS", "OGIP", "format conforms to OGIP standard"),
            ("HDUCLAS1", "LIGHTCURVE", "table contains a light curve"),
            ("HDUCLAS2", "TOTAL", "source and background"),
            ("HDUCLAS3", "RATE", "rates, not counts"),
            ("HDUVERS1", "1.1.0", "version of the format"),
            ("TSTART", curve.start, "[s] start of the first bin"),
            ("TSTOP", stop, "[s] end of the exposure"),
            ("TIMEDEL", curve.bin_size, "[s] length of a bin"),
            *times.cards,
            ("TIMEZERO", 0.0, "[s] clock correction"),
            ("BACKAPP", False, "background is not subtracted"),
            ("DEADAPP", False, "dead time is not corrected"),
            ("VIGNAPP", False, "vignetting is not corrected"),
        ]
    )
    return table
