"""Archives of files: what each has of an observation, with sizes; Apache indexes, S3, eRODat, local trees."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from daxa_wf.errors import DaxaError, ServiceError
from daxa_wf.json_files import Count

if TYPE_CHECKING:
    from xml.etree import ElementTree

    import requests

ROUNDED = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([KMGT]?)")
FACTORS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
NOT_THERE = (404, 410)
CLOSED = (401, 403)
DEEPEST = 6


class NotInArchiveError(DaxaError):
    """The archive answers, and does not have it."""


class ProprietaryError(ServiceError):
    """The archive has it, and does not give it away."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of an archive: its path below the observation, where it is, bytes (None: not known), MD5 where given.

    `exact` is False where the listing rounds sizes.
    """

    path: str
    url: str
    size: Count | None = None
    exact: bool = False
    md5: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of a directory's listing."""

    name: str
    is_directory: bool
    size: int | None = None
    exact: bool = False


Enter = Callable[[str], bool]
"""Says whether to look into a directory, by its path below the observation."""


class FileArchive(Protocol):
    """A place that can say what it has below a path."""

    def files(self, path: str, enter: Enter) -> list[RemoteFile]:
        """Every file below `path`, in the directories that `enter` accepts; NotInArchiveError if there is no such path."""
        ...


class HttpTree:
    """A tree of directories over HTTP whose pages list them: Apache's index, eRODat's tables."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.base, self.session = base.rstrip("/") + "/", session

    def files(self, path: str, enter: Enter) -> list[RemoteFile]:
        """See FileArchive."""
        return list(self._walk(urljoin(self.base, path.strip("/") + "/"), "", enter, 0))

    def _walk(self, url: str, below: str, enter: Enter, depth: int) -> Iterator[RemoteFile]:
        for entry in self._entries(url):
            place = below + entry.name
            if not entry.is_directory:
                yield RemoteFile(place, url + quote(entry.name), entry.size, entry.exact)
            elif enter(place) and depth < DEEPEST:
                yield from self._walk(f"{url}{quote(entry.name)}/", f"{place}/", enter, depth + 1)

    def _entries(self, url: str) -> list[Entry]:
        response = _answer(self.session, url)
        check_status(response.status_code, url)
        return listed_entries(response.text, url)


def _answer(session: requests.Session, url: str, **options: Any) -> requests.Response:
    import requests

    try:
        return session.get(url, **options)
    except requests.RequestException as error:
        raise ServiceError(f"{url}: no answer ({type(error).__name__})") from None


def check_status(status: int, url: str) -> None:
    """Nothing if a status is one of success; else the error that it means."""
    if status in NOT_THERE:
        raise NotInArchiveError(f"{url}: not there (status {status})")
    if status in CLOSED:
        raise ProprietaryError(f"{url}: status {status}: proprietary data, or a wrong password")
    if status >= 400:
        raise ServiceError(f"{url}: status {status}")


def listed_entries(page: str, url: str) -> list[Entry]:
    """The files and directories that a page lists. ServiceError if it is no listing.

    A name that is not a plain one (`..`, one with a slash, another site's) is not followed.
    """
    listing = _Listing()
    try:
        listing.feed(page)
    except AssertionError as error:
        # What the parser of the standard library raises for a declaration such as <![x that it does not know.
        raise ServiceError(
            f"{url}: no listing of a directory, but a page that is not HTML: {error}", page.encode(errors="replace")
        ) from None
    title = listing.title.strip()
    if not title.startswith(("Index of", "Directory listing")):
        raise ServiceError(
            f"{url}: no listing of a directory, but a page {title[:60]!r}", page.encode(errors="replace")
        )
    found = {}
    for link, beside in listing.links:
        try:
            target = urlsplit(link)
        except ValueError:
            continue
        name = unquote(target.path)
        plain = name.rstrip("/")
        if target.netloc or target.query or not plain or "/" in plain or plain in (".", ".."):
            continue
        size, exact = (None, False) if name.endswith("/") else _size_in(beside)
        found[plain] = Entry(plain, name.endswith("/"), size, exact)
    return list(found.values())


class _Listing(HTMLParser):
    """The links of a page, each with the text from its end to the next link, and the page's title."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.title = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "title"):
            self._inside = tag
        if tag == "a":
            self.links.append((dict(attrs).get("href") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        elif not self._inside and self.links:
            link, beside = self.links[-1]
            self.links[-1] = link, f"{beside} {data}"


def _size_in(beside: str) -> tuple[int | None, bool]:
    """Bytes from what stands beside a link: whole numbers are exact, `3.4K` is rounded."""
    for word in reversed(beside.split()):
        match = ROUNDED.fullmatch(word)
        if match:
            exact = not match[2] and "." not in match[1]
            return int(float(match[1]) * FACTORS[match[2]]), exact
    return None, False


class S3Bucket:
    """A public bucket, asked without credentials: exact sizes, and the MD5 of what was not uploaded in parts."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.base, self.session = base.rstrip("/") + "/", session

    def files(self, path: str, enter: Enter) -> list[RemoteFile]:
        """See FileArchive; pages of a listing (1,000 keys each) are followed to their end."""
        prefix, token, found = path.strip("/") + "/", "", []
        while True:
            page, token = self._page(prefix, token)
            found += page
            if not token:
                break
        if not found:
            raise NotInArchiveError(f"{self.base}{prefix}: not there (no keys)")
        return [each for each in found if "/" not in each.path or enter(each.path.rsplit("/", 1)[0])]

    def _page(self, prefix: str, token: str) -> tuple[list[RemoteFile], str]:
        asked = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
        response = _answer(self.session, self.base, params=asked)
        check_status(response.status_code, f"{self.base} ({prefix})")
        root = xml_root(response.content, f"{self.base}: the listing of {prefix}")
        space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
        if root.tag != f"{space}ListBucketResult":
            raise ServiceError(f"{self.base}: no listing of {prefix}, but {root.tag}", response.content)
        files = []
        for each in root.iter(f"{space}Contents"):
            key = each.findtext(f"{space}Key", "")
            etag = each.findtext(f"{space}ETag", "").strip('"')
            if key.startswith(prefix) and not key.endswith("/"):
                digits = each.findtext(f"{space}Size", "").strip()
                if not re.fullmatch(r"[0-9]{1,18}", digits):
                    wrong = f"{self.base}: the listing of {prefix} gives {key[:200]!r} the size {digits[:40]!r}"
                    raise ServiceError(f"{wrong}; expected a number of bytes", response.content)
                size = int(digits)
                md5 = etag if re.fullmatch(r"[0-9a-f]{32}", etag) else ""
                files.append(RemoteFile(key.removeprefix(prefix), self.base + quote(key), size, True, md5))
        return files, root.findtext(f"{space}NextContinuationToken", "")


def refuse_entities(body: bytes, what: str) -> None:
    """Raise ServiceError if XML defines entities, which can multiply or read files, or hides them in another encoding."""
    if b"<!ENTITY" in body or b"\0" in body[:1000]:
        raise ServiceError(f"{what} defines entities, or is not UTF-8, which no answer needs: refused", body)


def xml_root(body: bytes, what: str) -> ElementTree.Element:
    """Return the root of XML from outside; ServiceError if it is not XML, or more than data."""
    from xml.etree import ElementTree

    refuse_entities(body, what)
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ServiceError(f"{what} is no XML: {error}", body) from None


class LocalTree:
    """A tree of files on a disk of this machine, laid out like the archive."""

    def __init__(self, base: str) -> None:
        self.base = Path(unquote(base.removeprefix("file://")) if base.startswith("file://") else base)

    def files(self, path: str, enter: Enter) -> list[RemoteFile]:
        """See FileArchive."""
        root = self.base / path.strip("/")
        if not self.base.is_dir():
            raise ServiceError(f"{self.base} is not a directory; expected one laid out like the archive")
        if not root.is_dir():
            raise NotInArchiveError(f"{root}: not there")
        return list(self._walk(root, "", enter))

    def _walk(self, folder: Path, below: str, enter: Enter) -> Iterator[RemoteFile]:
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                if enter(below + path.name):
                    yield from self._walk(path, f"{below}{path.name}/", enter)
            else:
                yield RemoteFile(below + path.name, path.absolute().as_uri(), path.stat().st_size, True)


def file_archive(name: str, base: str, session: requests.Session) -> FileArchive:
    """The client of an archive at a base: a directory or `file://` is local, `s3` a bucket, the rest are HTTP trees."""
    if base.startswith(("/", "file://")):
        return LocalTree(base)
    return S3Bucket(base, session) if name == "s3" else HttpTree(base, session)
