"""The files to fetch of one observation, and notes about those that a data centre lacks or that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daxa_wf.download.paths import is_wanted, wanted_globs
from daxa_wf.download.store import StoredFile
from daxa_wf.mission.spec import MissionSpec, Route


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
