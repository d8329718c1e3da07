"""Is a downloaded file what its name promises, and complete: FITS, gzip, LZW, tar; never a page of HTML."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from daxa_wf.errors import CorruptFileError, Fault
from daxa_wf.files import gzip_errors
from daxa_wf.limits import Limits

DEFAULTS: Final = Limits()
LARGEST_FILE: Final = 2**63
"""Bytes; no file system has larger ones, and no stream can be moved further."""
BLOCK: Final = 2880
END_CARD: Final = b"END".ljust(80)
CHUNK: Final = 4 * 1024 * 1024
GZIP_MAGIC: Final = b"\x1f\x8b"
MAGIC: Final = {GZIP_MAGIC: "gzip", b"\x1f\x9d": "compress", b"SIMPLE  =": "fits"}
FITS_NAMES = re.compile(
    r"\.(fits?|ftz|evt|img|ds|pha|pi|arf|rmf|lc|hk|attorb|totsky|totexpo|gti|mkf|orb)(\.gz|\.Z)?$", re.I
)
"""Names that promise FITS. What else there is (logs, pages, pictures) is only held against its size."""
MARKUP = re.compile(rb"\s*(<!doctype html|<html|<\?xml[^>]*>\s*<!doctype html)", re.I)
MARKUP_NAMES = (".html", ".htm")


def check_content(path: Path, name: str | None = None, limits: Limits = DEFAULTS) -> str:
    """What kind of file it is, read to its end; CorruptFileError says what is wrong. `name` is what it will be called.

    FITS is followed through every header to the last HDU; where an HDU has a CHECKSUM it is computed (FITS standard 4.0,
    appendix J). gzip is read to its own CRC, tar to its closing blocks. What goes beyond the limits is refused.
    """
    with path.open("rb") as stream:
        return check_stream(stream, path, name or path.name, limits)


def check_stream(stream: IO[bytes], path: Path, name: str, limits: Limits = DEFAULTS) -> str:
    """As check_content, of a file that is open at its beginning, or in memory."""
    head = stream.read(512)
    if MARKUP.match(head) and not name.lower().endswith(MARKUP_NAMES):
        raise CorruptFileError(f"{name} is a page of HTML, not the file; the archive may be closed or want a login")
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")
    if not kind and head[257:262] == b"ustar":
        kind = "tar"
    promised = bool(FITS_NAMES.search(name))
    if promised and not kind:
        raise CorruptFileError(f"{name} is no FITS file: it begins with {head[:12]!r}")
    stream.seek(0)
    try:
        return _READERS[kind](stream, path, name, promised, limits) if kind else "other"
    except (EOFError, OSError, ValueError, OverflowError, tarfile.TarError) as error:
        raise CorruptFileError(f"{name} is damaged or cut off: {error}") from None


def _fits(stream: IO[bytes], path: Path, name: str, promised: bool, limits: Limits) -> str:  # noqa: ARG001 - one of _READERS
    walk_fits(stream, name, limits)
    return "fits"


def _gzip(_: IO[bytes], path: Path, name: str, promised: bool, limits: Limits) -> str:
    with open_gzip(path, limits) as stream:
        head = stream.peek(512)[:512]
        if head[257:262] == b"ustar":
            read_tar(stream, name, limits)
            return "tar.gz"
        if head.startswith(b"SIMPLE  ="):
            walk_fits(stream, name, limits)
            kind = "fits.gz"
        elif promised:
            raise CorruptFileError(f"{name} is no FITS file: unpacked it begins with {head[:12]!r}")
        else:
            kind = "gzip"
        while stream.read(CHUNK):
            pass
        return kind


def _compress(_: IO[bytes], path: Path, name: str, promised: bool, limits: Limits) -> str:
    """LZW (`.Z`) has no checksum, so the FITS in it is followed to its end."""
    if not promised:
        return "compress"
    with open_compress(path, limits) as stream:
        walk_fits(stream, name, limits)
        while stream.read(CHUNK):
            pass
    return "fits.Z"


def _tar(stream: IO[bytes], path: Path, name: str, promised: bool, limits: Limits) -> str:  # noqa: ARG001 - one of _READERS
    read_tar(stream, name, limits)
    return "tar"


_READERS = {"fits": _fits, "gzip": _gzip, "compress": _compress, "tar": _tar}


class _Counted:
    """A decompressed stream: CorruptFileError where it is damaged, or has grown beyond what it may."""

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
        """Return what is read; CorruptFileError if the decompressor finds the stream damaged, by whatever name."""
        try:
            return bytes(read(size))
        except gzip_errors() as error:
            raise CorruptFileError(f"{self._name} is damaged or cut off: {error}") from None

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def open_gzip(path: Path, limits: Limits = DEFAULTS) -> Any:
    """A gzip file's content as a stream, with an end to what it may grow to."""
    return limited_gzip(path, limits.unpacked_from(path.stat().st_size), path.name)


def limited_gzip(packed: Path | Any, limit: int, name: str) -> Any:
    """The content of a gzip file or stream as a stream; CorruptFileError once it has grown beyond `limit` bytes."""
    import io

    from isal import igzip

    return _Counted(io.BufferedReader(igzip.open(packed, "rb"), CHUNK), limit, name)


@contextmanager
def open_compress(path: Path, limits: Limits = DEFAULTS) -> Iterator[Any]:
    """What an LZW file (`.Z`) holds, as a stream, by the program gzip: cfitsio may crash on a damaged one.

    Fault if there is no such program; CorruptFileError if it finds the file damaged.
    """
    program = shutil.which("gzip")
    if program is None:
        raise Fault(f"{path.name}: reading .Z files needs the program gzip; install it")
    limit = limits.unpacked_from(path.stat().st_size)
    with subprocess.Popen(
        [program, "-dc", "--", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        try:
            yield _Counted(process.stdout, limit, path.name)
        finally:
            process.kill()
        said = process.stderr.read() if process.stderr else b""
        if said:
            raise CorruptFileError(f"{path.name} is damaged or cut off: {said.decode(errors='replace').strip()}")


def walk_fits(stream: IO[bytes] | Any, name: str, limits: Limits = DEFAULTS) -> int:
    """Follow the HDUs of a FITS stream to the last; how many. CorruptFileError if one is cut off or fails its CHECKSUM."""
    count = 0
    while True:
        header = _header(stream, name, count, limits.header // BLOCK)
        if header is None:
            return count
        checked = "CHECKSUM" in header.cards and header.cards["CHECKSUM"].strip()
        total = _add(0, header.raw) if checked else 0
        size = header.data_bytes
        left = -(-size // BLOCK) * BLOCK
        if not checked and hasattr(stream, "seek"):
            _skip(stream, left, size, name, count)
        else:
            total = _read_data(stream, left, size, total, name, count)
        if checked and total not in (0, 0xFFFFFFFF):
            raise CorruptFileError(f"{name}: HDU {count} fails its own CHECKSUM")
        count += 1


def _skip(stream: IO[bytes], padded: int, size: int, name: str, count: int) -> None:
    start = stream.tell()
    end = stream.seek(0, 2)
    if end < start + size:
        raise CorruptFileError(f"{name} is cut off in the data of HDU {count}: {start + size - end} bytes are missing")
    stream.seek(min(start + padded, end))


def _read_data(stream: Any, padded: int, size: int, total: int, name: str, count: int) -> int:
    done = 0
    while done < padded:
        chunk = _exactly(stream, min(CHUNK, padded - done))
        if not chunk:
            break
        total = _add(total, chunk)
        done += len(chunk)
    if done < size:
        raise CorruptFileError(f"{name} is cut off in the data of HDU {count}: {size - done} bytes are missing")
    return total


def _exactly(stream: Any, size: int) -> bytes:
    parts, left = [], size
    while left:
        part = stream.read(left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _add(total: int, data: bytes) -> int:
    """Return the checksum of what was summed before and of further data, whose length is a multiple of 4 but at the end."""
    from daxa_wf.fits.checksums import DataSum, fold

    sums = DataSum()
    sums.update(data)
    return fold(total + sums.value)


class _Header:
    """The cards of a header that say how much data follows."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        cards = (raw[at : at + 80].decode("ascii", "replace") for at in range(0, len(raw), 80))
        pairs = (card.split("=", 1) for card in cards if card[8:10] == "= ")
        self.cards = {key.strip(): value.split("/")[0].strip(" '") for key, value in pairs}

    @property
    def data_bytes(self) -> int:
        cards = self.cards
        axes = [int(cards[f"NAXIS{axis}"]) for axis in range(1, int(cards["NAXIS"]) + 1)]
        if not axes:
            return 0
        if axes[0] == 0 and cards.get("GROUPS") == "T":
            axes = axes[1:]
        pixels = 1
        for length in axes:
            pixels *= length
        size = abs(int(cards["BITPIX"])) // 8 * int(cards.get("GCOUNT", 1)) * (int(cards.get("PCOUNT", 0)) + pixels)
        if not 0 <= size < LARGEST_FILE or min(axes) < 0:
            raise ValueError(f"it claims {size} bytes of data")
        return size


def _header(stream: Any, name: str, count: int, longest: int) -> _Header | None:
    """The next header, or None where the file ends, or holds no further HDU."""
    blocks: list[bytes] = []
    while len(blocks) < longest:
        block = _exactly(stream, BLOCK)
        if not blocks and count and not block.startswith(b"XTENSION"):
            return None
        if len(block) < BLOCK:
            raise CorruptFileError(f"{name} is cut off in the header of HDU {count}")
        blocks.append(block)
        if any(block[at : at + 80] == END_CARD for at in range(0, BLOCK, 80)):
            break
    else:
        raise CorruptFileError(f"{name}: the header of HDU {count} has no end within {longest * BLOCK} bytes")
    try:
        header = _Header(b"".join(blocks))
        _ = header.data_bytes
    except (KeyError, ValueError) as error:
        raise CorruptFileError(f"{name}: the header of HDU {count} cannot be read ({error})") from None
    return header


class _Measured:
    """A stream that knows how many bytes were read."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.total = stream, 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self.total += len(data)
        return data


def limited_tarinfo(limits: Limits) -> type[tarfile.TarInfo]:
    """A TarInfo for tarfile.open that refuses members beyond the limits, before their headers or data are read.

    The headers of long names and pax records are read into memory, however large they are. A sparse member claims bytes
    that the file does not hold; archives send none.
    """

    class Limited(tarfile.TarInfo):
        members = 0

        def _proc_member(self, archive: tarfile.TarFile) -> Any:
            Limited.members += 1
            if Limited.members > limits.entries:
                raise CorruptFileError(f"a tar file with more than {limits.entries} members: refused")
            is_header = self.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE)
            if self.size < 0 or (is_header and self.size > limits.header):
                raise CorruptFileError(f"a tar file with a header of {self.size} bytes: refused")
            made = super()._proc_member(archive)  # type: ignore[misc]
            if made.issparse():
                raise CorruptFileError(f"a tar file with the sparse member {made.name!r} of {made.size} bytes: refused")
            return made

    return Limited


def read_tar(stream: Any, name: str, limits: Limits = DEFAULTS) -> list[str]:
    """The members of a tar stream, read to its end; CorruptFileError if its two closing blocks are not there."""
    measured = _Measured(stream)
    with tarfile.open(fileobj=measured, mode="r|", tarinfo=limited_tarinfo(limits)) as archive:  # type: ignore[call-overload]
        members = list(archive)
    while measured.read(CHUNK):
        pass
    end = max((each.offset_data + -(-each.size * each.isreg() // 512) * 512 for each in members), default=0)
    if measured.total < end + 1024:
        raise CorruptFileError(f"{name} is cut off: a tar file ends with two empty blocks")
    return [each.name for each in members]
