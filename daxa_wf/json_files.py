"""JSON that comes from a file or a service, checked against the type that it must have."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from daxa_wf.errors import CorruptFileError

Count = Annotated[int, Ge(0), Le(2**63 - 1)]
"""Bytes, files, rows: beyond 64 bits, and below 0, is a mistake."""

LARGEST_FILE = 256 << 20
"""Bytes of a JSON file."""


@cache
def _adapter(kind: Any) -> Any:
    # Imported here, since it takes a fifth of the start of a job, and jobs read what the run has checked already.
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def parse_json(text: str | bytes, kind: Any) -> Any:
    """Return the value of JSON text as a type: a dataclass, `dict[str, str]`. ValueError says in one line what does not fit.

    Nothing is converted: text is not a number, and a number is not text. Deep nesting and endless numbers are refused.
    """
    from pydantic_core import ValidationError

    try:
        return _adapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:200]
        raise ValueError(f"{place}: {first['msg']}" if place else str(first["msg"])) from None


def read_json(path: Path, kind: Any, what: str, remedy: str) -> Any:
    """Return the value of a JSON file as a type; CorruptFileError if it is not one. FileNotFoundError if it is not there.

    `what`: the thing that the file should be, as in 'is not a record'; `remedy`: what its owner can do.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"it has more than {LARGEST_FILE} bytes")
        return parse_json(path.read_bytes(), kind)
    except ValueError as error:
        raise CorruptFileError(f"{path} is not {what} ({error}); {remedy}") from None
