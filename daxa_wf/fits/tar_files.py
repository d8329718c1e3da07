"""Tar files: their members, read to the end within limits."""

from __future__ import annotations

import tarfile
from typing import Any

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.blocks import CHUNK
from daxa_wf.fits.packed import DEFAULTS
from daxa_wf.limits import Limits


class _CountingStream:
    """A stream that counts the bytes that were read."""

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

    class LimitedMember(tarfile.TarInfo):
        members = 0

        def _proc_member(self, archive: tarfile.TarFile) -> Any:
            LimitedMember.members += 1
            if LimitedMember.members > limits.entries:
                raise CorruptFileError(f"a tar file with more than {limits.entries} members: refused")
            is_header = self.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE)
            if self.size < 0 or (is_header and self.size > limits.header):
                raise CorruptFileError(f"a tar file with a header of {self.size} bytes: refused")
            made = super()._proc_member(archive)  # type: ignore[misc]
            if made.issparse():
                raise CorruptFileError(f"a tar file with the sparse member {made.name!r} of {made.size} bytes: refused")
            return made

    return LimitedMember


def read_tar(stream: Any, name: str, limits: Limits = DEFAULTS) -> list[str]:
    """Return the names of a tar stream's members, read to its end; CorruptFileError if the two closing blocks are missing."""
    measured = _CountingStream(stream)
    with tarfile.open(fileobj=measured, mode="r|", tarinfo=limited_tarinfo(limits)) as archive:  # type: ignore[call-overload]
        members = list(archive)
    while measured.read(CHUNK):
        pass
    end = max((member.offset_data + -(-member.size * member.isreg() // 512) * 512 for member in members), default=0)
    if measured.total < end + 1024:
        raise CorruptFileError(f"{name} is cut off: a tar file ends with two empty blocks")
    return [member.name for member in members]
