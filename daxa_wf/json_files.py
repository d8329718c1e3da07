"""Read JSON from a file or a service, and check its type."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from daxa_wf.errors import CorruptFileError

Count = Annotated[int, Ge(0), Le(2**63 - 1)]
"""Number of bytes, files or rows: values below 0 or beyond 64 bits are mistakes."""

LARGEST_FILE = 256 << 20
"""Largest size of a JSON file in bytes."""


@cache
def _adapter(kind: Any) -> Any:
    # Imported here, because it takes a fifth of a job's start-up, and most jobs do not need it.
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def parse_json(text: str | bytes, kind: Any) -> Any:
    """Parse JSON text as a type: a dataclass, `dict[str, str]`. ValueError describes the first mismatch in one line.

    Values are not converted: text is not a number, and a number is not text. Deep nesting and endless numbers are refused.
    """
    from pydantic_core import ValidationError

    try:
        return _adapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:200]
        raise ValueError(f"{place}: {first['msg']}" if place else str(first["msg"])) from None


def read_json(path: Path, kind: Any, what: str, remedy: str) -> Any:
    """Read a JSON file as a type. CorruptFileError if it does not fit, FileNotFoundError if it does not exist.

    `what` names the expected kind of file, as in 'is not a record'. `remedy` advises its owner.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"it has more than {LARGEST_FILE} bytes")
        return parse_json(path.read_bytes(), kind)
    except ValueError as error:
        raise CorruptFileError(f"{path} is not {what} ({error}); {remedy}") from None
