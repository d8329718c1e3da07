"""Members of tar files, also nested and compressed, into a directory: nothing gets out of it, nothing is half there."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from daxa_wf.acquire.verify import CHUNK, FREE_BYTES, open_compress, open_gzip
from daxa_wf.errors import CorruptFileError

DEEPEST = 3
"""Tar files within one another: XSA's ODF answer has two."""
NESTED = (".tar", ".TAR", ".tar.gz")

Place = Callable[[str], str | None]
"""Says where a member goes, relative to the directory; None: it is not wanted."""


def safe_member(member: tarfile.TarInfo, name: str) -> str:
    """A member's name, if it stays in its folder and is a file; CorruptFileError if it climbs out or is a link or device."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
        raise CorruptFileError(f"{name} has a member {member.name!r} that climbs out of its folder: refused")
    if member.issym() or member.islnk():
        raise CorruptFileError(f"{name} has a member {member.name!r} that is a link to {member.linkname!r}: refused")
    if not member.isfile() or member.issparse():
        raise CorruptFileError(f"{name} has a member {member.name!r} that is no plain file: refused")
    return path.as_posix().removeprefix("./")


def unpack_tar(path: Path, directory: Path, place: Place) -> list[str]:
    """Unpack the wanted members of a tar file (plain or gzip) and of tar files in it; where each went.

    Every member is looked at before the first is written, so that a bad file leaves nothing behind.
    """
    for _ in _members(path, path.name, 0):
        pass
    made = []
    for name, stream in _members(path, path.name, 0):
        wanted = place(name)
        if wanted is None:
            continue
        target = directory / wanted
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as output:
                shutil.copyfileobj(stream, output, CHUNK)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        made.append(wanted)
    return made


def _members(source: Path | Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Name and stream of every file of a tar file and of the tar files in it."""
    if depth >= DEEPEST:
        raise CorruptFileError(f"{name}: tar files within one another more than {DEEPEST} deep: refused")
    try:
        with _opened(source) as archive:
            left = FREE_BYTES * 100
            for member in archive:
                if member.isdir():
                    continue
                plain = safe_member(member, name)
                left -= member.size
                if left < 0:
                    raise CorruptFileError(f"{name} unpacks to more than {100 * FREE_BYTES} bytes: refused")
                stream = archive.extractfile(member)
                if plain.endswith(NESTED):
                    yield from _members(stream, f"{name}:{plain}", depth + 1)
                else:
                    yield plain, stream
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CorruptFileError(f"{name} is damaged or cut off: {error}") from None


def _opened(source: Path | Any) -> tarfile.TarFile:
    if not isinstance(source, Path):
        return tarfile.open(fileobj=source, mode="r|*")
    with source.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    if packed:
        return tarfile.open(fileobj=open_gzip(source), mode="r|")
    return tarfile.open(source, "r:")


def decompressed_name(name: str) -> str:
    """A name without `.gz` or `.Z`, and with `.FIT` in place of `.FTZ`."""
    for suffix in (".gz", ".Z"):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name[:-4] + ".FIT" if name.endswith(".FTZ") else name


def decompress(path: Path, target: Path) -> None:
    """Write what a gzip or LZW (`.Z`) file holds; Fault if there is no `gzip` program, which LZW needs."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as output, open_compress(path) if path.suffix == ".Z" else open_gzip(path) as stream:
            shutil.copyfileobj(stream, output, CHUNK)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
