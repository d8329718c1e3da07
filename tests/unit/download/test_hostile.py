"""Hostile or broken servers and files: nothing outside the store, nothing endless, no secret sent or shown elsewhere."""

from __future__ import annotations

import gzip
import io
import json
import logging
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest, write_manifest
from daxa_wf.archive.records import FileStamp, Record, Status, read_record, write_record
from daxa_wf.download.data_centres import HttpTree, LocalTree, RemoteFile, S3Bucket, listed_entries
from daxa_wf.download.download import download
from daxa_wf.download.many import orders_for, part_of, verified
from daxa_wf.download.observation import Fetcher, refused_notes
from daxa_wf.download.paths import fill, paths_at, raw_directory
from daxa_wf.download.store import Ledger, stored_file
from daxa_wf.download.unpack import decompress, unpack_tar
from daxa_wf.errors import CorruptFileError, ServiceError, UnsafePathError
from daxa_wf.files import LEDGER
from daxa_wf.fits.verify import check_content
from daxa_wf.limits import KB, MB, Limits, SpeedGauge, TooSlowError
from daxa_wf.mission.spec import SharedDirectory
from daxa_wf.tables.http import PatientSession, session
from daxa_wf.tables.tap import fetch_table
from daxa_wf.units import Unit
from daxa_wf_simulator.mirror_server import ServedMirror, serve_mirror
from tests.archives import CHANDRA, content, fits_bytes
from tests.unit.conftest import fetcher_of, wish

SMALL_LIMITS = Limits(
    listing=100 * KB, table=300 * KB, answer_time=20.0, pages=20, entries=200, depth=4, file=1 * MB, unpacked=1 * MB,
    ratio=10, header=29 * KB, speed=1000.0, speed_time=0.5, retry_after=5.0,
)  # fmt: skip
EVERYTHING: Callable[[str], bool] = lambda _: True  # noqa: E731


def quick(**limits: Any) -> PatientSession:
    return session(retries=1, backoff=0.0, read=5.0, limits=replace(SMALL_LIMITS, **limits))


# ---- 4.1: paths --------------------------------------------------------------------------------------------------

HOSTILE_NAMES = [
    "../../evil", "/etc/evil", "a/../../../evil", "a\x1b[31m", "a\nb", "a\\b", LEDGER, f"deep/{LEDGER}", "x\x85y",
    ".file.fits.part", ".daxa_wf.lock",
]  # fmt: skip


FILE = content("x.fits")


def s3_page(prefix: str, names: list[str], token: str = "") -> bytes:
    entries = [f"<Contents><Key>{escape(prefix + name)}</Key><Size>{len(FILE)}</Size></Contents>" for name in names]
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return f"<ListBucketResult>{''.join(entries)}{more}</ListBucketResult>".encode()


def files_below(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def serve_bucket(httpserver: HTTPServer, names: list[str]) -> str:
    """A bucket whose listing has these names below any prefix, and whose files all exist."""

    def answer(request: Request) -> Response:
        if "list-type" in request.args:
            return Response(s3_page(request.args["prefix"], names), content_type="application/xml")
        return Response(FILE, content_type="application/fits")

    httpserver.expect_request(re.compile("/.*")).respond_with_handler(answer)
    return httpserver.url_for("/")


XML_SAFE = [name for name in HOSTILE_NAMES if "\x1b" not in name]


def test_no_key_of_a_bucket_leads_out_of_the_store(httpserver: HTTPServer, tmp_path: Path) -> None:
    """Shared directories take everything below them (`**`): keys such as `../x` were written outside the store."""
    base = serve_bucket(httpserver, [*XML_SAFE, "good/file.fits"])
    one = wish("chandra")
    shared = SharedDirectory("common", {"heasarc": "common/"}, ("**",))
    greedy = replace(one, spec=replace(one.spec, shared=(shared,), files=(replace(one.spec.files[0], globs=("**",)),)))
    store = tmp_path / "outer" / "store"
    fetcher = Fetcher(store, quick(), {"s3": (base,)}, pause=0.0)
    acquired = fetcher.acquire(greedy)
    assert [each.path for each in acquired.files] == ["good/file.fits"]
    (note,) = [note for note in acquired.notes if "refused" in note]
    assert note.startswith(f"{len(XML_SAFE)} entries of listings refused: ")
    assert "'../../evil' climbs out of its directory" in note
    assert f"'{LEDGER}' is a name that daxa_wf reserves" in note
    own = (".slots", ".daxa_wf")
    there = {path for path in files_below(tmp_path) if not any(part.startswith(own) for part in path.split("/"))}
    assert there == {
        "outer/store/chandra_raw/12812/good/file.fits",
        "outer/store/chandra_raw/common/good/file.fits",
    }
    assert {json.loads(line).get("path", "") for line in (store / "chandra_raw/common" / LEDGER).read_text().splitlines()} \
        == {"good/file.fits", ""}  # fmt: skip


def test_no_link_of_a_page_leads_out_of_the_directory(httpserver: HTTPServer) -> None:
    links = ["..%2f..%2fevil", "%2e%2e", "a%0ab", "a%1b%5b31m", "a%5cb", LEDGER, "%ff%fe", "ok.fits", "http://%5b/x"]
    page = "<title>Index of /x</title>" + "".join(f'<a href="{link}">l</a> 7' for link in links)
    httpserver.expect_request("/x/").respond_with_data(page, content_type="text/html")
    listing = HttpTree(httpserver.url_for("/"), quick()).files("x", EVERYTHING)
    assert [each.path for each in listing.files] == ["ok.fits"]
    assert len(listing.refused) == len(links) - 2
    assert all("refused" in why for why in listing.refused)


def test_navigation_of_a_page_is_neither_followed_nor_reported() -> None:
    page = (
        '<title>Index of /x</title><a href="?C=N">n</a><a href="../">up</a><a href="/x/">x</a><a href="//evil/y">y</a>'
        '<a href="mailto:a@b">m</a><a href="javascript:void">j</a><a href="ok.fits">ok</a>'
    )
    refused: list[str] = []
    assert [each.name for each in listed_entries(page, "u", 100, refused.append)] == ["ok.fits"]
    assert refused == []


def test_odd_names_and_dangling_links_of_a_mirror_are_refused_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "obs").mkdir()
    for name in ("good.fits", "a\nb.fits", LEDGER):
        (tmp_path / "obs" / name).write_bytes(b"x")
    (tmp_path / "obs" / "dangling.fits").symlink_to(tmp_path / "nowhere")
    listing = LocalTree(str(tmp_path), SMALL_LIMITS).files("obs", EVERYTHING)
    assert [each.path for each in listing.files] == ["good.fits"]
    assert len(listing.refused) == 3


def test_a_name_that_is_a_file_and_a_directory_spoils_nothing(httpserver: HTTPServer) -> None:
    base = serve_bucket(httpserver, ["a", "a/b.fits", "c.fits", "c.fits"])
    listing = S3Bucket(base, quick()).files("p", EVERYTHING)
    assert [each.path for each in listing.files] == ["a/b.fits", "c.fits"]
    assert len(listing.refused) == 2


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_transfer_to_a_hostile_path_is_refused_before_it_begins(name: str, tmp_path: Path) -> None:
    """Whatever a listing may have let through: fetching, by either program, proves the path again."""
    remote = RemoteFile(name, "http://127.0.0.1:9/x")
    with pytest.raises(UnsafePathError, match="refused"):
        part_of(tmp_path, remote)
    fetcher = Fetcher(tmp_path / "store", quick(), {})
    with pytest.raises(UnsafePathError, match="refused"):
        fetcher._file("heasarc", remote, Ledger(tmp_path / "store"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_tar_file_with_a_hostile_member_is_refused_whole(name: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "answer.tar", "w") as archive:
        for each in ("good.fits", name):
            info = tarfile.TarInfo(each)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
    with pytest.raises(UnsafePathError, match="refused"):
        unpack_tar(tmp_path / "answer.tar", tmp_path / "out", lambda member: member)
    assert files_below(tmp_path) == {"answer.tar"}


def test_a_link_in_the_store_cannot_lead_a_member_out_of_it(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "answer.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("door/x"), io.BytesIO(b""))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "door").symlink_to(tmp_path)
    with pytest.raises(UnsafePathError, match="leads out of"):
        unpack_tar(tmp_path / "answer.tar", tmp_path / "out", lambda member: member)


def test_facts_of_a_table_cannot_make_a_path_that_climbs() -> None:
    """Each fact is plain, but a slice of it is `..`."""
    with pytest.raises(UnsafePathError, match=r"climbs out"):
        fill("scw/{obsid[1:3]}/x", {"obsid": "a..b"})
    one = wish("chandra")
    for obsid in ("..", "../x", "12812\n", "/etc"):
        with pytest.raises(CorruptFileError):
            raw_directory(one.spec, {"obsid": obsid})
        with pytest.raises(CorruptFileError):
            paths_at(one.spec, "heasarc", {"obsid": obsid})


@pytest.mark.parametrize("path", ["../../x", "/etc/passwd", f"a/{LEDGER}", ""])
def test_a_line_of_a_ledger_with_a_hostile_path_is_left_out(
    path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.fits").write_bytes(b"x")
    good = stored_file(tmp_path, "good.fits", "0" * 64, "u", "a")
    lines = [vars(good), {**vars(good), "path": path}]
    (tmp_path / LEDGER).write_text("".join(json.dumps(each) + "\n" for each in lines))
    assert set(Ledger(tmp_path).files) == {"good.fits"}
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    "change", [{"events": "../x"}, {"odf": "/etc"}, {"obsid": ".."}, {"exposure": "a/b"}, {"attitude": "a\\b"}]
)
def test_a_manifest_with_a_hostile_path_is_no_manifest(change: dict[str, str], tmp_path: Path) -> None:
    row = ManifestRow("xmm_pointed", "0201903501", "M1", "S001", events="PPS/list.FTZ")
    write_manifest(tmp_path / "manifest.tsv", [replace(row, **change)])
    with pytest.raises(CorruptFileError, match="refused"):
        read_manifest(tmp_path / "manifest.tsv")


def test_identifiers_are_stripped_before_they_are_compared(tmp_path: Path) -> None:
    rows = [ManifestRow("chandra", obsid, "", "") for obsid in ("12812", "12812 ", " 12812")]
    write_manifest(tmp_path / "manifest.tsv", rows)
    assert {row.obsid for row in read_manifest(tmp_path / "manifest.tsv")} == {"12812"}


@pytest.mark.parametrize("path", ["../../victim", "/etc/passwd"])
def test_a_record_whose_products_are_elsewhere_is_no_record(path: str, tmp_path: Path) -> None:
    layout, unit = Layout(tmp_path), Unit("chandra", "12812")
    stamp = FileStamp(path, 1, 1, "0" * 64, "events")
    write_record(layout, Record("acquire", unit, Status.DONE, products=[stamp]))
    with pytest.raises(CorruptFileError, match="refused"):
        read_record(layout.record("acquire", unit))


def test_refused_entries_are_counted_and_the_first_are_named() -> None:
    assert refused_notes([]) == []
    (note,) = refused_notes([f"entry {number}" for number in range(25)])
    assert note.startswith("25 entries of listings refused: entry 0; ")
    assert note.endswith("entry 9; and 15 more")


# ---- 4.9: limits -------------------------------------------------------------------------------------------------


@pytest.fixture
def endless(httpserver: HTTPServer) -> Iterator[Callable[[Any, dict[str, str]], str]]:
    """A server whose answer to everything is made of the parts that a function gives, for ever if it does."""

    def serve(parts: Any, headers: dict[str, str]) -> str:
        httpserver.expect_request(re.compile("/.*")).respond_with_handler(
            lambda request: Response(parts(), headers=headers, direct_passthrough=True)
        )
        return httpserver.url_for("/")

    yield serve
    httpserver.clear()


def forever(data: bytes, pause: float = 0.0) -> Callable[[], Iterator[bytes]]:
    def parts() -> Iterator[bytes]:
        stop = time.monotonic() + 30
        while time.monotonic() < stop:
            yield data
            time.sleep(pause)

    return parts


def clients(base: str, patient: PatientSession) -> dict[str, Callable[[], object]]:
    source = wish("chandra").spec.tables[0]
    return {
        "a listing": lambda: HttpTree(base, patient).files("x", EVERYTHING),
        "a bucket": lambda: S3Bucket(base, patient).files("x", EVERYTHING),
        "a table": lambda: fetch_table(source, [base + "tap"], patient),
    }


KINDS = ("a listing", "a bucket", "a table")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [200, 404, 503, 302])
def test_an_endless_answer_is_given_up(kind: str, status: int, httpserver: HTTPServer) -> None:
    """Whatever its status: the bodies of refusals and redirects were read to their ends too."""
    headers = {"Location": "/further"} if status == 302 else {}
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(
        lambda request: Response(forever(b"x" * 10_000)(), status=status, headers=headers, direct_passthrough=True)
    )
    with pytest.raises(ServiceError, match="larger than"):
        clients(httpserver.url_for("/"), quick())[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_grows_when_unpacked_is_given_up(kind: str, endless: Any) -> None:
    packed = gzip.compress(b" " * 3_000_000)
    assert len(packed) < 100 * KB
    base = endless(lambda: iter([packed]), {"Content-Encoding": "gzip"})
    with pytest.raises(ServiceError, match="larger than"):
        clients(base, quick())[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_a_few_bytes_a_second_is_given_up(kind: str, endless: Any) -> None:
    base = endless(forever(b"ab", 0.2), {})
    with pytest.raises(ServiceError, match=r"too slowly \(\d+ bytes in \d+ s, slower than 1000 B/s\)"):
        clients(base, quick())[kind]()


def test_an_answer_that_never_ends_is_given_up_however_fast_it_is(endless: Any) -> None:
    base = endless(forever(b"x" * 1000, 0.1), {})
    with pytest.raises(ServiceError, match="has not ended after 1 s"):
        HttpTree(base, quick(answer_time=1.0, listing=100 * MB)).files("x", EVERYTHING)


def test_a_large_table_is_no_large_listing(httpserver: HTTPServer) -> None:
    """Tables have a limit of their own, which holds for the thread that fetches one, and as long as it does."""
    httpserver.expect_request("/big").respond_with_data(b"x" * 200_000)
    patient = quick()
    with pytest.raises(ServiceError, match="larger than 100000 bytes"):
        patient.get(httpserver.url_for("/big"))
    with patient.expecting(SMALL_LIMITS.table):
        assert len(patient.get(httpserver.url_for("/big")).content) == 200_000
    with pytest.raises(ServiceError, match="larger than 100000 bytes"):
        patient.get(httpserver.url_for("/big"))


@pytest.mark.parametrize("asked", ["100000", "Fri, 31 Dec 9999 23:59:59 GMT", "1" * 400])
def test_a_server_that_asks_to_wait_for_ever_is_given_up(asked: str, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request(re.compile("/.*")).respond_with_data("later", status=429, headers={"Retry-After": asked})
    base = httpserver.url_for("/")
    with pytest.raises(ServiceError, match=r"Retry-After|429"):
        HttpTree(base, quick()).files("x", EVERYTHING)
    with pytest.raises(ServiceError, match=r"Retry-After|429"):
        download(RemoteFile("x.fits", base + "x.fits"), tmp_path / "x.fits", quick(), pause=0.0)
    assert len(httpserver.log) <= 4


def test_pages_of_a_bucket_without_an_end_are_given_up(httpserver: HTTPServer) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.args.get("continuation-token", ""))
        return Response(s3_page("x/", ["a.fits"], token=f"t{len(asked)}"))

    httpserver.expect_request("/").respond_with_handler(answer)
    with pytest.raises(ServiceError, match="more than 20 pages"):
        S3Bucket(httpserver.url_for("/"), quick()).files("x", EVERYTHING)
    assert len(asked) == 20


def test_pages_of_a_bucket_in_a_circle_are_given_up(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(s3_page("x/", ["a.fits"], token="again"))
    with pytest.raises(ServiceError, match="circle"):
        S3Bucket(httpserver.url_for("/"), quick()).files("x", EVERYTHING)
    assert len(httpserver.log) == 2


def test_a_listing_of_too_many_files_is_given_up(httpserver: HTTPServer) -> None:
    base = serve_bucket(httpserver, [f"{number}.fits" for number in range(300)])
    with pytest.raises(ServiceError, match="more than 200 entries"):
        S3Bucket(base, quick()).files("x", EVERYTHING)
    page = "<title>Index of /x</title>" + "".join(f'<a href="{number}">' for number in range(300))
    with pytest.raises(ServiceError, match="more than 200 links"):
        listed_entries(page, "u", 200)


@pytest.mark.parametrize("names", [["again/"], ["a/", "b/", "c/"]])
def test_a_listing_that_goes_round_in_a_circle_is_given_up(names: list[str], httpserver: HTTPServer) -> None:
    page = "<title>Index of /x</title>" + "".join(f'<a href="{name}">{name}</a>' for name in names)
    httpserver.expect_request(re.compile("/.*")).respond_with_data(page, content_type="text/html")
    with pytest.raises(ServiceError, match=r"more than 4 deep|more than 20 pages"):
        HttpTree(httpserver.url_for("/"), quick()).files("x", EVERYTHING)
    assert len(httpserver.log) <= 20


def test_a_mirror_with_a_link_to_itself_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "obs").mkdir()
    (tmp_path / "obs" / "loop").symlink_to(tmp_path / "obs")
    with pytest.raises(ServiceError, match="more than 4 deep"):
        LocalTree(str(tmp_path), SMALL_LIMITS).files("obs", EVERYTHING)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("listed", "exact", "limit"), [(2880, True, 2880), (2880, False, 4192), (None, False, 1_000_000)]
)
def test_a_download_is_not_longer_than_its_listing_and_the_limits_allow(
    announced: bool, listed: int | None, exact: bool, limit: int, endless: Any, tmp_path: Path
) -> None:
    base = endless(forever(b"x" * 10_000), {"Content-Length": "4200000000"} if announced else {})
    remote = RemoteFile("x.fits", base + "x.fits", listed, exact)
    told: list[int] = []
    with pytest.raises(CorruptFileError, match=rf"x\.fits has more than {limit} bytes"):
        download(remote, tmp_path / "x.fits", quick(), told.append, pause=0.0)
    assert sum(told) <= limit
    assert files_below(tmp_path) == set()


def test_a_download_of_a_few_bytes_a_second_is_given_up(endless: Any, tmp_path: Path) -> None:
    base = endless(forever(b"SI", 0.2), {"Content-Length": "100000"})
    with pytest.raises(ServiceError, match=r"x\.fits: the transfer is too slow \(.*\), 4 times in a row"):
        download(RemoteFile("x.fits", base + "x.fits"), tmp_path / "x.fits", quick(), pause=0.0)


def test_a_server_that_sends_one_byte_to_each_request_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "served" / "heasarc").mkdir(parents=True)
    (tmp_path / "served" / "heasarc" / "x.fits").write_bytes(fits_bytes("x", 10_000))
    monkeypatch.setattr("daxa_wf.download.download.ATTEMPTS", 12)

    def one_byte(handler: Any, path: str) -> bool:
        stat = archives.file(path).stat()
        start = handler.start('"e"', stat.st_size)
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(stat.st_size - start))
        handler.send_header("ETag", '"e"')
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{stat.st_size - 1}/{stat.st_size}")
        handler.end_headers()
        handler.wfile.write(b"S")
        handler.close_connection = True
        return True

    with serve_mirror(tmp_path / "served") as archives:
        archives.fault = one_byte
        remote = RemoteFile("x.fits", f"{archives.base}/heasarc/x.fits")
        with pytest.raises(ServiceError, match=r"x\.fits: the transfer broke off 12 times"):
            download(remote, tmp_path / "got" / "x.fits", quick(), pause=0.0)
    assert archives.requests.total() == 12


@pytest.mark.parametrize("length", ["-5", "many", "1e9", "9" * 30])
def test_a_length_that_is_not_a_number_is_refused(length: str, tmp_path: Path) -> None:
    def odd(handler: Any, path: str) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(b"SIMPLE  =")
        handler.close_connection = True
        return True

    with serve_mirror(tmp_path) as archives:
        archives.fault = odd
        with pytest.raises((ServiceError, CorruptFileError)):
            download(RemoteFile("x.fits", f"{archives.base}/x.fits"), tmp_path / "x.fits", quick(), pause=0.0)
    assert not (tmp_path / "x.fits").exists()


def test_speed_is_judged_over_windows_of_time() -> None:
    now = [0.0]
    gauge = SpeedGauge(Limits(speed=10.0, speed_time=60.0), lambda: now[0])
    for seconds, count in ((59.0, 0), (61.0, 700), (100.0, 0), (121.5, 650)):
        now[0] = seconds
        gauge.add(count)
    now[0] = 182.0
    with pytest.raises(TooSlowError, match=r"5 bytes in 60 s, slower than 10 B/s"):
        gauge.add(5)


def test_curl_gets_the_limits_too(tmp_path: Path) -> None:
    files = [RemoteFile("a.fits", "http://h/a.fits", 2880, True), RemoteFile("b.fits", "http://h/b.fits", 3000)]
    orders = orders_for(files, tmp_path, 4, SMALL_LIMITS).decode().splitlines()
    for line in ("speed-limit = 1000", "retry-max-time = 5", "max-filesize = 4324", "proto = =http,https"):
        assert line in orders


def test_what_curl_brought_beyond_its_listing_is_not_read(tmp_path: Path) -> None:
    remote = RemoteFile("a.txt", "http://h/a.txt", 10, True)
    part_of(tmp_path, remote).write_bytes(b"x" * 1000)
    assert verified(remote, tmp_path, SMALL_LIMITS) is None
    assert files_below(tmp_path) == set()


def sparse_tar(path: Path, size: int) -> None:
    """A tar file of 10 kB with a member that claims `size` bytes (GNU format, as `tar -S` writes it)."""
    info = tarfile.TarInfo("hole.fits")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 512)
    header[482] = 0
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path.write_bytes(bytes(header) + b"x" * 512 + b"\0" * 9216)


def pax_sparse_tar(path: Path, size: int) -> None:
    info = tarfile.TarInfo("hole.fits")
    info.size = 512
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": str(size),
                        "GNU.sparse.map": "0,512"}  # fmt: skip
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"x" * 512))


@pytest.mark.parametrize("make", [sparse_tar, pax_sparse_tar])
def test_a_tar_file_that_claims_what_it_does_not_hold_is_refused(make: Any, tmp_path: Path) -> None:
    make(tmp_path / "answer.tar", 8_000_000_000)
    assert (tmp_path / "answer.tar").stat().st_size < 20_000
    for attempt in (
        lambda: check_content(tmp_path / "answer.tar", "answer.tar", Limits()),
        lambda: unpack_tar(tmp_path / "answer.tar", tmp_path / "out", lambda name: name, Limits()),
    ):
        with pytest.raises(CorruptFileError, match=r"sparse member 'hole\.fits' of 8000000000 bytes: refused"):
            attempt()
    assert files_below(tmp_path) == {"answer.tar"}


def tar_bytes(members: dict[str, bytes], mode: str = "w", **pax: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(data), dict(pax)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


TARS: dict[str, tuple[Callable[[], bytes], str]] = {
    "too many members": (lambda: tar_bytes({f"{number}": b"" for number in range(300)}), "more than 200 members"),
    "a huge header": (lambda: tar_bytes({"a": b""}, comment="x" * 100_000), "header of 1000"),
    "a huge header, packed": (lambda: tar_bytes({"a": b""}, "w:gz", comment="x" * 100_000), "header of 1000"),
    "grows when unpacked": (lambda: tar_bytes({"a": b"\0" * 3_000_000}, "w:gz"), "unpacks to"),
    "grows inside": (lambda: tar_bytes({"b.tar.gz": tar_bytes({"a": b"\0" * 3_000_000}, "w:gz")}), "unpacks to"),
    "many that grow": (
        lambda: tar_bytes({f"{n}.tar.gz": tar_bytes({"a": b"\0" * 400_000}, "w:gz") for n in range(5)}), "unpacks to",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "message"), TARS.values(), ids=TARS.keys())
def test_a_tar_file_beyond_the_limits_is_refused_whole(make: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "answer.tar").write_bytes(make())
    with pytest.raises(CorruptFileError, match=message):
        unpack_tar(tmp_path / "answer.tar", tmp_path / "out", lambda name: name, SMALL_LIMITS)
    assert files_below(tmp_path) == {"answer.tar"}


def test_a_packed_file_that_grows_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x.fits.gz").write_bytes(gzip.compress(b"\0" * 5_000_000))
    with pytest.raises(CorruptFileError, match="unpacks to more than"):
        decompress(tmp_path / "x.fits.gz", tmp_path / "x.fits", SMALL_LIMITS)
    assert files_below(tmp_path) == {"x.fits.gz"}


def header_of(**cards: object) -> bytes:
    lines = ["SIMPLE  =                    T", *(f"{key:8}= {value:>20}" for key, value in cards.items()), "END"]
    return "".join(line.ljust(80) for line in lines).encode().ljust(2880)


HEADERS = {
    "claims more than there is": (header_of(BITPIX=8, NAXIS=1, NAXIS1=30_000_000_000), "cut off in the data"),
    "claims more than there can be": (
        header_of(BITPIX=8, NAXIS=1, NAXIS1="9" * 25),
        "whole number in the card NAXIS1, it is 9{25};",
    ),
    "a negative axis": (header_of(BITPIX=8, NAXIS=1, NAXIS1=-2880), "whole number in the card NAXIS1, it is -2880"),
    "two negative axes": (
        header_of(BITPIX=8, NAXIS=2, NAXIS1=-10, NAXIS2=-10),
        "whole number in the card NAXIS1, it is -10",
    ),
    "a negative heap": (
        header_of(BITPIX=8, NAXIS=1, NAXIS1=10, PCOUNT=-2890),
        "whole number in the card PCOUNT, it is -2890",
    ),
    "a negative NAXIS": (header_of(BITPIX=8, NAXIS=-1), "whole number in the card NAXIS, it is -1"),
    "no end": (header_of(BITPIX=8, NAXIS=0)[:240] + b" " * 100_000, "has no end within"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("data", "message"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_claims_too_much_ends_at_once(data: bytes, message: str, packed: bool, tmp_path: Path) -> None:
    name = "x.fits.gz" if packed else "x.fits"
    (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(CorruptFileError, match=message):
        check_content(tmp_path / name, None, SMALL_LIMITS)


def test_real_files_are_far_below_the_limits(real_data: Path) -> None:
    """A tenth of each limit is enough for every event list here."""
    limits = Limits(unpacked=Limits.unpacked // 10, ratio=Limits.ratio // 10, header=Limits.header // 10)
    paths = [*(real_data / "xmm").rglob("*.FTZ"), *(real_data / "xmm").rglob("*_evts.fits*")]
    assert len(paths) >= 4
    for path in paths:
        assert check_content(path, None, limits).startswith("fits")


# ---- 4.8: secrets ------------------------------------------------------------------------------------------------

SECRET = "s3cr3t-w0rd"


@pytest.fixture
def elsewhere() -> Iterator[HTTPServer]:
    """Another server: another origin, for its port is another."""
    with HTTPServer(host="127.0.0.1") as server:
        yield server


def test_a_login_of_a_url_is_sent_to_its_origin_only(
    httpserver: HTTPServer, elsewhere: HTTPServer, tmp_path: Path
) -> None:
    elsewhere.expect_request(re.compile("/.*")).respond_with_data("<title>Index of</title>", content_type="text/html")
    httpserver.expect_request("/x/").respond_with_data("", status=302, headers={"Location": elsewhere.url_for("/y/")})
    httpserver.expect_request("/f").respond_with_data("", status=302, headers={"Location": elsewhere.url_for("/f")})
    httpserver.expect_request("/own/").respond_with_data("", status=302, headers={"Location": "/further/"})
    httpserver.expect_request("/further/").respond_with_data("<title>Index of</title>", content_type="text/html")
    patient = quick()
    base = patient.accept(httpserver.url_for("/").replace("://", f"://me:{SECRET}@"))
    assert base == httpserver.url_for("/")
    for path in ("x", "own"):
        HttpTree(base, patient).files(path, EVERYTHING)
    patient.open(base + "f", {}).close()
    assert all(request.authorization.password == SECRET for request, _ in httpserver.log)
    assert [request.path for request, _ in httpserver.log] == ["/x/", "/own/", "/further/", "/f"]
    assert [request.path for request, _ in elsewhere.log] == ["/y/", "/f"]
    assert not any("Authorization" in request.headers for request, _ in elsewhere.log)


@pytest.mark.parametrize("carries", [True, False])
def test_a_redirect_does_not_carry_parameters_with_secrets_elsewhere(
    carries: bool, httpserver: HTTPServer, elsewhere: HTTPServer, tmp_path: Path
) -> None:
    elsewhere.expect_request("/y").respond_with_data(content("y.fits"), content_type="application/fits")
    location = elsewhere.url_for("/y") + (f"?AIOPWD={SECRET}" if carries else "")
    httpserver.expect_request("/x").respond_with_data("", status=302, headers={"Location": location})
    remote = RemoteFile("y.fits", httpserver.url_for("/x") + "?obsno=1")
    got = lambda: download(remote, tmp_path / "y.fits", quick(), pause=0.0, secret={"AIOPWD": SECRET})  # noqa: E731
    if carries:
        with pytest.raises(ServiceError, match=r"redirects to .* with your credentials: refused") as caught:
            got()
        assert SECRET not in str(caught.value)
        assert not elsewhere.log
        return
    got()
    ((sent, _),) = elsewhere.log
    assert SECRET not in sent.url
    ((first, _),) = httpserver.log
    assert first.args["AIOPWD"] == SECRET


def test_credentials_are_sent_over_https_only(tmp_path: Path) -> None:
    for url in ("http://archive.invalid/x", "http://10.0.0.1/x"):
        with pytest.raises(ServiceError, match="credentials are sent over https only"):
            quick().open(url, {}, {"AIOPWD": SECRET})
        with pytest.raises(ServiceError, match="credentials are sent over https only") as caught:
            quick().accept(url.replace("://", f"://me:{SECRET}@"))
        assert SECRET not in str(caught.value)
    assert quick().accept(f"https://me:{SECRET}@host/x") == "https://host/x"


def test_credentials_of_a_netrc_file_are_not_sent(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests sends them over http too."""
    (tmp_path / "netrc").write_text(f"machine {httpserver.host} login me password {SECRET}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    httpserver.expect_request("/a").respond_with_data("", status=302, headers={"Location": "/b"})
    httpserver.expect_request("/b").respond_with_data("ok")
    assert quick().get(httpserver.url_for("/a")).text == "ok"
    assert not any("Authorization" in request.headers for request, _ in httpserver.log)


def test_redirects_without_end_are_given_up(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request(re.compile("/x/?")).respond_with_data("", status=302, headers={"Location": "/x"})
    with pytest.raises(ServiceError, match="more than 5 redirects"):
        quick().open(httpserver.url_for("/x"), {})
    with pytest.raises(ServiceError, match="no answer"):
        S3Bucket(httpserver.url_for("/x"), quick()).files("x", EVERYTHING)


def test_no_secret_reaches_the_store_the_log_or_a_message(
    small_archives: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of failing and of successful downloads; secrets in the user of the base, in its query and in the parameters."""
    caplog.set_level(logging.DEBUG)
    with serve_mirror(small_archives) as archives:
        login = {
            name: [base.replace("://", f"://me:{SECRET}@") for base in bases] for name, bases in archives.bases.items()
        }
        bad = [f"http://127.0.0.1:9/x?token={SECRET}", *login["xsa"]]
        secrets = {"xsa": {"AIOUSER": "me", "AIOPWD": SECRET}}
        messages = []
        for number, places in enumerate(({"xsa": bad}, {"heasarc": [bad[0], *login["heasarc"]]}, {"s3": login["s3"]})):
            for fault in (lambda handler, path: handler.page(SECRET.encode(), status=500) or True, None):
                archives.fault = fault
                fetcher = Fetcher(
                    tmp_path / f"store{number}", quick(listing=1 * MB), places, secrets=secrets, pause=0.0
                )
                fetcher.session.retries = 0
                try:
                    messages += fetcher.acquire(wish("xmm_pointed")).notes
                except ServiceError as error:
                    messages.append(str(error))
    assert len([message for message in messages if "500" in message or "answer" in message]) >= 3
    assert SECRET not in caplog.text + " ".join(messages)
    stored = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == LEDGER for path in stored)
    assert not [path for path in stored if SECRET.encode() in path.read_bytes()]


def test_sizes_that_were_listed_hold_no_urls(archives: ServedMirror, tmp_path: Path) -> None:
    from daxa_wf.download.sizes import estimate

    fetcher = fetcher_of(archives, tmp_path, "s3")
    assert estimate([wish("chandra")], fetcher, ask=1).listed == 1
    (kept,) = (tmp_path / "listings").rglob("*.json")
    assert "127.0.0.1" not in kept.read_text()


def test_curl_is_not_used_with_a_login(small_archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its program gets no secrets; Python sends them to their origin only."""
    monkeypatch.setattr("daxa_wf.download.observation.MANY_FILES", 1)
    monkeypatch.setattr("daxa_wf.download.observation.start_curl", None)
    monkeypatch.setattr("daxa_wf.download.observation.curl", lambda: "curl")
    with serve_mirror(small_archives) as archives:
        base = archives.bases["heasarc"][0].replace("://", f"://me:{SECRET}@")
        acquired = Fetcher(tmp_path, session(retries=0), {"heasarc": [base]}, pause=0.0).acquire(wish("chandra"))
    assert len(acquired.files) == len(CHANDRA.files)
