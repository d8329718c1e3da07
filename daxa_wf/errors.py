"""The errors of daxa_wf, named by their effect on the unit of work.

A message names the thing (mission, ObsID, key, file), the problem, the expectation, and the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.text import fit_to_show


class DaxaError(Exception):
    """An error that daxa_wf reports to its user without a traceback.

    Messages reach terminals, logs, records, fault notes, status and pages, and may quote servers and files. This class
    masks secrets in URLs and removes control characters, once for all of these places.
    """

    exit_code = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(fit_to_show(value) if isinstance(value, str) else value for value in arguments))


class ConfigError(DaxaError):
    """The configuration, or a file or text that it names, is wrong."""

    exit_code = 2


class ExpressionError(ConfigError):
    """A selection expression or query text is wrong at a known character."""

    def __init__(self, message: str, text: str, position: int) -> None:
        self.message, self.text, self.position = message, text, position
        super().__init__(f"{message}\n  {text}\n  {' ' * position}^")


class NoObservationsError(ConfigError):
    """The filters leave nothing. The message shows the cut-flow, and `line` names the first filter that left nothing."""

    def __init__(self, message: str, line: str) -> None:
        self.line = line
        super().__init__(message)


class UnfitDataError(DaxaError):
    """The data of a unit cannot be used: a `rejected` verdict. `name` is the original task's name for the problem."""

    def __init__(self, name: str, message: str, results: Mapping[str, Any] | None = None) -> None:
        self.name, self.message = name, fit_to_show(message)
        self.results = dict(results or {})
        """Facts for the record beside the reason, such as the time of the next attempt."""
        super().__init__(f"{name}: {message}")


class StepFailedError(DaxaError):
    """A tool reported an error or left no product: a `failed` verdict."""

    def __init__(self, name: str, message: str) -> None:
        self.name, self.message = name, fit_to_show(message)
        super().__init__(f"{name}: {message}")


class Fault(DaxaError):
    """A problem outside of the data (disk, network, corrupt file): the job fails and may be retried."""


class CorruptFileError(Fault):
    """A file on disk violates its format."""


class ServiceError(Fault):
    """An external service failed, or sent a wrong answer, which is kept in `body`."""

    def __init__(self, message: str, body: bytes = b"") -> None:
        self.body = body
        super().__init__(message)


class UnsafePathError(CorruptFileError):
    """A path from a listing, tar, table, header or record that leads out of its directory, or is not a plain name."""


class IdentityError(CorruptFileError):
    """An event list whose header does not name a valid observation, instrument and exposure of the mission."""
