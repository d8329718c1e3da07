"""Limits on everything that comes from servers and files, so that none of it can go on for ever or fill memory or disk.

They are generous: real archives stay far below. The section `limits` of the configuration changes them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

KB, MB, GB = 1000, 1000**2, 1000**3
ROUNDED_BY = 1.1
"""A listing such as Apache's rounds sizes to two digits, that is by 5 per cent at most."""


@dataclass(frozen=True)
class Limits:
    """Largest sizes in bytes, longest times in seconds, lowest speed in bytes a second."""

    listing: int = 20 * MB
    """A page of a listing or another small answer, decompressed. The largest real ones have some MB."""
    table: int = 1 * GB
    """A mission's table from a TAP service, decompressed. The largest real ones have some 200 MB."""
    answer_time: float = 3600.0
    """From a request to the end of a listing or table."""
    pages: int = 2000
    """Requests for the listing of one observation: directories of a tree, pages of a bucket."""
    entries: int = 200_000
    """Files of one observation's listing, or members of a tar file."""
    depth: int = 12
    """Directories within one another, in a listing or a mirror."""
    file: int = 200 * GB
    """One download whose size no listing gives."""
    unpacked: int = 1 * GB
    """What a compressed file or a tar file may always unpack to, however small it is."""
    ratio: int = 200
    """Beyond that, how many times its size a compressed file or a tar file may unpack to."""
    header: int = 30 * MB
    """A FITS header, or the header of a member of a tar file. A FITS card has 80 bytes."""
    speed: float = 100.0
    """A transfer that is slower on average over `speed_time` is broken off."""
    speed_time: float = 120.0
    """Time over which the speed is measured."""
    retry_after: float = 900.0
    """The longest wait that a server may ask for (Retry-After); if it asks for more, it is given up."""

    def unpacked_from(self, size: int) -> int:
        """Return the bytes that a compressed file or tar file of a size may unpack to."""
        return self.unpacked + self.ratio * size

    def transferred_from(self, listed: int | None, exact: bool) -> int:
        """Return the bytes that a download may have, given the size in a listing (None: not known) and its exactness."""
        if listed is None:
            return self.file
        return listed if exact else int(listed * ROUNDED_BY) + 1024


class TooSlowError(Exception):
    """A transfer has been slower than the limit for longer than the limit."""


class SpeedGauge:
    """Measures a transfer over successive windows of time. TooSlowError if one of them brought too little."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._started, self._count = clock(), 0

    def add(self, count: int) -> None:
        """Count bytes that have arrived."""
        self._count += count
        elapsed = self._clock() - self._started
        if elapsed < self._limits.speed_time:
            return
        if self._count < self._limits.speed * elapsed:
            raise TooSlowError(f"{self._count} bytes in {elapsed:.0f} s, slower than {self._limits.speed:g} B/s")
        self._started, self._count = self._clock(), 0
