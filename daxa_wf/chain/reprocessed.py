"""Ask data centres whether the files that an archive fetched have changed since."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from daxa_wf.archive.records import Record
from daxa_wf.chain.listed import AT_ONCE, FRUITLESS
from daxa_wf.chain.plan import Plan
from daxa_wf.download.data_centres import NotAtDataCentreError, RemoteFile
from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.upstream import UpstreamChange, upstream_changes
from daxa_wf.errors import DaxaError, ServiceError
from daxa_wf.files import decompressed_name
from daxa_wf.tables.http import session
from daxa_wf.text import some_of
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.tables.http import PatientSession


def find_reprocessed(
    plan: Plan, requests: Mapping[Unit, tuple[FileRequest, Record]], problems: list[str]
) -> dict[Unit, list[UpstreamChange]]:
    """Return the files of each observation that its data centre has added, dropped or changed since they were fetched.

    Each observation costs the listing of its directories. Observations that could not be compared are added to `problems`.
    """
    patient = session(retries=1, limits=plan.config.limits.limits())
    listings = _Listings(plan, patient)
    changes, failed = dict[Unit, list[UpstreamChange]](), dict[str, list[str]]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {unit: pool.submit(listings.changes, *request) for unit, request in requests.items()}
        for unit, job in jobs.items():
            try:
                if files := job.result():
                    changes[unit] = files
            except DaxaError as error:
                failed.setdefault(unit.mission, []).append(f"{unit.obsid} ({error})")
    for mission, reasons in failed.items():
        problems.append(
            f"{mission}: {len(reasons)} observations could not be compared with their data centres: {some_of(reasons, 2)}"
        )
    return changes


class _Listings:
    """The listings of fetched observations, each from the data centre that it came from.

    After FRUITLESS failures in a row a data centre is not asked again.
    """

    def __init__(self, plan: Plan, patient: PatientSession) -> None:
        self.plan, self.session = plan, patient
        self.failures: dict[str, int] = {}

    def changes(self, request: FileRequest, record: Record) -> list[UpstreamChange]:
        """Return the changes of an observation. Raise ServiceError if it cannot be listed."""
        files = record.results.get("files", [])
        places = self.plan.config.archives_for(request.spec.name, self.plan.started_in)
        centres = {str(file.get("archive", "")) for file in files}
        bases = {name: places[name] for name in places if name in centres}
        if not bases:
            raise ServiceError(f"it came from {', '.join(sorted(centres))}, which the configuration no longer names")
        unpacks = bool(record.parameters.get("decompress"))
        fetcher = Fetcher(self.plan.started_in / self.plan.config.data, self.session, bases, decompress=unpacks)
        listing = self._listing(fetcher, request, ", ".join(bases))
        return upstream_changes(files, listing, decompressed_name if unpacks else str)

    def _listing(self, fetcher: Fetcher, request: FileRequest, name: str) -> list[RemoteFile]:
        if self.failures.get(name, 0) >= FRUITLESS:
            raise ServiceError(f"{name} was not asked, after {FRUITLESS} failures in a row")
        try:
            listing = fetcher.listing(request)
        except NotAtDataCentreError:
            self.failures[name] = 0
            raise
        except ServiceError:
            self.failures[name] = self.failures.get(name, 0) + 1
            raise
        self.failures[name] = 0
        return listing
