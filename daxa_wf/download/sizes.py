"""How much there is to download and to keep, before anything is: from listings, and from medians where there are none."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from daxa_wf.download.data_centres import RemoteFile
from daxa_wf.download.observation import Fetcher, Wish
from daxa_wf.download.paths import is_wanted, raw_directory
from daxa_wf.download.store import Ledger
from daxa_wf.errors import CorruptFileError, DaxaError
from daxa_wf.files import resolve_inside, set_aside, write_atomically
from daxa_wf.json_files import read_json


@dataclass
class Estimate:
    """What a mission's selection amounts to; bytes that are known from listings, and bytes that medians stand in for.

    `unknown` observations have neither: none of the mission was ever listed.
    """

    observations: int = 0
    listed: int = 0
    guessed: int = 0
    unknown: int = 0
    here: int = 0
    files: int = 0
    to_fetch: float = 0.0
    to_keep: float = 0.0
    problem: str = ""

    def lines(self) -> list[str]:
        """For people: `~` marks what medians stand in for."""
        about = "~" if self.guessed else ""
        said = [
            f"  to download: {about}{shown_bytes(self.to_fetch)}, to keep: {about}{shown_bytes(self.to_keep)}"
            f" ({self.listed} observations listed, {self.guessed} taken as the median of those, {self.here} here already)"
        ]
        if self.unknown:
            said.append(
                f"  of {self.unknown} observations nothing is known; 'daxa-wf plan --list 10' asks the archives"
            )
        if self.problem:
            said.append(f"  archives could not be asked: {self.problem}")
        return said


def shown_bytes(size: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@dataclass(frozen=True)
class _Listing:
    """What is kept of a listing: the patterns that it was made for, and the files."""

    globs: list[str]
    files: list[RemoteFile]


class Listings:
    """Listings of observations that were seen, in the raw store; one that cannot be read was never seen."""

    def __init__(self, store: Path) -> None:
        self.directory = store / "listings"

    def known(self, wish: Wish) -> list[RemoteFile] | None:
        """The wanted files of an observation, or None if it was never listed for all that is wanted."""
        path = self._path(wish)
        try:
            kept: _Listing = read_json(path, _Listing, "a listing", "the archive is asked again")
        except FileNotFoundError:
            return None
        except CorruptFileError as error:
            set_aside(path, str(error))
            return None
        if not set(wish.globs) <= set(kept.globs):
            return None
        return [each for each in kept.files if is_wanted(each.path, wish.globs)]

    def keep(self, wish: Wish, files: Iterable[RemoteFile]) -> None:
        """Remember a listing."""
        # URLs are not needed again, and may hold more than is for others' eyes.
        said = {"globs": list(wish.globs), "files": [asdict(each) | {"url": ""} for each in files]}
        write_atomically(self._path(wish), json.dumps(said))

    def _path(self, wish: Wish) -> Path:
        return resolve_inside(self.directory, f"{wish.spec.name}/{wish.facts['obsid']}.json", wish.name)


def estimate(wishes: Sequence[Wish], fetcher: Fetcher, ask: int = 0) -> Estimate:
    """What wishes of one mission amount to; the archives are asked for up to `ask` listings that are not known."""
    listings, result, sizes = Listings(fetcher.store), Estimate(len(wishes)), []
    open_wishes = []
    for wish in wishes:
        ledger = Ledger(fetcher.store / raw_directory(wish.spec, wish.facts))
        done = ledger.answer(fetcher.request(wish))
        if done is not None:
            result.here += 1
            result.files += len(done)
            result.to_keep += sum(each.size for each in done)
            continue
        files = listings.known(wish)
        if files is None and ask > 0 and not result.problem:
            ask -= 1
            try:
                files = fetcher.listing(wish)
                listings.keep(wish, files)
            except DaxaError as error:
                result.problem = str(error)
        if files is None:
            open_wishes.append(wish)
            continue
        total = sum(each.size or 0 for each in files)
        held = sum(each.size or 0 for each in files if ledger.has(each.path, each.size if each.exact else None))
        sizes.append(total)
        result.listed += 1
        result.files += len(files)
        result.to_fetch += total - held
        result.to_keep += total
    if sizes:
        result.guessed = len(open_wishes)
        result.to_fetch += statistics.median(sizes) * len(open_wishes)
        result.to_keep += statistics.median(sizes) * len(open_wishes)
    else:
        result.unknown = len(open_wishes)
    return result
