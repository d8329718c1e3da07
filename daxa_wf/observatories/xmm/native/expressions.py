"""EPIC's columns and attributes in selection expressions."""

from __future__ import annotations

from collections.abc import Mapping

from daxa_wf.events.expression.types import Kinds

EPIC_KINDS: Kinds = {
    "TIME": "real", "RAWX": "integer", "RAWY": "integer", "DETX": "integer", "DETY": "integer", "X": "integer",
    "Y": "integer", "PHA": "integer", "PI": "integer", "FLAG": "integer", "PATTERN": "integer", "CCDNR": "integer",
}  # fmt: skip
"""The columns of the event lists of EPIC's cameras (PPS lists, SAS 18 to 20)."""

EPIC_ATTRIBUTES: Mapping[str, str] = {
    "XMMEA_EM": "(FLAG & 0x766ba000) == 0",
    "XMMEA_SM": "(FLAG & 0xfffffeff) == 0",
    "XMMEA_EP": "(FLAG & 0xfa0000) == 0",
}
"""For lists whose header does not define them (values of SAS 18-20 headers; EP as in ESAS scripts since SAS 13)."""
