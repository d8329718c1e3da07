"""The errors of daxa_wf, named by what they mean for the unit of work.

A message names the thing (mission, ObsID, key, file), what was wrong, what was expected and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.text import fit_to_show


class DaxaError(Exception):
    """Anything daxa_wf reports to its user without a traceback.

    Messages reach terminals, logs, records, fault notes, status and pages, and may quote servers and files. Secrets of
    URLs are masked and control characters removed here, once for all of these places.
    """

    exit_code = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(fit_to_show(each) if isinstance(each, str) else each for each in arguments))


class ConfigError(DaxaError):
    """The configuration, or a file or text it names, says something that cannot be done."""

    exit_code = 2


class ExpressionError(ConfigError):
    """A selection expression or query text is wrong at a known character."""

    def __init__(self, message: str, text: str, position: int) -> None:
        self.message, self.text, self.position = message, text, position
        super().__init__(f"{message}\n  {text}\n  {' ' * position}^")


class UnfitDataError(DaxaError):
    """The data of a unit cannot be used: a `rejected` verdict, `name` as the original task calls it."""

    def __init__(self, name: str, message: str, results: Mapping[str, Any] | None = None) -> None:
        self.name, self.message = name, fit_to_show(message)
        self.results = dict(results or {})
        """What the record keeps beside the reason, such as when to ask again."""
        super().__init__(f"{name}: {message}")


class StepFailedError(DaxaError):
    """A tool reported an error or left no product: a `failed` verdict."""

    def __init__(self, name: str, message: str) -> None:
        self.name, self.message = name, fit_to_show(message)
        super().__init__(f"{name}: {message}")


class Fault(DaxaError):
    """Something outside the data went wrong (disk, network, corrupt file): the job fails and may be retried."""


class CorruptFileError(Fault):
    """A file on disk is not what its format requires."""


class ServiceError(Fault):
    """A service outside could not be used, or did not answer as it must; `body` is what it sent, if that was wrong."""

    def __init__(self, message: str, body: bytes = b"") -> None:
        self.body = body
        super().__init__(message)


class UnsafePathError(CorruptFileError):
    """A path from a listing, tar, table, header or record that leads out of its directory, or is not a plain name."""


class IdentityError(CorruptFileError):
    """A list whose header does not name an observation, instrument and exposure of the mission, or not a valid one."""
