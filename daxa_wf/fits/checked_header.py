"""astropy's headers, whose cards raise errors of this package."""

from __future__ import annotations

from functools import cache
from typing import Any

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.blocks import unreadable

PRINTABLE = bytes(byte if 32 <= byte < 127 else ord("?") for byte in range(256))
"""For bytes.translate: headers may hold printable ASCII only (FITS standard 4.0, section 3.2), or they cannot be written."""


@cache
def _header_class() -> Any:
    from astropy.io.fits import Header, VerifyError

    class CheckedHeader(Header):
        """A header that raises CorruptFileError for a wrong card. astropy reads a card when it is first requested."""

        place = "the header"

        def __getitem__(self, key: Any) -> Any:
            try:
                return super().__getitem__(key)
            except (VerifyError, ValueError) as error:
                raise CorruptFileError(
                    f"{self.place}: the card {key} cannot be read ({error}); fetch the file again"
                ) from None

    return CheckedHeader


def header_of(raw: bytes, place: str) -> Any:
    """Return the astropy Header of a header's bytes; CorruptFileError names the `place` if it cannot be read."""
    from astropy.io.fits import VerifyError

    try:
        header = _header_class().fromstring(raw.translate(PRINTABLE).decode("ascii"))
    except (VerifyError, ValueError) as error:
        raise unreadable(place, str(error)) from None
    header.place = place
    return header
