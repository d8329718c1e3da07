"""Verification of downloads: a file is of the kind that its name promises, and complete; never a page of HTML."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import IO, Any, Final

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.blocks import BLOCK, CHUNK
from daxa_wf.fits.packed import DEFAULTS, open_compress, open_gzip
from daxa_wf.fits.stream import GZIP_MAGIC, WrongSums, walk_hdus
from daxa_wf.fits.tar_files import read_tar
from daxa_wf.limits import Limits

MAGIC: Final = {GZIP_MAGIC: "gzip", b"\x1f\x9d": "compress", b"SIMPLE  =": "fits"}
FITS_NAMES = re.compile(
    r"\.(fits?|ftz|evt|img|ds|pha|pi|arf|rmf|lc|hk|attorb|totsky|totexpo|gti|mkf|orb)(\.gz|\.Z)?$", re.I
)
"""Names that promise FITS. Other files (logs, pages, plots) are compared with their size only."""
MARKUP = re.compile(rb"\s*(<!doctype html|<html|<\?xml[^>]*>\s*<!doctype html)", re.I)
MARKUP_NAMES = (".html", ".htm")


def check_content(path: Path, name: str | None = None, limits: Limits = DEFAULTS) -> str:
    """Read a file to its end, and return its kind; CorruptFileError if it is damaged. `name`: its name to be.

    FITS is followed through every header to the last HDU; where an HDU has a CHECKSUM it is computed (FITS standard 4.0,
    appendix J). gzip is read to its own CRC, tar to its closing blocks. Sizes beyond the limits are refused.
    """
    with path.open("rb") as stream:
        return check_stream(stream, path, name or path.name, limits)


def check_stream(stream: IO[bytes], path: Path, name: str, limits: Limits = DEFAULTS) -> str:
    """Check a file as check_content does, if it is open at its beginning, or in memory."""
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
    """Follow the FITS in a `.Z` file to its end, because LZW has no checksum."""
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


def walk_fits(stream: IO[bytes] | Any, name: str, limits: Limits = DEFAULTS) -> int:
    """Follow the HDUs of a FITS stream to the last, and return their number.

    Raise CorruptFileError if one is cut off or fails its CHECKSUM. Data without CHECKSUM are skipped where that is cheap.
    """
    count, problems = 0, WrongSums()
    hdus = walk_hdus(
        stream, name, problems, limits.header // BLOCK, trailing=True,
        is_summed=lambda cards: bool(str(cards.get("CHECKSUM", "")).strip()),
    )  # fmt: skip
    for hdu in hdus:
        _raise_wrong(problems, name, hdu.number - 1)
        count += 1
    _raise_wrong(problems, name, count - 1)
    return count


def _raise_wrong(problems: WrongSums, name: str, number: int) -> None:
    if any(card == "CHECKSUM" for card, _ in problems):
        raise CorruptFileError(f"{name}: HDU {number} fails its own CHECKSUM")
