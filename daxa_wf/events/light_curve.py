"""Light curves as SAS's evselect makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.expression import kinds_of, parse
from daxa_wf.events.gti import Intervals, overlap
from daxa_wf.fits.headers import Card, describe
from daxa_wf.observatories.xmm.native.event_list import EventList

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.native.inspection import Inspection


@dataclass(frozen=True)
class LightCurve:
    """Counts in equal bins from `start`; times in seconds of the list's time system, `counts` of shape (bins,)."""

    start: float
    bin_size: float
    counts: NDArray[np.int64]

    @property
    def edges(self) -> NDArray[Any]:
        """Edges of the bins, shape (bins + 1,)."""
        return self.start + self.bin_size * np.arange(len(self.counts) + 1)

    @property
    def centres(self) -> NDArray[Any]:
        """Centres of the bins: the TIME that evselect writes."""
        return self.start + self.bin_size * (np.arange(len(self.counts)) + 0.5)

    @property
    def rate(self) -> NDArray[Any]:
        """Counts a second of bin, whatever part of the bin was observed."""
        return (self.counts / self.bin_size).astype(np.float64)

    @property
    def error(self) -> NDArray[Any]:
        """Square root of the counts a second; 0 for no counts."""
        return (np.sqrt(self.counts) / self.bin_size).astype(np.float64)

    def rebinned(self, factor: int) -> LightCurve:
        """Bins `factor` times as long, from the same start; the last one may be filled in part."""
        padded = np.pad(self.counts, (0, -len(self.counts) % factor))
        return LightCurve(self.start, self.bin_size * factor, padded.reshape(-1, factor).sum(axis=1))

    def exposed(self, intervals: Intervals) -> NDArray[np.float64]:
        """Good seconds within each bin, shape (bins,)."""
        edges = self.edges
        return overlap(intervals, edges[:-1], edges[1:])


def number_of_bins(start: float, stop: float, bin_size: float) -> int:
    """Bins from `start` that reach `stop` (evselect: the last one may stick out)."""
    return max(1, int(np.ceil((stop - start) / bin_size)))


def light_curves(
    events: EventList,
    expressions: Mapping[str, str],
    bin_size: float,
    also: Callable[[NDArray[Any]], None] | None = None,
    inspection: Inspection | None = None,
) -> dict[str, LightCurve]:
    """Return one curve for each expression, from TSTART to TSTOP, in one pass over the list.

    `also` gets every chunk of it, and the list may be inspected too.
    """
    bound = {
        name: parse(text).bind(events.header, events.column_names, kinds=kinds_of(events.dtype))
        for name, text in expressions.items()
    }
    start, stop = events.time_range
    bins = number_of_bins(start, stop, bin_size)
    counts = {name: np.zeros(bins, np.int64) for name in bound}
    for chunk in events.chunks(inspection=inspection):
        if also is not None:
            also(chunk)
        times = chunk["TIME"].astype(float)
        for name, each in bound.items():
            counts[name] += counts_in_bins(times[each.mask(chunk)], start, bin_size, bins)
    return {name: LightCurve(start, bin_size, counted) for name, counted in counts.items()}


def counts_in_bins(times: NDArray[np.float64], start: float, bin_size: float, bins: int) -> NDArray[np.int64]:
    """Return the events in each bin from `start`; times (any order) outside the bins, or NaN, are not counted.

    Source: SAS evselect, 'Rate'.
    """
    position = (times - start) / bin_size
    inside = (position >= 0) & (position < bins)
    return np.bincount(position[inside].astype(np.int64), minlength=bins)


def rate_table(curve: LightCurve, stop: float, intervals: Intervals) -> Any:
    """An OGIP RATE table as an astropy HDU: TIME (bin centre), RATE and ERROR in count/s, FRACEXP (OGIP 93-003)."""
    from astropy.io import fits

    columns = [
        fits.Column("RATE", "D", unit="count/s", array=curve.rate),
        fits.Column("ERROR", "D", unit="count/s", array=curve.error),
        fits.Column("TIME", "D", unit="s", array=curve.centres),
        fits.Column("FRACEXP", "E", array=curve.exposed(intervals) / curve.bin_size),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="RATE")
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
            ("TIMEUNIT", "s", "all times in s"),
            ("TIMESYS", "TT", "XMM time is TT (Terrestrial Time)"),
            ("TIMEREF", "LOCAL", "reference location of photon arrival times"),
            ("MJDREF", 50814.0, "[d] 1998-01-01T00:00:00 (TT) in MJD"),
            ("TIMEZERO", 0.0, "[s] clock correction"),
            ("BACKAPP", False, "background is not subtracted"),
            ("DEADAPP", False, "dead time is not corrected"),
            ("VIGNAPP", False, "vignetting is not corrected"),
        ]
    )
    return table


def write_light_curve(path: Path, tables: Sequence[Any], history: str, identity: Sequence[Card] = ()) -> None:
    """Write RATE and other tables to a file of their own, with checksums; `identity`: cards of what they are of."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    for hdu in (primary, *tables):
        hdu.header.extend(identity)
        describe(hdu.header, history)
    fits.HDUList([primary, *tables]).writeto(path, checksum=True, overwrite=True)
