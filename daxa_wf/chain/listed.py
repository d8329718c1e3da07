"""Find the exposures of an observation in the listing of a data centre's directory, if no table of exposures has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.planned import facts_text
from daxa_wf.download.data_centres import NotAtDataCentreError
from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.sizes import ListingStore
from daxa_wf.errors import ServiceError
from daxa_wf.mission.step import Engine, load

AT_ONCE = 8
"""Number of observations whose listings are requested at the same time."""
FRUITLESS = 10
"""Failures in a row after which this run requests no further listings from the data centres."""


@dataclass
class ListedExposures:
    """The exposures in listings, and the observations without any: `absent` and `unasked` map an ObsID to the reason.

    `absent` observations are not at the data centres, or have no such files. The listings of `unasked` ones could not be
    requested.
    """

    rows: list[ManifestRow] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    unasked: dict[str, str] = field(default_factory=dict)


class _ListingClient:
    """The listings of observations, kept ones first. After FRUITLESS failures in a row no further one is requested."""

    def __init__(self, fetcher: Fetcher, engine: Engine) -> None:
        self.fetcher, self.engine = fetcher, engine
        self.kept = ListingStore(fetcher.store)
        self.failures: list[str] = []

    def exposures(self, request: FileRequest) -> list[ManifestRow]:
        """Return the exposures in an observation's listing. ServiceError if it cannot be requested."""
        kept = self.kept.known(request)
        rows = exposures_in(request, [file.path for file in kept or ()], self.engine)
        if rows:
            return rows
        if len(self.failures) >= FRUITLESS:
            raise ServiceError(f"not asked for, after {FRUITLESS} failures in a row: {self.failures[-1]}")
        try:
            files = self.fetcher.listing(request)
        except NotAtDataCentreError:
            self.failures.clear()
            raise
        except ServiceError as error:
            self.failures.append(str(error))
            raise
        self.failures.clear()
        self.kept.keep(request, files)
        return exposures_in(request, [file.path for file in files], self.engine)


def listed_exposures(requests: Sequence[FileRequest], fetcher: Fetcher, engine: Engine) -> ListedExposures:
    """Return one row for each exposure in the data centres' listings of the observations."""
    result, listings = ListedExposures(), _ListingClient(fetcher, engine)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {str(request.facts["obsid"]): pool.submit(listings.exposures, request) for request in requests}
        for obsid, job in jobs.items():
            try:
                rows = job.result()
            except NotAtDataCentreError as error:
                result.absent[obsid] = str(error)
            except ServiceError as error:
                result.unasked[obsid] = str(error)
            else:
                result.rows += rows
                if not rows:
                    result.absent[obsid] = "its listing has no exposure of the chosen instruments"
    return result


def exposures_in(request: FileRequest, paths: Iterable[str], engine: Engine) -> list[ManifestRow]:
    """Return one row for each exposure with a file in an observation's listing, for the engine of the mission."""
    find = load(engine.find_listed)
    obsid, facts = str(request.facts["obsid"]), facts_text(request.facts)
    exposures: dict[tuple[str, str], dict[str, str]] = find(obsid, sorted(paths), request.instruments)
    return [
        ManifestRow(request.spec.name, obsid, inst, exposure, facts=facts, **files)
        for (inst, exposure), files in exposures.items()
    ]
