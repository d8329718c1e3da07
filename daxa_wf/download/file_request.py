"""The files to fetch of one observation, and notes about those that a data centre lacks or that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_wf.download.data_centres import RemoteFile
from daxa_wf.download.paths import is_wanted, wanted_globs
from daxa_wf.download.store import StoredFile
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import checked_relative
from daxa_wf.json_files import parse_json
from daxa_wf.mission.spec import MissionSpec, Route

LOCAL_FILES = "local_files"
"""Fact of an observation whose files are in a directory of another layout than the data centre's.

It is JSON: path below the observation -> path below the directory, and size in bytes.
"""


@dataclass(frozen=True)
class FileRequest:
    """The files to fetch of an observation: its facts (columns of its table), the routes and instruments that need them."""

    spec: MissionSpec
    facts: Mapping[str, Any]
    routes: tuple[Route, ...]
    instruments: tuple[str, ...]
    version: str = ""
    """Version of the data centre's processing; '' for all versions."""
    further: bool = False
    """True if the mission's further products are fetched too."""

    @property
    def globs(self) -> tuple[str, ...]:
        """Return the globs of the files, below the observation."""
        return wanted_globs(self.spec, self.facts, self.routes, self.instruments, self.version, self.further)

    def local_files(self, base: Path) -> list[RemoteFile]:
        """Return the files of an observation in a directory of any layout. CorruptFileError if the fact is damaged."""
        try:
            listed = parse_json(str(self.facts[LOCAL_FILES]), dict[str, tuple[str, int]])
        except ValueError as error:
            raise CorruptFileError(
                f"{self.name}: the list of its files is damaged ({error}); delete the manifest"
            ) from None
        files = []
        for path, (place, size) in listed.items():
            checked_relative(path, self.name)
            url = (base / checked_relative(place, self.name)).absolute().as_uri()
            files.append(RemoteFile(path, url, size, exact=True))
        return files

    @property
    def name(self) -> str:
        """Return the name of the observation in messages."""
        return f"{self.spec.name} {self.facts['obsid']}"


def refused_notes(refused: Sequence[str], most: int = 10) -> list[str]:
    """Return a note about refused entries of listings: their number, and the first `most` reasons."""
    if not refused:
        return []
    more = [f"and {len(refused) - most} more"] if len(refused) > most else []
    return [f"{len(refused)} entries of listings refused: {'; '.join([*refused[:most], *more])}"]


def missing_products(request: FileRequest, files: Sequence[StoredFile]) -> list[str]:
    """Return a note for each product that the mission's patterns list for the wanted instruments and that is missing."""
    spec, obsid = request.spec, str(request.facts["obsid"])
    observed_with = spec.named_instruments(str(request.facts.get("instruments", "")))
    instruments = set(request.instruments) & set(observed_with or request.instruments)
    globs = {
        tuple(product.glob.replace("{obsid}", name) for name in (obsid, obsid.lower())): product
        for product in spec.products
        if "preprocessed" in request.routes
        and not product.is_optional
        and set(spec.instruments_of(product)) & instruments
    }
    paths = [file.path for file in files]
    return [
        f"no {pattern.kind} of {pattern.instrument}: nothing is like {names[0]}"
        for names, pattern in globs.items()
        if not any(is_wanted(path, names) for path in paths)
    ]
