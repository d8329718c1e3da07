"""Unpack tar files, also nested and compressed ones, so that every member stays inside the directory and is complete."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from daxa_wf.errors import CorruptFileError
from daxa_wf.files import checked_relative, flush_and_rename, resolve_inside
from daxa_wf.fits.blocks import CHUNK
from daxa_wf.fits.packed import DEFAULTS, limited_gzip, open_compress, open_gzip
from daxa_wf.fits.stream import GZIP_MAGIC
from daxa_wf.fits.tar_files import limited_tarinfo
from daxa_wf.limits import Limits

DEEPEST = 3
"""Tar files within one another: XSA's ODF answer has two."""
NESTED = (".tar", ".TAR", ".tar.gz")

MemberPath = Callable[[str], str | None]
"""Returns a member's path relative to the directory, or None if the member is not wanted."""


def safe_member(member: tarfile.TarInfo, name: str) -> str:
    """Return a member's name as a plain path. Raise CorruptFileError if it climbs out, or is a link or a device."""
    plain = checked_relative(member.name, name)
    if member.issym() or member.islnk():
        raise CorruptFileError(f"{name} has a member {member.name!r} that is a link to {member.linkname!r}: refused")
    if not member.isfile() or member.issparse():
        raise CorruptFileError(f"{name} has a member {member.name!r} that is not a plain file: refused")
    return plain


def unpack_tar(path: Path, directory: Path, place: MemberPath, limits: Limits = DEFAULTS) -> list[str]:
    """Unpack the wanted members of a tar file (plain or gzip) and of tar files in it. Return their paths.

    Every member is checked before the first is written, so that a bad file leaves nothing behind.
    """
    for _ in _members(path, path.name, 0, _Budget(path, limits)):
        pass
    made = []
    for name, stream in _members(path, path.name, 0, _Budget(path, limits)):
        relative = place(name)
        if relative is None:
            continue
        target = resolve_inside(directory, relative, path.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as output:
                shutil.copyfileobj(stream, output, CHUNK)
            flush_and_rename(part, target)
        finally:
            part.unlink(missing_ok=True)
        made.append(relative)
    return made


class _Budget:
    """The bytes that a tar file and the tar files in it may still unpack to."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.limits, self.left = limits, limits.unpacked_from(path.stat().st_size)

    def spend(self, size: int, name: str) -> None:
        """Subtract a member's bytes. Raise CorruptFileError if they are too many."""
        self.left -= size
        if self.left < 0:
            raise CorruptFileError(f"{name} unpacks to far more than its size: refused (see `limits`)")


def _members(source: Path | Any, name: str, depth: int, budget: _Budget) -> Iterator[tuple[str, Any]]:
    """Yield name and stream of every file of a tar file and of the tar files in it."""
    if depth >= DEEPEST:
        raise CorruptFileError(f"{name}: tar files within one another more than {DEEPEST} deep: refused")
    try:
        with _opened(source, name, budget) as tar:
            for member in tar:
                if member.isdir():
                    continue
                plain = safe_member(member, name)
                budget.spend(member.size, name)
                stream = tar.extractfile(member)
                if plain.endswith(NESTED):
                    yield from _members(stream, f"{name}:{plain}", depth + 1, budget)
                else:
                    yield plain, stream
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CorruptFileError(f"{name} is damaged or cut off: {error}") from None


def _opened(source: Path | Any, name: str, budget: _Budget) -> tarfile.TarFile:
    tarinfo = limited_tarinfo(budget.limits)
    if not isinstance(source, Path):
        packed = source.peek(2)[:2] == GZIP_MAGIC
        stream = limited_gzip(source, budget.left, name) if packed else source
        return tarfile.open(fileobj=stream, mode="r|", tarinfo=tarinfo)
    with source.open("rb") as stream:
        packed = stream.read(2) == GZIP_MAGIC
    if packed:
        return tarfile.open(fileobj=open_gzip(source, budget.limits), mode="r|", tarinfo=tarinfo)
    return tarfile.open(source, "r:", tarinfo=tarinfo)


def decompress(path: Path, target: Path, limits: Limits = DEFAULTS) -> None:
    """Decompress a gzip or LZW (`.Z`) file to `target`. Raise Fault if the program `gzip`, which LZW needs, is missing."""
    opened = open_compress if path.suffix == ".Z" else open_gzip
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as output, opened(path, limits) as stream:
            shutil.copyfileobj(stream, output, CHUNK)
        flush_and_rename(part, target)
    finally:
        part.unlink(missing_ok=True)
