"""Listings of data centres: an observation's files with their sizes, from Apache indexes, S3, eRODat and local trees."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from daxa_wf.errors import DaxaError, ServiceError, UnsafePathError
from daxa_wf.files import checked_relative
from daxa_wf.json_files import Count
from daxa_wf.limits import Limits
from daxa_wf.tables.urls import shown
from daxa_wf.tables.xml import refuse_entities

if TYPE_CHECKING:
    from xml.etree import ElementTree

    import requests

    from daxa_wf.tables.http import PatientSession

ROUNDED = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([KMGT]?)")
FACTORS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
DATE = re.compile(r"\b(\d{4}-\d\d-\d\d) (\d\d:\d\d)\b")
"""Date and time of the last change in the text beside a link."""
NOT_THERE = (404, 410)
CLOSED = (401, 403)
LONGEST_TEXT = 1000
"""Characters that are kept of a page's title, and of the text beside a link."""


class NotAtDataCentreError(DaxaError):
    """The data centre answered that it does not have the files."""


class ProprietaryError(ServiceError):
    """The data centre has the files, but does not release them to this user."""


@dataclass(frozen=True)
class RemoteFile:
    """A file at a data centre.

    `path` is below the observation. `size` is in bytes, None if it is not known; `exact` is False where the listing rounds
    it. `md5` is '' if the listing has none, and so is `modified` (ISO; in UTC, or in the unknown zone of a listing's page).
    """

    path: str
    url: str
    size: Count | None = None
    exact: bool = False
    md5: str = ""
    modified: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of a directory's listing."""

    name: str
    is_directory: bool
    size: int | None = None
    exact: bool = False
    modified: str = ""


@dataclass
class Listing:
    """The files that a data centre has below a path, and the reasons for which entries were refused."""

    limits: Limits
    origin: str
    files: list[RemoteFile] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    pages: int = 0

    def count_page(self) -> None:
        """Count a request. Raise ServiceError if there were too many."""
        self.pages += 1
        if self.pages > self.limits.pages:
            raise ServiceError(f"{self.origin}: a listing of more than {self.limits.pages} pages: given up")

    def require_depth(self, depth: int) -> None:
        """Raise ServiceError if directories go too deep, as in a circle of links."""
        if depth > self.limits.depth:
            raise ServiceError(f"{self.origin}: directories more than {self.limits.depth} deep (a circle?): given up")

    def plain(self, path: str) -> str | None:
        """Return an entry's path if it is a plain one. Else note that it was refused, and return None."""
        try:
            return checked_relative(path, self.origin)
        except UnsafePathError as error:
            self.refuse(str(error))
            return None

    def refuse(self, why: str) -> None:
        """Note the reason for which an entry is not used."""
        self.refused.append(why)
        self._require_few()

    def add(self, file: RemoteFile) -> None:
        """Add a file. Raise ServiceError if there are too many."""
        self.files.append(file)
        self._require_few()

    def _require_few(self) -> None:
        if len(self.files) + len(self.refused) > self.limits.entries:
            raise ServiceError(f"{self.origin}: a listing of more than {self.limits.entries} entries: given up")

    def without_clashes(self) -> Listing:
        """Refuse files with the name of a directory or of another file, because a disk cannot hold both."""
        directories = {"/".join(parts[:end]) for file in self.files for parts in [file.path.split("/")]
                       for end in range(1, len(parts))}  # fmt: skip
        kept: dict[str, RemoteFile] = {}
        for file in self.files:
            if file.path in directories or file.path in kept:
                self.refused.append(f"{self.origin}: the path {file.path!r} is there twice: refused")
            else:
                kept[file.path] = file
        self.files = list(kept.values())
        return self


Enter = Callable[[str], bool]
"""Returns True if a directory is to be listed, by its path below the observation."""


class FileTree(Protocol):
    """A tree of files that can be listed."""

    def files(self, path: str, enter: Enter) -> Listing:
        """List the files below `path`, in the directories that `enter` accepts.

        Raise NotAtDataCentreError if the path does not exist, and ServiceError if the listing exceeds the limits.
        """
        ...


class HttpTree:
    """A tree of directories over HTTP, with a page that lists each: Apache's index or eRODat's tables."""

    def __init__(self, base: str, session: PatientSession) -> None:
        self.base, self.session = base.rstrip("/") + "/", session

    def files(self, path: str, enter: Enter) -> Listing:
        """See FileTree."""
        url = urljoin(self.base, path.strip("/") + "/")
        listing = Listing(self.session.limits, shown(url))
        self._walk(url, "", enter, 0, listing)
        return listing.without_clashes()

    def _walk(self, url: str, below: str, enter: Enter, depth: int, listing: Listing) -> None:
        listing.require_depth(depth)
        listing.count_page()
        for entry in self._entries(url, listing):
            place = listing.plain(below + entry.name)
            if place is None:
                continue
            if not entry.is_directory:
                listing.add(
                    RemoteFile(place, url + quote(entry.name), entry.size, entry.exact, modified=entry.modified)
                )
            elif enter(place):
                self._walk(f"{url}{quote(entry.name)}/", f"{place}/", enter, depth + 1, listing)

    def _entries(self, url: str, listing: Listing) -> list[Entry]:
        response = _answer(self.session, url)
        check_status(response.status_code, shown(url))
        return listed_entries(response.text, shown(url), listing.limits.entries, listing.refuse)


def _answer(session: PatientSession, url: str, **options: Any) -> requests.Response:
    import requests

    try:
        return session.get(url, **options)
    except requests.RequestException as error:
        raise ServiceError(f"{shown(url)}: no answer ({type(error).__name__})") from None


def check_status(status: int, url: str) -> None:
    """Raise the error that a status of HTTP means; return if the status is one of success."""
    if status in NOT_THERE:
        raise NotAtDataCentreError(f"{url}: not there (status {status})")
    if status in CLOSED:
        raise ProprietaryError(f"{url}: status {status}: proprietary data, or a wrong password")
    if status >= 400:
        raise ServiceError(f"{url}: status {status}")


def listed_entries(
    page: str, url: str, most: int = Limits.entries, refuse: Callable[[str], None] = lambda _: None
) -> list[Entry]:
    """Return the files and directories that a page lists. Raise ServiceError if the page is not a listing.

    Links to `..`, another directory or site, or an order of sorting are passed over. `refuse` receives the reason for each
    other link whose name is not plain.
    """
    listing = _Links(most)
    try:
        listing.feed(page)
    except AssertionError as error:
        # The standard library's parser raises this for an unknown declaration such as <![x.
        wrong = f"{url}: no listing of a directory, but a page that is not HTML: {error}"
        raise ServiceError(wrong, page.encode(errors="replace")) from None
    title = listing.title.strip()
    if not title.startswith(("Index of", "Directory listing")):
        raise ServiceError(
            f"{url}: no listing of a directory, but a page {title[:60]!r}", page.encode(errors="replace")
        )
    entries = {}
    for link, beside in listing.links:
        try:
            target = urlsplit(link)
        except ValueError:
            refuse(f"{url}: the link {link[:200]!r} is not a URL: refused")
            continue
        place = target.path.rstrip("/")
        if target.netloc or target.query or target.scheme or not place or "/" in place or place in (".", ".."):
            continue
        name = unquote(place, errors="surrogateescape")
        if "/" in name or name in (".", ".."):
            refuse(f"{url}: the path {name[:200]!r} climbs out of its directory: refused")
            continue
        is_directory = target.path.endswith("/")
        size, exact = (None, False) if is_directory else _size_in(beside)
        date = DATE.search(beside)
        entries[name] = Entry(name, is_directory, size, exact, f"{date[1]}T{date[2]}" if date else "")
    return list(entries.values())


class _Links(HTMLParser):
    """Collects a page's title and its links, each with the text from its end to the next link.

    Raises ServiceError at more than `most` links.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.links: list[tuple[str, str]] = []
        self.title = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "title"):
            self._inside = tag
        if tag == "a":
            self.links.append((dict(attrs).get("href") or "", ""))
            if len(self.links) > self.most:
                raise ServiceError(f"a page with more than {self.most} links: given up")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title = (self.title + data)[:LONGEST_TEXT]
        elif not self._inside and self.links and len(self.links[-1][1]) < LONGEST_TEXT:
            link, beside = self.links[-1]
            self.links[-1] = link, f"{beside} {data[:LONGEST_TEXT]}"


def _size_in(beside: str) -> tuple[int | None, bool]:
    """Return the bytes in the text beside a link, and whether they are exact: `3481` is, `3.4K` is rounded."""
    for word in reversed(beside.split()):
        match = ROUNDED.fullmatch(word)
        if match:
            exact = not match[2] and "." not in match[1]
            return int(float(match[1]) * FACTORS[match[2]]), exact
    return None, False


class S3Bucket:
    """A public S3 bucket, read without credentials. Sizes are exact; files uploaded in one part have their MD5."""

    def __init__(self, base: str, session: PatientSession) -> None:
        self.base, self.session = base.rstrip("/") + "/", session

    def files(self, path: str, enter: Enter) -> Listing:
        """List files as FileTree does. Follows the pages of a listing, 1,000 keys each, to the last."""
        prefix = path.strip("/") + "/"
        listing = Listing(self.session.limits, f"{shown(self.base)}{prefix}")
        tokens = {""}
        token = self._page(prefix, "", listing)
        while token not in tokens:
            tokens.add(token)
            token = self._page(prefix, token, listing)
        if token:
            raise ServiceError(f"{listing.origin}: the pages of the listing go round in a circle: given up")
        if not listing.files and not listing.refused:
            raise NotAtDataCentreError(f"{listing.origin}: not there (no keys)")
        entered = [file for file in listing.files if "/" not in file.path or enter(file.path.rsplit("/", 1)[0])]
        listing.files = entered
        return listing.without_clashes()

    def _page(self, prefix: str, token: str, listing: Listing) -> str:
        """Add a page's files to the listing. Return the token of the next page, or '' after the last."""
        listing.count_page()
        parameters = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
        response = _answer(self.session, self.base, params=parameters)
        check_status(response.status_code, f"{shown(self.base)} ({prefix})")
        root = xml_root(response.content, f"{listing.origin}: the listing")
        space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
        if root.tag != f"{space}ListBucketResult":
            raise ServiceError(f"{listing.origin}: no listing, but {root.tag[:60]!r}", response.content)
        for content in root.iter(f"{space}Contents"):
            key = content.findtext(f"{space}Key", "")
            etag = content.findtext(f"{space}ETag", "").strip('"')
            if not key.startswith(prefix) or key.endswith("/"):
                continue
            size, path = content.findtext(f"{space}Size", ""), listing.plain(key.removeprefix(prefix))
            if path is None:
                continue
            if not re.fullmatch(r"[0-9]{1,18}", size):
                listing.refuse(f"{listing.origin}: {path!r} has the size {size[:40]!r}, which is not a number: refused")
                continue
            modified = content.findtext(f"{space}LastModified", "")[:40]
            md5 = etag if re.fullmatch(r"[0-9a-f]{32}", etag) else ""
            listing.add(RemoteFile(path, self.base + quote(key), int(size), True, md5, modified))
        return root.findtext(f"{space}NextContinuationToken", "")


def xml_root(body: bytes, what: str) -> ElementTree.Element:
    """Return the root of XML from outside. Raise ServiceError if it is not XML, or holds more than data."""
    from xml.etree import ElementTree

    refuse_entities(body, what)
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ServiceError(f"{what} is no XML: {error}", body) from None


class LocalTree:
    """A tree of files on a disk of this machine, laid out like the data centre's."""

    def __init__(self, base: str, limits: Limits) -> None:
        self.base = local_directory(base)
        self.limits = limits

    def files(self, path: str, enter: Enter) -> Listing:
        """List files as FileTree does. Refuses links that lead nowhere."""
        root = require_directory(self.base) / path.strip("/")
        if not root.is_dir():
            raise NotAtDataCentreError(f"{root}: not there")
        listing = Listing(self.limits, str(root))
        self._walk(root, "", enter, 0, listing)
        return listing.without_clashes()

    def _walk(self, folder: Path, below: str, enter: Enter, depth: int, listing: Listing) -> None:
        listing.require_depth(depth)
        listing.count_page()
        for path in sorted(folder.iterdir()):
            place = listing.plain(below + path.name)
            if place is None:
                continue
            if path.is_dir():
                if enter(place):
                    self._walk(path, f"{place}/", enter, depth + 1, listing)
            elif path.is_file():
                stat = path.stat()
                modified = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds")
                listing.add(RemoteFile(place, path.absolute().as_uri(), stat.st_size, True, modified=modified))
            else:
                listing.refuse(f"{listing.origin}: {place!r} is not a file, or a link that leads nowhere: refused")


def is_local(base: str) -> bool:
    """Return True if the base of a data centre is a directory of this machine."""
    return base.startswith(("/", "file://"))


def local_directory(base: str) -> Path:
    """Return the directory of this machine that the base of a data centre names."""
    return Path(unquote(base.removeprefix("file://")) if base.startswith("file://") else base)


def require_directory(mirror: Path) -> Path:
    """Return the directory of a mirror. Raise ServiceError if it is not a directory."""
    if not mirror.is_dir():
        raise ServiceError(f"{mirror} is not a directory; expected one laid out like the archive")
    return mirror


def file_tree(name: str, base: str, session: PatientSession) -> FileTree:
    """Return the client of a data centre at a base: a directory or `file://` is local, `s3` a bucket, others HTTP trees."""
    if is_local(base):
        return LocalTree(base, session.limits)
    return S3Bucket(base, session) if name == "s3" else HttpTree(base, session)
