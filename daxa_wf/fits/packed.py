"""Compressed files as streams, with a limit to the size that they may unpack to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from daxa_wf.errors import CorruptFileError, Fault
from daxa_wf.files import gzip_errors
from daxa_wf.fits.blocks import CHUNK
from daxa_wf.limits import Limits

DEFAULTS: Final = Limits()


class _BoundedStream:
    """A decompressed stream that raises CorruptFileError if it is damaged, or grows beyond its limit."""

    def __init__(self, stream: Any, limit: int, name: str) -> None:
        self._stream, self._left, self._limit = stream, limit, limit
        # The name of the file to be, where this is a part of it.
        self._name = name.removeprefix(".").removesuffix(".part")

    def read(self, size: int = -1) -> bytes:
        data = self._guarded(self._stream.read, min(size, CHUNK) if size >= 0 else CHUNK)
        self._left -= len(data)
        if self._left < 0:
            raise CorruptFileError(f"{self._name} unpacks to more than {self._limit} bytes: refused (see `limits`)")
        return data

    def peek(self, size: int) -> bytes:
        return self._guarded(self._stream.peek, size)

    def _guarded(self, read: Callable[[int], bytes], size: int) -> bytes:
        """Return the bytes that are read; CorruptFileError for any error by which decompressors report damage."""
        try:
            return bytes(read(size))
        except gzip_errors() as error:
            raise CorruptFileError(f"{self._name} is damaged or cut off: {error}") from None

    def __enter__(self) -> _BoundedStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def open_gzip(path: Path, limits: Limits = DEFAULTS) -> Any:
    """Open the content of a gzip file as a stream, within the limits of its size."""
    return limited_gzip(path, limits.unpacked_from(path.stat().st_size), path.name)


def limited_gzip(packed: Path | Any, limit: int, name: str) -> Any:
    """Open the content of a gzip file or stream as a stream; CorruptFileError once it has grown beyond `limit` bytes."""
    import io

    from isal import igzip

    return _BoundedStream(io.BufferedReader(igzip.open(packed, "rb"), CHUNK), limit, name)


@contextmanager
def open_compress(path: Path, limits: Limits = DEFAULTS) -> Iterator[Any]:
    """Open the content of an LZW file (`.Z`) as a stream, by the program gzip, because cfitsio may crash on a damaged one.

    Raise Fault if the program is not installed, CorruptFileError if it finds the file damaged.
    """
    program = shutil.which("gzip")
    if program is None:
        raise Fault(f"{path.name}: reading .Z files needs the program gzip; install it")
    limit = limits.unpacked_from(path.stat().st_size)
    with subprocess.Popen(
        [program, "-dc", "--", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        try:
            yield _BoundedStream(process.stdout, limit, path.name)
        finally:
            process.kill()
        complaint = process.stderr.read() if process.stderr else b""
        if complaint:
            raise CorruptFileError(f"{path.name} is damaged or cut off: {complaint.decode(errors='replace').strip()}")
