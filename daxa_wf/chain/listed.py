"""Find the exposures of an observation in the listing of a data centre's directory, if no table of exposures has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.planned import facts_text
from daxa_wf.download.data_centres import NotAtDataCentreError
from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.sizes import Listings
from daxa_wf.errors import ServiceError
from daxa_wf.mission.step import Engine, load

AT_ONCE = 8
"""Observations whose listings are asked for side by side."""
FRUITLESS = 10
"""Failures in a row after which the data centres are not asked for further observations in this run."""


def listed_exposures(
    requests: Sequence[FileRequest], fetcher: Fetcher, engine: Engine
) -> tuple[list[ManifestRow], dict[str, str], dict[str, str]]:
    """Return one row for each exposure in the data centres' listings of the observations, and reasons by ObsID.

    The first mapping explains observations that the data centres lack, or have without such files. The second one
    explains observations whose listings could not be requested.
    """
    listings = Listings(fetcher.store)
    rows: list[ManifestRow] = []
    absent: dict[str, str] = {}
    unasked: dict[str, str] = {}
    failures: list[str] = []

    def look(request: FileRequest) -> list[ManifestRow]:
        kept = listings.known(request)
        found = exposures_in(request, [each.path for each in kept or ()], engine)
        if found:
            return found
        if len(failures) >= FRUITLESS:
            raise ServiceError(f"not asked for, after {FRUITLESS} failures in a row: {failures[-1]}")
        try:
            files = fetcher.listing(request)
        except NotAtDataCentreError:
            failures.clear()
            raise
        except ServiceError as error:
            failures.append(str(error))
            raise
        failures.clear()
        listings.keep(request, files)
        return exposures_in(request, [each.path for each in files], engine)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {str(request.facts["obsid"]): pool.submit(look, request) for request in requests}
        for obsid, job in jobs.items():
            try:
                found = job.result()
            except NotAtDataCentreError as error:
                absent[obsid] = str(error)
            except ServiceError as error:
                unasked[obsid] = str(error)
            else:
                rows += found
                if not found:
                    absent[obsid] = "its listing has no exposure of the chosen instruments"
    return rows, absent, unasked


def exposures_in(request: FileRequest, paths: Iterable[str], engine: Engine) -> list[ManifestRow]:
    """Return one row for each exposure with a file in an observation's listing, for the engine of the mission."""
    find = load(engine.find_listed)
    obsid, facts = str(request.facts["obsid"]), facts_text(request.facts)
    found: dict[tuple[str, str], dict[str, str]] = find(obsid, sorted(paths), request.instruments)
    return [
        ManifestRow(request.spec.name, obsid, inst, exposure, facts=facts, **files)
        for (inst, exposure), files in found.items()
    ]
