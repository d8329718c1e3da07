"""Write files completely or not at all, and check every path that comes from outside."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath

from daxa_wf.errors import UnsafePathError

log = logging.getLogger("daxa_wf")

LEDGER = ".daxa_wf.jsonl"
"""Name of the list of verified files in each directory of the raw store."""
LOCK = ".daxa_wf.lock"
"""Name of the lock of a directory of the raw store."""
RESERVED = frozenset({LEDGER, LOCK})
OWN_PARTS = re.compile(r"\..*\.part(\.json)?", re.DOTALL)
"""Names of incomplete files, and of the notes about them."""

PLAIN_PATH = re.compile(r"\w[\w.+-]{0,99}(/\w[\w.+-]{0,99}){0,9}", re.ASCII)
"""Paths that are surely plain and relative, so that the slower examination can be left out."""

FICLONE = 0x40049409
"""Request of ioctl that makes a file share the blocks of another until one is written to (linux/fs.h)."""
WRITABLE = 0o222
"""Permission to write of everybody."""

LONGEST_NAME = 255
"""Largest number of bytes of a name in Linux's file systems (NAME_MAX)."""
LONGEST_PATH = 4096
"""Largest number of bytes of a path in Linux's file systems (PATH_MAX)."""


def checked_relative(name: str, origin: str) -> str:
    """Return a path from outside as a plain relative path, without reading the disk.

    `origin` names the source of the path, for the message. UnsafePathError if the path is absolute, climbs with `..`,
    holds a control character or a backslash, is not UTF-8, is too long, or is a name that daxa_wf reserves.
    """
    if PLAIN_PATH.fullmatch(name):
        return name
    trouble = _trouble(name)
    if trouble:
        raise UnsafePathError(f"{origin}: the path {name[:200]!r} {trouble}: refused")
    return PurePosixPath(name).as_posix()


def resolve_inside(directory: Path, name: str, origin: str) -> Path:
    """Return `directory / name` for a path from outside. UnsafePathError if it does not lie inside the directory.

    Links below the directory are followed first, so a link cannot lead out of it.
    """
    path = directory / checked_relative(name, origin)
    if not path.parent.resolve().is_relative_to(directory.resolve()):
        raise UnsafePathError(f"{origin}: the path {name[:200]!r} leads out of {directory} through a link: refused")
    return path


def _trouble(name: str) -> str:
    """Return the problem with a path from outside, or ''."""
    parts = PurePosixPath(name).parts
    if not parts:
        return "is empty"
    if name.startswith("/") or ".." in parts:
        return "climbs out of its directory"
    if not name.isprintable() or "\\" in name:
        # str.isprintable is False for control characters, line breaks and the surrogates of undecodable bytes.
        return "holds a control character, a backslash or bytes that are not UTF-8"
    if not RESERVED.isdisjoint(parts) or any(OWN_PARTS.fullmatch(part) for part in parts):
        return "is a name that daxa_wf reserves"
    encoded = name.encode()
    if len(encoded) > LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in parts):
        return f"is longer than {LONGEST_NAME} bytes a name or {LONGEST_PATH} a path"
    return ""


def gzip_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that a damaged gzip stream may cause, with the library isal or Python's own."""
    import gzip
    import zlib

    from isal.igzip_lib import IsalError

    return EOFError, zlib.error, gzip.BadGzipFile, IsalError  # type: ignore[return-value]


def decompressed_name(name: str) -> str:
    """Return a file's name after decompression: without `.gz` or `.Z`, and with `.FIT` in place of `.FTZ`."""
    for suffix in (".gz", ".Z"):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name[:-4] + ".FIT" if name.endswith(".FTZ") else name


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def flush_to_disk(path: Path) -> None:
    """Wait until a file's bytes, or a directory's entries, are on the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clone_file(source: Path, target: Path) -> bool:
    """Clone a file, so that both share blocks until one is written to. Return False if that is impossible.

    It is possible within one file system of btrfs, XFS and others (FICLONE, see ioctl_ficlonerange(2)).
    """
    target.unlink(missing_ok=True)  # never write through a link
    with source.open("rb") as original, target.open("xb") as clone:
        try:
            fcntl.ioctl(clone.fileno(), FICLONE, original.fileno())
        except OSError:
            target.unlink()
            return False
    return True


def copy_file(source: Path, target: Path) -> None:
    """Copy a file so that a change of one never changes the other. If possible, clone it, which takes no space."""
    if not clone_file(source, target):
        shutil.copyfile(source, target)


def link_read_only(source: Path, target: Path, text: str) -> bool:
    """Remove the write permission of a file, and make `target` a symbolic link to it, with the given text.

    Return False if that is impossible, because the file belongs to another user who lets us write to it.
    """
    mode = source.stat().st_mode
    if mode & WRITABLE:
        try:
            source.chmod(mode & ~WRITABLE)
        except OSError:
            if os.access(source, os.W_OK):
                return False
    target.unlink(missing_ok=True)
    target.symlink_to(text)
    return True


def publish_file(part: Path, target: Path) -> None:
    """Move a complete file to its place, so that after a power cut it exists whole or not at all.

    The bytes are flushed before the rename, and the directory after it.
    """
    flush_and_rename(part, target)
    flush_to_disk(target.parent)


def flush_and_rename(part: Path, target: Path) -> None:
    """Move a complete file to its place, so that after a power cut it is whole, missing, or still under its old name.

    This suits files with a ledger: files that the ledger lacks are made again.
    """
    if not part.is_symlink():
        flush_to_disk(part)
    part.replace(target)


def publish_tree(part: Path, target: Path) -> None:
    """Move a complete file, or a directory with its whole content, to its place, as publish_file does."""
    for path in part.rglob("*"):
        if not path.is_symlink():
            flush_to_disk(path)
    publish_file(part, target)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file by flush and rename, so that readers see the old file or the whole new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file into an existing directory by flush and rename. An OSError names the file, not its incomplete part."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        publish_file(part, path)
    except IsADirectoryError as error:
        raise IsADirectoryError(error.errno, "it is a directory; choose the path of a file", str(path)) from None
    except PermissionError as error:
        reason = (
            f"{error.strerror}: its directory {path.parent.absolute()} is not writable for you; choose another path"
        )
        raise PermissionError(error.errno, reason, str(path)) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def why_unwritable(place: Path) -> str:
    """Return why files cannot be made in a directory, which need not exist yet, and what to do; '' if they can."""
    nearest = next(path for path in (place, *place.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        return f"{nearest} is not a directory, so {place} cannot be created; choose another path"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{nearest} is not writable for you; choose another path for {place}, or change its permissions"
    return ""


def set_aside(path: Path, trouble: str) -> Path:
    """Rename a damaged file of our own to `<name>.damaged`, so that it is made again. Return its new path.

    A power cut or a full disk may leave such a file. It is kept for inspection, and replaces an earlier damaged file.
    """
    aside = path.with_name(f"{path.name}.damaged")
    log.warning("%s is damaged (%s); it is kept as %s and made again", path, trouble, aside.name)
    with suppress(FileNotFoundError):
        path.replace(aside)
    return aside
