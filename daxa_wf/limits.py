"""Limits on data from servers and files, which keep a single answer from running for ever or filling memory or disk.

Real data centres stay far below them. The section `limits` of the configuration changes them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

KB, MB, GB = 1000, 1000**2, 1000**3
ROUNDED_BY = 1.1
"""Allowance for listings such as Apache's, which round sizes to two digits: by 5 per cent at most."""


@dataclass(frozen=True)
class Limits:
    """Largest sizes in bytes, longest times in seconds, lowest speed in bytes a second."""

    listing: int = 20 * MB
    """A page of a listing or another small answer, decompressed. The largest real pages have some MB."""
    table: int = 1 * GB
    """A mission's table from a TAP service, decompressed. The largest real tables have some 200 MB."""
    answer_time: float = 3600.0
    """From a request to the end of a listing or table."""
    pages: int = 2000
    """Requests for the listing of one observation: directories of a tree, pages of a bucket."""
    entries: int = 200_000
    """Files of one observation's listing, or members of a tar file."""
    depth: int = 12
    """Depth of directories in a listing or a mirror."""
    file: int = 200 * GB
    """A download that no listing gives a size for."""
    unpacked: int = 1 * GB
    """Unpacked size that every compressed file or tar file may have, however small it is."""
    ratio: int = 200
    """Further unpacked size of a compressed file or a tar file, in units of its packed size."""
    header: int = 30 * MB
    """A FITS header, or the header of a member of a tar file. A FITS card has 80 bytes."""
    speed: float = 100.0
    """Lowest average speed of a transfer over `speed_time`. A slower transfer is stopped."""
    speed_time: float = 120.0
    """Time over which the speed is measured."""
    retry_after: float = 900.0
    """Longest wait that a server may ask for (Retry-After). A server that asks for more is given up."""

    def unpacked_from(self, size: int) -> int:
        """Return the largest unpacked size of a compressed file or tar file with a packed size, in bytes.

        >>> Limits(unpacked=1000, ratio=10).unpacked_from(50)
        1500
        """
        return self.unpacked + self.ratio * size

    def transferred_from(self, listed: int | None, exact: bool) -> int:
        """Return the largest size of a download in bytes, given the size in a listing (None: unknown) and its exactness."""
        if listed is None:
            return self.file
        return listed if exact else int(listed * ROUNDED_BY) + 1024


class TooSlowError(Exception):
    """A transfer was slower than the limit."""


class SpeedGauge:
    """A gauge that measures a transfer over successive windows of time."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._started, self._count = clock(), 0

    def add(self, count: int) -> None:
        """Count bytes that have arrived. TooSlowError if a window of time ends with too few bytes."""
        self._count += count
        elapsed = self._clock() - self._started
        if elapsed < self._limits.speed_time:
            return
        if self._count < self._limits.speed * elapsed:
            raise TooSlowError(f"{self._count} bytes in {elapsed:.0f} s, slower than {self._limits.speed:g} B/s")
        self._started, self._count = self._clock(), 0
