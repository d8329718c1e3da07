"""List the files in a local directory, check that they can be used, and report missing observations."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from stat import S_ISREG

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.errors import ConfigError, Fault, UnsafePathError
from daxa_wf.files import checked_relative
from daxa_wf.text import some_of


def walk(root: Path) -> Iterator[Path]:
    """Yield every file below `root`, in order, following links, but not in circles.

    Fault if a directory cannot be read, because its observations must not disappear silently.
    """
    seen: set[tuple[int, int]] = set()
    for directory, folders, files in os.walk(root, onerror=_refuse_unreadable, followlinks=True):
        try:
            stat = os.stat(directory)  # noqa: PTH116 - os.walk gives text
        except OSError as error:
            _refuse_unreadable(error)
            continue
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders.sort()
        yield from (Path(directory, name) for name in sorted(files))


def _refuse_unreadable(error: OSError) -> None:
    """Raise Fault for a directory that cannot be read. A directory that was deleted meanwhile is skipped."""
    if isinstance(error, FileNotFoundError):
        return
    place = printable(error.filename) if error.filename else "below the source"
    raise Fault(
        f"{place}: the directory cannot be read ({error.strerror}), so its observations are unknown; make it "
        "readable, or move it elsewhere"
    ) from error


def printable(path: str | Path) -> str:
    """Return a path for messages, with escapes for bytes that are not UTF-8 and for characters that cannot be printed."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def listing_digest(root: Path) -> str:
    """Return a digest of names, sizes, times and permissions of the files below `root`, on which the manifest depends.

    A broken link counts with its own values. Fault if a directory cannot be read.
    """
    digest = hashlib.sha256()
    for path in walk(root):
        try:
            stat = path.stat()
        except OSError:
            stat = _own_stat(path)
        name = os.fsencode(path.relative_to(root))
        digest.update(name + f"\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_mode}\n".encode())
    return digest.hexdigest()


def _own_stat(path: Path) -> os.stat_result:
    """Return the stat of a file or link itself. Raise Fault if its directory does not permit this."""
    try:
        return path.lstat()
    except OSError as error:
        raise Fault(
            f"{printable(path)} cannot be examined ({error.strerror}); check the permissions of its directory"
        ) from error


def file_problem(path: Path, root: Path) -> str:
    """Return why a file below `root` or its path cannot be used, or ''. The content is not read.

    These texts are parameters of steps: other words would repeat the steps in existing archives.
    """
    try:
        checked_relative(str(path.relative_to(root)), "")
        mode = path.stat().st_mode
    except UnsafePathError:
        return (
            "the path holds control characters, a backslash or bytes that are not UTF-8; rename the file or its folder"
        )
    except FileNotFoundError:
        return (
            f"the link leads to {printable(path.readlink())}, which does not exist"
            if path.is_symlink()
            else "it is gone"
        )
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    if set("{}") & set(str(path)):
        return "the path has a brace, which Snakemake takes for a wildcard; rename the file or its folder"
    if not S_ISREG(mode):
        return "it is not a file"
    return "" if os.access(path, os.R_OK) else "it cannot be read (Permission denied)"


def require_found(
    mission: str,
    rows: Sequence[ManifestRow],
    obsids: Sequence[str] | None,
    sought: str,
    of: str,
    expected: str,
    ignored: Sequence[str] = (),
) -> None:
    """Raise ConfigError if `rows` is empty, or lacks a requested observation. `of` describes the files for the message.

    `ignored` are sentences on files that were not recognised, which may be the missing ones.
    """
    missing = sorted(set(obsids or ()) - {row.obsid for row in rows})
    if missing or not rows:
        what = f"no {sought} of {', '.join(missing)}" if missing else f"no {sought}"
        raise ConfigError("; ".join([f"missions.{mission}.source: {what} {of}", f"expected {expected}", *ignored]))


FITS_NAME = re.compile(r".*\.(fits?|fts|ftz|evt|ds)(\.gz)?", re.IGNORECASE | re.DOTALL)
"""Names of FITS files; SAS writes event lists as `.ds`."""
MOST_NAMED = 10
"""Largest number of files that a sentence on ignored files names. It counts the others."""


def ignored_fits_files(paths: Sequence[Path], root: Path, known: Sequence[re.Pattern[str]], example: str) -> list[str]:
    """Return a sentence that counts and names the FITS files whose names are not a data centre's; empty without such files.

    `known` are the data centre's names of all kinds of files. `example` is the name of a file that would be used.
    """
    unknown = [
        printable(path.relative_to(root))
        for path in paths
        if FITS_NAME.fullmatch(path.name) and not any(names.fullmatch(path.name) for names in known)
    ]
    if not unknown:
        return []
    files = "1 FITS file" if len(unknown) == 1 else f"{len(unknown)} FITS files"
    names = some_of(unknown, MOST_NAMED)
    return [f"ignored {files} below {root}, not named as by a data centre (such as {example}): {names}"]
