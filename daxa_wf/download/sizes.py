"""Estimate the bytes to download and to keep from listings, with medians for observations that were not listed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from daxa_wf.download.data_centres import NotAtDataCentreError, RemoteFile
from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.paths import is_wanted, raw_directory
from daxa_wf.download.store import Ledger
from daxa_wf.errors import CorruptFileError, DaxaError
from daxa_wf.files import resolve_inside, set_aside, write_atomically
from daxa_wf.json_files import read_json
from daxa_wf.text import shown_bytes, some_of


@dataclass
class Estimate:
    """The number of observations, files and bytes of a mission's selection.

    `listed` observations have known sizes, `guessed` ones have the median of these, and `here` ones are in the raw store
    already. `unknown` counts observations of a mission of which not a single listing is known. `to_fetch` and `to_keep`
    are in bytes.
    """

    observations: int = 0
    listed: int = 0
    guessed: int = 0
    unknown: int = 0
    here: int = 0
    absent: list[str] = field(default_factory=list)
    """ObsIDs that the local directory lacks, if the data come from one."""
    files: int = 0
    to_fetch: float = 0.0
    to_keep: float = 0.0
    problem: str = ""

    def lines(self) -> list[str]:
        """Return lines for people, with `~` before sizes that medians were used for."""
        about = "~" if self.guessed else ""
        lines = [
            f"  to download: {about}{shown_bytes(self.to_fetch)}, to keep: {about}{shown_bytes(self.to_keep)}"
            f" ({self.listed} observations listed, {self.guessed} taken as the median of those, {self.here} here already)"
        ]
        if self.unknown:
            lines.append(
                f"  the sizes of {self.unknown} observations are not known; 'daxa-wf plan --list 10' asks the data centres"
            )
        if self.absent:
            lines.append(f"  not in the local directory: {len(self.absent)}: {some_of(self.absent, 10)}")
        if self.problem:
            lines.append(f"  data centres could not be asked: {self.problem}")
        return lines


@dataclass(frozen=True)
class _StoredListing:
    """A listing in the raw store: the patterns that it was made for, and the files."""

    globs: list[str]
    files: list[RemoteFile]


class ListingStore:
    """The listings that the raw store keeps. A damaged one is set aside and counts as unknown."""

    def __init__(self, store: Path) -> None:
        self.directory = store / "listings"

    def known(self, request: FileRequest) -> list[RemoteFile] | None:
        """Return the wanted files of an observation, or None if it was never listed for all of them."""
        path = self._path(request)
        try:
            kept: _StoredListing = read_json(path, _StoredListing, "a listing", "the archive is asked again")
        except FileNotFoundError:
            return None
        except CorruptFileError as error:
            set_aside(path, str(error))
            return None
        if not set(request.globs) <= set(kept.globs):
            return None
        return [file for file in kept.files if is_wanted(file.path, request.globs)]

    def keep(self, request: FileRequest, files: Iterable[RemoteFile]) -> None:
        """Keep a listing, without its URLs: they may hold credentials."""
        listing = {"globs": list(request.globs), "files": [asdict(file) | {"url": ""} for file in files]}
        write_atomically(self._path(request), json.dumps(listing))

    def _path(self, request: FileRequest) -> Path:
        return resolve_inside(self.directory, f"{request.spec.name}/{request.facts['obsid']}.json", request.name)


def _listing(
    request: FileRequest, fetcher: Fetcher, result: Estimate, listings: ListingStore | None
) -> list[RemoteFile] | None:
    """Return an observation's files, and keep the listing in `listings`. Note in `result` why there is none."""
    try:
        files = fetcher.listing(request)
    except DaxaError as error:
        if isinstance(error, NotAtDataCentreError) and listings is None:
            result.absent.append(str(request.facts["obsid"]))
        else:
            result.problem = str(error)
        return None
    if listings is not None:
        listings.keep(request, files)
    return files


def estimate(requests: Sequence[FileRequest], fetcher: Fetcher, ask: int = 0, is_local: bool = False) -> Estimate:
    """Estimate the files and bytes of one mission's observations, asking the data centres for up to `ask` new listings.

    With `is_local` the data centres are a directory of this machine, whose listings are all read, and never kept.
    """
    ask = len(requests) if is_local else ask
    listings, result, sizes = ListingStore(fetcher.store), Estimate(len(requests)), []
    unlisted = []
    for request in requests:
        ledger = Ledger(fetcher.store / raw_directory(request.spec, request.facts))
        done = ledger.answer(fetcher.key_of(request))
        if done is not None:
            result.here += 1
            result.files += len(done)
            result.to_keep += sum(file.size for file in done)
            continue
        files = None if is_local else listings.known(request)
        if files is None and ask > 0 and not result.problem:
            ask -= 1
            files = _listing(request, fetcher, result, None if is_local else listings)
        if files is None and result.absent[-1:] == [str(request.facts["obsid"])]:
            continue
        if files is None:
            unlisted.append(request)
            continue
        total = sum(file.size or 0 for file in files)
        held = sum(file.size or 0 for file in files if ledger.has(file.path, file.size if file.exact else None))
        sizes.append(total)
        result.listed += 1
        result.files += len(files)
        result.to_fetch += total - held
        result.to_keep += total
    if sizes:
        result.guessed = len(unlisted)
        result.to_fetch += statistics.median(sizes) * len(unlisted)
        result.to_keep += statistics.median(sizes) * len(unlisted)
    else:
        result.unknown = len(unlisted)
    return result
