"""Every fault of archives, networks and disks: what came is not lost, what is wrong is named, nothing half is left."""

from __future__ import annotations

import fcntl
import gzip
import io
import multiprocessing
import os
import re
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.download.credentials import read_secrets
from daxa_wf.download.data_centres import ProprietaryError, RemoteFile
from daxa_wf.download.download import download
from daxa_wf.download.many import curl
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.store import Ledger, locked
from daxa_wf.download.unpack import unpack_tar
from daxa_wf.errors import ConfigError, CorruptFileError, DaxaError, ServiceError
from daxa_wf.files import LOCK
from daxa_wf.fits.verify import check_content
from daxa_wf.limits import Limits
from daxa_wf.tables.http import session
from daxa_wf_simulator.mirror_server import ServedMirror, serve_mirror
from tests.archives import CHANDRA, compress_bytes, content, fits_bytes
from tests.unit.conftest import fetcher_of, wish

LIST = "primary/acisf12812N003_evt2.fits.gz"
SIZE = 100_000


def big_fits(path: Path) -> bytes:
    """A FITS file of some hundred kB that does not compress."""
    data = np.random.default_rng(3).integers(0, 2**15, SIZE // 2, dtype=np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(data).writeto(path, checksum=True, overwrite=True)
    return path.read_bytes()


@pytest.fixture
def served(tmp_path: Path) -> Any:
    big_fits(tmp_path / "served" / "heasarc" / "big.fits")
    with serve_mirror(tmp_path / "served") as archives:
        yield archives


def get(archives: ServedMirror, target: Path, **facts: Any) -> Any:
    quick = session(retries=2, backoff=0.0, read=1.0)
    return download(RemoteFile("big.fits", f"{archives.base}/heasarc/big.fits", **facts), target, quick, pause=0.0)


def cut_after(fraction: float, times: int = 1) -> Callable[[Any, str], bool]:
    """A fault: of the body of a file only a fraction of what was asked for is sent."""
    left = [times]

    def fault(handler: Any, path: str) -> bool:
        if not left[0] or not path.endswith((".fits", ".gz")):
            return False
        left[0] -= 1
        place = handler.state.file(path)
        stat = place.stat()
        etag = f'"{stat.st_size:x}-{stat.st_mtime_ns:x}{handler.state.change_etag}"'
        start = handler.start(etag, stat.st_size)
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(stat.st_size - start))
        handler.send_header("ETag", etag)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{stat.st_size - 1}/{stat.st_size}")
        handler.end_headers()
        part = place.read_bytes()[start:][: int((stat.st_size - start) * fraction)]
        handler.wfile.write(part)
        handler.wfile.flush()
        handler.state.sent[path] += len(part)
        handler.close_connection = True
        return True

    return fault


def answers(status: int, headers: dict[str, str], body: bytes, times: int = 1000) -> Callable[[Any, str], bool]:
    left = [times]

    def fault(handler: Any, path: str) -> bool:
        if not left[0] or path.endswith("/"):
            return False
        left[0] -= 1
        handler.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return fault


def hang_up(handler: Any) -> bool:
    """A fault: the connection is closed without an answer."""
    handler.close_connection = True
    return True


def nothing_but(directory: Path, *names: str) -> bool:
    return sorted(path.name for path in directory.iterdir()) == sorted(names)


@pytest.mark.parametrize("tenth", range(10))
def test_cut_at_every_tenth(tenth: int, served: ServedMirror, tmp_path: Path) -> None:
    original = served.file("/heasarc/big.fits").read_bytes()
    served.fault = cut_after(tenth / 10)
    got = get(served, tmp_path / "got" / "big.fits")
    assert (tmp_path / "got" / "big.fits").read_bytes() == original
    assert served.sent["/heasarc/big.fits"] == len(original) == got.transferred
    assert nothing_but(tmp_path / "got", "big.fits")


def test_cut_again_and_again_but_each_time_further(served: ServedMirror, tmp_path: Path) -> None:
    served.fault = cut_after(0.3, times=12)
    get(served, tmp_path / "got" / "big.fits")
    assert served.sent["/heasarc/big.fits"] == served.file("/heasarc/big.fits").stat().st_size


def test_cut_off_for_good_and_taken_up_by_the_next_run(served: ServedMirror, tmp_path: Path) -> None:
    """The first run leaves half of the file; the second asks for the other half only."""
    half = cut_after(0.5)
    served.fault = lambda handler, path: half(handler, path) or hang_up(handler)
    target, original = tmp_path / "got" / "big.fits", served.file("/heasarc/big.fits").read_bytes()
    with pytest.raises(ServiceError, match=r"big\.fits: .*4 times in a row"):
        get(served, target)
    assert nothing_but(target.parent, ".big.fits.part", ".big.fits.part.json")
    left = target.with_name(".big.fits.part").stat().st_size
    assert left == served.sent["/heasarc/big.fits"] == int(len(original) * 0.5)

    served.fault = None
    got = get(served, target)
    assert got.transferred == len(original) - left
    assert served.sent["/heasarc/big.fits"] == len(original)
    assert target.read_bytes() == original
    assert nothing_but(target.parent, "big.fits")


def test_a_server_that_always_ends_at_the_same_byte_is_given_up(served: ServedMirror, tmp_path: Path) -> None:
    served.fault = answers(200, {"Content-Length": "100"}, b"SIMPLE  =")
    with pytest.raises(ServiceError, match=r"big\.fits: .*4 times in a row"):
        get(served, tmp_path / "got" / "big.fits")


def test_a_slow_archive_is_waited_for_as_long_as_a_session_says(served: ServedMirror, tmp_path: Path) -> None:
    """The time limit of a connection does not cut short what is read through it."""

    def slow(handler: Any, path: str) -> bool:
        data = served.file(path).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: SIZE // 2])
        handler.wfile.flush()
        time.sleep(1)
        handler.wfile.write(data[SIZE // 2 :])
        return True

    served.fault = slow
    patient = session(retries=0, backoff=0.0, connect=0.5, read=20.0)
    remote = RemoteFile("big.fits", f"{served.base}/heasarc/big.fits")
    download(remote, tmp_path / "big.fits", patient, pause=0.0)
    assert (tmp_path / "big.fits").read_bytes() == served.file("/heasarc/big.fits").read_bytes()


def test_a_reset_and_a_stall(served: ServedMirror, tmp_path: Path) -> None:
    calls = []

    def fault(handler: Any, path: str) -> bool:
        calls.append(path)
        if len(calls) == 1:
            import socket
            import struct

            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return True
        if len(calls) == 2:
            handler.send_response(200)
            handler.send_header("Content-Length", "5000")
            handler.end_headers()
            handler.wfile.write(b"SIMPLE  =")
            handler.wfile.flush()
            time.sleep(1.5)
            handler.close_connection = True
            return True
        return False

    served.fault = fault
    get(served, tmp_path / "got" / "big.fits")
    assert (tmp_path / "got" / "big.fits").read_bytes() == served.file("/heasarc/big.fits").read_bytes()


@pytest.mark.parametrize(("status", "headers"), [(500, {}), (503, {}), (429, {"Retry-After": "0"})])
def test_faults_of_the_server_that_pass(
    status: int, headers: dict[str, str], served: ServedMirror, tmp_path: Path
) -> None:
    served.fault = answers(status, headers, b"later", times=2)
    get(served, tmp_path / "got" / "big.fits")
    assert served.requests["/heasarc/big.fits"] == 3


def test_retry_after_is_waited_for(served: ServedMirror, tmp_path: Path) -> None:
    served.fault = answers(429, {"Retry-After": "1"}, b"", times=1)
    started = time.monotonic()
    get(served, tmp_path / "got" / "big.fits")
    assert time.monotonic() - started >= 1.0


WRONG: dict[str, tuple[Callable[[Any, str], bool], dict[str, Any], type[DaxaError], str]] = {
    "HTML with status 200": (answers(200, {"Content-Type": "text/html"}, b"<html>Log in</html>"), {},
                             CorruptFileError, "page of HTML"),
    "HTML that says it is FITS": (answers(200, {}, b"<!DOCTYPE html><html>Log in"), {}, CorruptFileError, "page of HTML"),
    "another size than listed": (lambda *_: False, {"size": 7, "exact": True}, CorruptFileError, "listing says 7"),
    "another MD5": (lambda *_: False, {"md5": "0" * 32}, CorruptFileError, "another MD5"),
    "an error for good": (answers(500, {}, b"boom"), {}, ServiceError, "status 500"),
    "proprietary": (answers(403, {}, b""), {}, ProprietaryError, "proprietary data"),
    "not FITS": (answers(200, {}, b"PK\x03\x04 something else"), {}, CorruptFileError, "is no FITS file"),
    "nothing": (answers(200, {}, b""), {}, CorruptFileError, "is no FITS file"),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "facts", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_refused_and_named(
    fault: Any, facts: dict, error: type[DaxaError], message: str, served: ServedMirror, tmp_path: Path
) -> None:
    served.fault = fault
    with pytest.raises(error, match=message) as caught:
        get(served, tmp_path / "got" / "big.fits", **facts)
    assert "big.fits" in str(caught.value)
    assert nothing_but(tmp_path / "got")


def test_a_store_that_others_keep_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / LOCK).touch()
    opened = Path.open

    def read_only(path: Path, mode: str = "r", *other: Any, **named: Any) -> Any:
        if mode[0] in "wa":
            raise PermissionError(path)
        return opened(path, mode, *other, **named)

    monkeypatch.setattr(Path, "open", read_only)
    with locked(tmp_path), (tmp_path / LOCK).open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_that_changed_between_two_runs_is_fetched_anew(served: ServedMirror, tmp_path: Path) -> None:
    first = cut_after(0.5)
    dead = answers(200, {"Content-Length": "9"}, b"")
    served.fault = lambda handler, path: first(handler, path) or dead(handler, path)
    with pytest.raises(ServiceError):
        get(served, tmp_path / "got" / "big.fits")
    kept = tmp_path / "got" / ".big.fits.part"
    kept.write_bytes(served.file("/heasarc/big.fits").read_bytes()[: SIZE // 2])
    (tmp_path / "got" / ".big.fits.part.json").write_text(
        f'{{"url": "{served.base}/heasarc/big.fits", "validator": "\\"old\\""}}'
    )
    served.fault = None
    served.change_etag = "new"
    served.sent.clear()
    got = get(served, tmp_path / "got" / "big.fits")
    assert got.transferred == served.file("/heasarc/big.fits").stat().st_size
    assert (tmp_path / "got" / "big.fits").read_bytes() == served.file("/heasarc/big.fits").read_bytes()


def test_a_server_that_cannot_resume_starts_again(served: ServedMirror, tmp_path: Path) -> None:
    first = cut_after(0.5)

    def no_ranges(handler: Any, path: str) -> bool:
        if first(handler, path):
            return True
        handler.page(served.file(path).read_bytes(), "application/fits")
        return True

    served.fault = no_ranges
    get(served, tmp_path / "got" / "big.fits")
    assert (tmp_path / "got" / "big.fits").read_bytes() == served.file("/heasarc/big.fits").read_bytes()


def test_a_fault_of_one_file_keeps_the_others(own_archives: ServedMirror, tmp_path: Path) -> None:
    fetcher = fetcher_of(own_archives, tmp_path / "store", "heasarc")
    broken = own_archives.root / CHANDRA.directory / LIST
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-20])
    with pytest.raises(ServiceError, match=r"acisf12812N003_evt2\.fits\.gz is damaged or cut off"):
        fetcher.acquire(wish("chandra"))
    directory = fetcher.store / "chandra_raw" / "12812"
    assert not (directory / LIST).exists()
    broken.write_bytes(whole)
    own_archives.sent.clear()
    acquired = fetcher.acquire(wish("chandra"))
    assert sorted(each.path for each in acquired.files) == sorted(CHANDRA.files)
    assert own_archives.sent == {f"/{CHANDRA.directory}/{LIST}": len(whole)}


def test_the_next_archive_helps_out(own_archives: ServedMirror, tmp_path: Path) -> None:
    own_archives.fault = lambda handler, path: path.startswith("/heasarc") and answers(500, {}, b"")(handler, path)
    acquired = fetcher_of(own_archives, tmp_path / "store", "heasarc", "s3").acquire(wish("chandra"))
    assert {each.archive for each in acquired.files} == {"s3"}
    assert any("status 500" in note for note in acquired.notes)


def test_the_real_truncated_gzip_is_refused(real_data: Path) -> None:
    (path,) = (real_data / "erosita").glob("NEGATIVE_truncated_*")
    with pytest.raises(CorruptFileError, match=r"NEGATIVE_truncated_.* is (damaged or )?cut off"):
        check_content(path)


FITS_NAMES = ("*.FTZ", "*.fits", "*.fits.gz", "*.evt", "*.evt.gz", "*.FIT", "*.hk", "*.hk.gz", "*.img.gz", "*.orb")


def has_wrong_checksum(path: Path) -> bool:
    """Return whether astropy finds an HDU whose CHECKSUM or DATASUM is wrong; empty cards mean that it is not known."""
    with fits.open(path, disable_image_compression=True) as hdus:
        for hdu in hdus:
            for key, verify in (("CHECKSUM", hdu.verify_checksum), ("DATASUM", hdu.verify_datasum)):
                if str(hdu.header.get(key, "")).strip() and verify() == 0:
                    return True
    return False


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
def test_real_files_pass_unless_astropy_too_finds_a_wrong_checksum(real_data: Path) -> None:
    paths = {path for pattern in FITS_NAMES for path in real_data.rglob(pattern)}
    whole = sorted(path for path in paths if "NEGATIVE" not in path.name and "BROKEN" not in path.name)
    refused = {}
    for path in whole:
        try:
            check_content(path)
        except CorruptFileError as error:
            refused[path] = str(error)
    assert list(refused) == [path for path in whole if has_wrong_checksum(path)]
    assert all(re.search("HDU [0-9]+ fails its own CHECKSUM$", message) for message in refused.values())
    assert len(whole) >= len(refused) + 20


DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "a flipped bit": ("x.fits", lambda data: data[:6000] + bytes([data[6000] ^ 1]) + data[6001:], "fails its own CHECKSUM"),
    "cut off in the data": ("x.fits", lambda data: data[: len(data) - 2880], "cut off in the data of HDU 1"),
    "cut off in a header": ("x.fits", lambda data: data[:3000], "cut off in the header of HDU 1"),
    "gzip cut off": ("x.fits.gz", lambda data: gzip.compress(data)[:-9], "damaged or cut off"),
    "gzip with a wrong CRC": ("x.fits.gz", lambda data: gzip.compress(data)[:-8] + b"\0" * 8, "damaged or cut off"),
    "gzip of something else": ("x.fits.gz", lambda data: gzip.compress(b"hello"), "is no FITS file"),
    "compress cut off": ("x.fits.Z", lambda data: compress_bytes(data)[:4000], "cut off"),
    "a header without end": ("x.fits", lambda data: data[:240] + b" " * 30_000_000, "header of HDU 0 has no end within"),
    "a bomb": ("x.fits.gz", lambda data: gzip.compress(b"SIMPLE  =" + b" " * 60_000_000), ""),
}  # fmt: skip


@pytest.mark.parametrize(("name", "damage", "message"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found(name: str, damage: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(damage(fits_bytes("x", 2000)))
    with pytest.raises(CorruptFileError, match=message or "unpacks to more than .* bytes|cannot be read"):
        check_content(tmp_path / name, None, Limits(unpacked=1_000_000))


@pytest.mark.parametrize("name", ["x.fits", "x.fits.gz", "x.FTZ", "x.fits.Z"])
def test_what_is_whole_passes(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content(name))
    assert check_content(tmp_path / name).startswith("fits")


def tar_of(tmp_path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = tmp_path / "answer.tar"
    with tarfile.open(path, "w") as archive:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


HOSTILE = {
    "climbs": (member("../../evil.fits"), "climbs out of its directory"),
    "climbs inside": (member("a/../../evil.fits"), "climbs out of its directory"),
    "absolute": (member("/tmp/evil.fits"), "climbs out of its directory"),
    "symlink": (member("evil.fits", tarfile.SYMTYPE, "/etc/passwd"), "is a link to '/etc/passwd'"),
    "hard link": (member("evil.fits", tarfile.LNKTYPE, "../x"), "is a link to"),
    "device": (member("evil.fits", tarfile.CHRTYPE), "is not a plain file"),
}


@pytest.mark.parametrize(("evil", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_members_are_refused_before_anything_is_written(
    evil: tarfile.TarInfo, message: str, tmp_path: Path
) -> None:
    path = tar_of(tmp_path, (member("good.fits"), content("good.fits")), (evil, b"x" * 10 if evil.isreg() else b""))
    with pytest.raises(CorruptFileError, match=message):
        unpack_tar(path, tmp_path / "out", lambda name: name)
    assert not (tmp_path / "out").exists()
    assert nothing_but(tmp_path, "answer.tar")


def test_tar_cut_off_at_a_member_is_found(tmp_path: Path) -> None:
    path = tar_of(tmp_path, (member("a.fits"), content("a.fits")), (member("b.fits"), content("b.fits")))
    whole = path.read_bytes()
    path.write_bytes(whole[: 512 + len(content("a.fits")) + (-len(content("a.fits")) % 512)])
    with pytest.raises(CorruptFileError, match="cut off"):
        check_content(path)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for little."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user cannot mount a small file system")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_told_and_the_next_run_completes(own_archives: ServedMirror, tiny_disk: Path) -> None:
    fetcher = fetcher_of(own_archives, tiny_disk, "heasarc")
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(b"x" * 44_000)
    with pytest.raises(OSError, match="No space left"):
        fetcher.acquire(wish("chandra"))
    ballast.unlink()
    verified = set(Ledger(tiny_disk / "chandra_raw" / "12812").files)
    assert verified < set(CHANDRA.files)
    own_archives.sent.clear()
    acquired = fetcher.acquire(wish("chandra"))
    assert len(acquired.files) == len(CHANDRA.files)
    assert not [path for path in own_archives.sent if path.removeprefix(f"/{CHANDRA.directory}/") in verified]
    assert not list(tiny_disk.rglob("*.part*"))


def _fetch(base: str, store: Path) -> None:
    archives = ServedMirror(Path(), base)
    fetcher_of(archives, store, "heasarc").acquire(wish("chandra"))


def test_killed_in_the_middle_of_forty_files(own_archives: ServedMirror, tmp_path: Path) -> None:
    folder = own_archives.root / CHANDRA.directory / "primary"
    names = [f"acisf12812_{number:03d}N003_fov1.fits.gz" for number in range(40)]
    for name in names:
        (folder / name).write_bytes(content(name))
    reached = multiprocessing.get_context("fork").Event()

    def slow(handler: Any, path: str) -> bool:
        if own_archives.requests.total() > 25:
            reached.set()
            time.sleep(0.3)
        return False

    own_archives.fault = slow
    process = multiprocessing.get_context("spawn").Process(target=_fetch, args=(own_archives.base, tmp_path / "store"))
    process.start()
    assert reached.wait(60)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    own_archives.fault = None
    ledger = tmp_path / "store" / "chandra_raw" / "12812" / ".daxa_wf.jsonl"
    verified = {line.split('"')[3] for line in ledger.read_text().splitlines() if line.startswith('{"path": "')}
    assert 5 < len(verified) < 44
    with ledger.open("a") as stream:
        stream.write('{"path": "primary/torn')
    own_archives.sent.clear()
    fetcher = fetcher_of(own_archives, tmp_path / "store", "heasarc")
    acquired = fetcher.acquire(wish("chandra"))
    assert len(acquired.files) == 44
    fetched_again = {path.removeprefix(f"/{CHANDRA.directory}/") for path in own_archives.sent}
    assert not fetched_again & verified
    import hashlib

    for each in acquired.files:
        assert each.sha256 == hashlib.sha256(content(each.path.rsplit("/", 1)[-1])).hexdigest()


def test_many_files_are_fetched_by_curl_and_verified(
    own_archives: ServedMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if curl() is None:
        pytest.skip("no program curl")
    monkeypatch.setattr("daxa_wf.download.observation.MANY_FILES", 10)
    monkeypatch.setattr("daxa_wf.download.observation.BATCH", 7)
    folder = own_archives.root / CHANDRA.directory / "primary"
    for number in range(20):
        name = f"acisf12812_{number:03d}N003_fov1.fits.gz"
        (folder / name).write_bytes(content(name))
    broken = folder / "acisf12812_007N003_fov1.fits.gz"
    broken.write_bytes(broken.read_bytes()[:-9])
    fetcher = fetcher_of(own_archives, tmp_path / "store", "heasarc")
    with pytest.raises(ServiceError, match=r"acisf12812_007N003_fov1\.fits\.gz is damaged"):
        fetcher.acquire(wish("chandra"))
    broken.write_bytes(content(broken.name))
    own_archives.sent.clear()
    acquired = fetcher.acquire(wish("chandra"))
    assert len(acquired.files) == 24
    assert set(own_archives.sent) == {f"/{CHANDRA.directory}/primary/{broken.name}"}
    assert not list((tmp_path / "store").rglob("*.part*"))


def test_two_archives_fetch_an_observation_once(own_archives: ServedMirror, tmp_path: Path) -> None:
    from threading import Thread

    fetchers = [fetcher_of(own_archives, tmp_path / "store", "heasarc") for _ in range(3)]
    threads = [Thread(target=each.acquire, args=(wish("chandra"),)) for each in fetchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {own_archives.requests[f"/{CHANDRA.directory}/{name}"] for name in CHANDRA.files} == {1}


def test_a_proxy_of_the_environment_is_used(
    own_archives: ServedMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", own_archives.base)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetcher = fetcher_of(own_archives, tmp_path / "store", "heasarc")
    fetcher.data_centres = {"heasarc": ("http://archive.invalid/heasarc/",)}
    assert len(fetcher.acquire(wish("chandra")).files) == len(CHANDRA.files)


def test_no_more_transfers_at_once_than_an_archive_stands(own_archives: ServedMirror, tmp_path: Path) -> None:
    from threading import Lock

    now, most, lock = [0], [0], Lock()

    def count(handler: Any, path: str) -> bool:
        if path.endswith("/"):
            return False
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return False

    own_archives.fault = count
    fetcher = fetcher_of(own_archives, tmp_path / "store", "heasarc", transfers={"heasarc": 2})
    fetcher.acquire(wish("chandra"))
    assert most[0] == 2


def test_credentials_are_sent_and_never_shown(
    archives: ServedMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "xsa.ini"
    secret.write_text("username = me\npassword = s3cr3t&#+ %=x\n")
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match=r"others can read .* chmod 600"):
        read_secrets({"xsa": str(secret)})
    secret.chmod(0o600)
    asked: list[str] = []

    def note(handler: Any, path: str) -> bool:
        asked.append(handler.path)
        return answers(500, {}, b"s3cr3t")(handler, path)

    archives.fault = note
    fetcher = fetcher_of(archives, tmp_path / "store", "xsa", secrets=read_secrets({"xsa": str(secret)}))
    with pytest.raises(ServiceError) as caught:
        fetcher.acquire(wish("xmm_pointed"))
    assert parse_qs(urlsplit(asked[0]).query)["AIOPWD"] == ["s3cr3t&#+ %=x"]
    assert parse_qs(urlsplit(asked[0]).query)["AIOUSER"] == ["me"]
    assert "s3cr3t" not in str(caught.value) + caplog.text
    archives.fault = None
    fetcher.acquire(wish("xmm_pointed"))
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]
    monkeypatch.setenv("DAXA_WF_XSA_USERNAME", "you")
    monkeypatch.setenv("DAXA_WF_XSA_PASSWORD", "other")
    assert read_secrets({}) == {"xsa": {"AIOUSER": "you", "AIOPWD": "other"}}


def test_fetcher_without_an_archive_says_so(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no archive is configured for it"):
        Fetcher(tmp_path, session(), {}).acquire(wish("chandra"))
