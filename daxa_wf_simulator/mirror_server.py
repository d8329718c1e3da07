"""Serves a mirror on loopback: trees with Apache's or eRODat's listings, an S3 bucket, XSA's AIO.

The mirror holds `heasarc/`, which the bucket, CXC and AIO serve too, and `erosita_de/`.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

KEYS_A_PAGE = 1000
"""Keys in a page of an S3 listing."""


@dataclass
class ServedMirror:
    """A mirror that is served, with the requests and the bytes sent by path.

    `fault` may answer a request in place of the server, and returns True if it did. `page` is the number of keys in a page
    of an S3 listing.
    """

    root: Path
    base: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    fault: Callable[[Any, str], bool] | None = None
    page: int = KEYS_A_PAGE
    change_etag: str = ""

    @property
    def bases(self) -> dict[str, tuple[str, ...]]:
        """Return the base URLs of the data centres in the form of the configuration's key `archives`."""
        return {
            "heasarc": (f"{self.base}/heasarc/",), "s3": (f"{self.base}/s3/",), "xsa": (f"{self.base}/aio",),
            "erosita_de": (f"{self.base}/erosita_de/",), "cxc": (f"{self.base}/heasarc/chandra/data/",),
        }  # fmt: skip

    def file(self, path: str) -> Path:
        """Return the file or directory that the path of a URL names."""
        tree = "heasarc/" + path.removeprefix("/s3/") if path.startswith("/s3/") else path.lstrip("/")
        return self.root / tree


@contextmanager
def serve_mirror(root: Path) -> Iterator[ServedMirror]:
    """Serve a mirror on loopback as long as the context is open."""
    mirror = ServedMirror(root)

    class BoundHandler(_MirrorHandler):
        state = mirror

    server = _Server(("127.0.0.1", 0), BoundHandler)
    mirror.base = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection."""


class _MirrorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: ServedMirror

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), parse_qs(parts.query)
        self.state.requests[path] += 1
        if self.state.fault is not None and self.state.fault(self, path):
            return
        if path == "/s3/" and "list-type" in query:
            self.page(bucket_page(self.state, query), "application/xml")
        elif path == "/aio":
            self.aio(query)
        elif path.endswith("/"):
            self.listing(path)
        else:
            self.file(path)

    def page(self, body: bytes, kind: str = "text/html;charset=UTF-8", status: int = 200) -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def listing(self, path: str) -> None:
        folder = self.state.file(path)
        if not folder.is_dir():
            self.page(b"<html><title>404 Not Found</title></html>", status=404)
            return
        made = erodat_page if "/erodat/" in path else apache_page
        self.page(made(folder, path).encode())

    def file(self, path: str) -> None:
        place = self.state.file(path)
        if not place.is_file():
            self.page(b"<html><title>404 Not Found</title><body>Not Found</body></html>", status=404)
            return
        stat = place.stat()
        etag = f'"{stat.st_size:x}-{stat.st_mtime_ns:x}{self.state.change_etag}"'
        start = self.start(etag, stat.st_size)
        if start >= stat.st_size > 0:
            self.page(b"", status=416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(stat.st_size - start))
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", formatdate(stat.st_mtime, usegmt=True))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{stat.st_size - 1}/{stat.st_size}")
        self.end_headers()
        self.wfile.flush()
        self.state.sent[path] += stat.st_size - start
        with place.open("rb") as stream:
            self.connection.sendfile(stream, start)

    def start(self, etag: str, size: int) -> int:
        """Return where the requested range begins; 0 if the file has changed since the client asked first."""
        requested = self.headers.get("Range", "")
        if not requested.startswith("bytes=") or self.headers.get("If-Range", etag) != etag:
            return 0
        return min(int(requested.removeprefix("bytes=").partition("-")[0]), size)

    def aio(self, query: dict[str, list[str]]) -> None:
        body = aio_tar(self.state.root, {key: values[0] for key, values in query.items()})
        if body is None:
            self.page(b"No data", "text/plain", 404)
            return
        self.state.sent["/aio"] += len(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-tar")
        self.send_header("Content-Disposition", 'attachment; filename="answer.tar"')
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing."""


def apache_page(folder: Path, path: str) -> str:
    """Return Apache's index page of a directory, which rounds sizes."""
    lines = []
    for entry in sorted(folder.iterdir()):
        name = entry.name + "/" * entry.is_dir()
        size = "-" if entry.is_dir() else rounded(entry.stat().st_size)
        link = f'<a href="{quote(name)}">{escape(name[:25])}</a>'
        modified = datetime.fromtimestamp(entry.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")
        lines.append(f'<img src="/icons/x.gif" alt="[   ]"> {link}  {modified}  {size}  ')
    up = escape(path.rstrip("/").rsplit("/", 1)[0])
    title = f"Index of {escape(path.rstrip('/'))}"
    head = (
        f'<a href="?C=N;O=D">Name</a> <a href="?C=M;O=A">Last modified</a><hr><a href="{up}/">Parent Directory</a>  -'
    )
    body = "\n".join([head, *lines])
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><pre>{body}\n<hr></pre></body></html>"


def rounded(size: int) -> str:
    """Return bytes in Apache's form: `512`, `3.4K`, `21M`."""
    if size < 1024:
        return str(size)
    value, unit = size / 1024, "K"
    for larger in "MGT":
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f}{unit}" if value < 10 else f"{value:.0f}{unit}"


def erodat_page(folder: Path, path: str) -> str:
    """Return eRODat's page of a directory: a table with exact sizes."""
    rows = ['<tr class="isdir"><td><a href="../">Parent directory</a></td><td>Directory</td><td>t</td><td></td></tr>']
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            rows.append(
                f'<tr class="isdir"><td><a href="{entry.name}/">{entry.name}/</a></td><td>Directory</td><td>t</td><td></td></tr>'
            )
        else:
            size = entry.stat().st_size
            rows.append(
                f'<tr class="isfile"><td><a href="{entry.name}">{entry.name}</a></td><td>File</td><td>t<td>{size}</td></tr>'
            )
    title = f"Directory listing for {escape(path)} | eRODat"
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><table>{''.join(rows)}</table></body></html>"


def bucket_page(mirror: ServedMirror, query: dict[str, list[str]]) -> bytes:
    """Return a page of a bucket's listing in the form of ListObjectsV2."""
    prefix, after = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
    root = mirror.root / "heasarc"
    folder = root / prefix
    below = folder.rglob("*") if folder.is_dir() else ()
    keys = sorted(path.relative_to(root).as_posix() for path in below if path.is_file())
    keys = [key for key in keys if key > after]
    page, rest = keys[: mirror.page], keys[mirror.page :]
    entries = []
    for key in page:
        data = (root / key).read_bytes()
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        entries.append(
            f"<Contents><Key>{escape(key)}</Key><ETag>&quot;{etag}&quot;</ETag><Size>{len(data)}</Size></Contents>"
        )
    token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if rest else ""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<IsTruncated>{str(bool(rest)).lower()}</IsTruncated>{''.join(entries)}{token}</ListBucketResult>"
    )
    return text.encode()


def aio_tar(root: Path, parameters: dict[str, str]) -> bytes | None:
    """Return AIO's answer about an observation, None if the mirror lacks it.

    It is a tar file of the PPS files of a name, or one that holds the ODF as a tar file.
    """
    obsid, level = parameters.get("obsno", ""), parameters.get("level", "")
    folder = root / "heasarc" / "xmm" / "data" / "rev0" / obsid / level
    if not obsid.isdigit() or not folder.is_dir():
        return None
    name = parameters.get("name", "")
    files = [path for path in sorted(folder.iterdir()) if not name or name in path.name]
    if not files:
        return None
    if level == "ODF":
        inner = [path for path in files if not path.name.startswith("MANIFEST")]
        outer = [path for path in files if path.name.startswith("MANIFEST")]
        packed = _tar([(path.name, path.read_bytes()) for path in inner])
        revolution = inner[0].name[:4]
        members = [*((path.name, path.read_bytes()) for path in outer), (f"{revolution}_{obsid}.TAR", packed)]
        return _tar(members, "w:gz")
    return _tar([(f"{obsid}/pps/{path.name}", path.read_bytes()) for path in files])


def _tar(members: list[tuple[str, bytes]], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()
