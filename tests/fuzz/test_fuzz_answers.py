"""Fuzzing of what services and tools send: VOTables, listings, XML, logs, summaries, and the JSON that is kept of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from astropy.table import Table

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest, write_manifest
from daxa_wf.archive.records import FileStamp, Record, Status, read_record, write_record
from daxa_wf.archive.status import read_faults
from daxa_wf.archive.vouching import confirm_stamp
from daxa_wf.chain.planned import facts_from
from daxa_wf.download.data_centres import RemoteFile, S3Bucket, listed_entries
from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.sizes import ListingStore
from daxa_wf.download.store import Ledger
from daxa_wf.download.watching import progress_table, read_progress
from daxa_wf.files import LEDGER, sha256_of
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.observatories.erosita.esass.versions import esass_version
from daxa_wf.observatories.xmm.native.qdp import read_histogram
from daxa_wf.observatories.xmm.sas.logs import emanom_log, espfilt_log
from daxa_wf.observatories.xmm.sas.odf_summary import parse_odf_summary
from daxa_wf.observatories.xmm.sas.versions import parse_sas_version
from daxa_wf.tables.http import session as new_session
from daxa_wf.tables.names import NameStore
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.tables.tap import rows_of
from daxa_wf.tools.messages import ends_with, task_messages
from daxa_wf.tools.versions import heasoft_version
from daxa_wf.units import Unit
from daxa_wf_simulator.odf import make_odf
from daxa_wf_simulator.tap_service import votable
from tests.fuzz.driver import fuzz, fuzz_file
from tests.standins.odf import summary_of

JSON_WORDS = (
    b"{}",
    b"[]",
    b"null",
    b"true",
    b'""',
    b"{",
    b"[",
    b"}",
    b"]",
    b":",
    b",",
    b"[" * 5000,
    b'{"a":' * 5000,
    b"NaN",
    b"1e999",
    b"Infinity",
    b'"\\ud800"',
    b"-1",
    b"9" * 5000,
    b"\xff\xfe",
)


def test_every_record_ends_as_a_record_or_an_error_of_the_package(tmp_path: Path) -> None:
    layout, unit = Layout(tmp_path), Unit("xmm_pointed", "0201903501", "PN", "S003")
    stamp = FileStamp("processed_data/a.fits", 3, 4, "ab", "events")
    write_record(layout, Record("evselect", unit, Status.DONE, products=[stamp], results={"rows": 3}))
    path = layout.record("evselect", unit)

    def use(file: Path) -> None:
        record = read_record(file)
        assert all(confirm_stamp(layout, each) is None for each in record.products)
        json.dumps(asdict(record), default=str)
        assert record.unit.identifier
        assert isinstance(record.results.get("rows", 0), object)

    fuzz_file(use, [path.read_bytes()], path, words=JSON_WORDS, cases=300)


def test_every_fault_note_ends_as_a_verdict_or_an_error_of_the_package(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    note = dict.fromkeys(("mission", "obsid", "instrument", "exposure", "step", "error", "message"), "x")
    path = tmp_path / "logs" / "xmm_pointed" / "0201903501" / "evselect.fault.json"
    path.parent.mkdir(parents=True)
    fuzz_file(lambda _: read_faults(layout), [json.dumps(note).encode()], path, words=JSON_WORDS, cases=300)


def test_every_ledger_ends_as_files_or_an_error_of_the_package(tmp_path: Path) -> None:
    line = {
        "path": "a.fits",
        "size": 3,
        "mtime_ns": 4,
        "sha256": "ab",
        "url": "u",
        "archive": "s3",
        "etag": "",
        "fetched": "",
    }
    done = {"complete": "raw", "paths": ["a.fits"], "notes": ["n"]}

    def use(path: Path) -> None:
        ledger = Ledger(path.parent)
        for request in ("raw", *list(ledger.complete)):
            ledger.answer(request), ledger.notes(request)
        for name in ledger.files:
            ledger.has(name, 3)

    text = f"{json.dumps(line)}\n{json.dumps(done)}\n".encode()
    fuzz_file(use, [text], tmp_path / LEDGER, words=[*JSON_WORDS, b"\n", b'{"complete": []}\n'], cases=300)


def test_every_kept_listing_ends_as_files_or_an_error_of_the_package(tmp_path: Path) -> None:
    wish = FileRequest(MISSIONS["xmm_pointed"], {"obsid": "0201903501"}, ("raw",), ("PN",))
    listings = ListingStore(tmp_path)
    listings.keep(wish, [RemoteFile("ODF/a.FIT", "https://h/a.FIT", 3, True, "")])
    (path,) = tmp_path.rglob("*.json")

    def use(_: Path) -> None:
        sum(each.size or 0 for each in listings.known(wish) or [])

    fuzz_file(use, [path.read_bytes()], path, words=JSON_WORDS, cases=300)


def test_every_note_of_progress_ends_as_a_table(tmp_path: Path) -> None:
    note = {"name": "0201903501", "files": 3, "files_done": 1, "bytes": 100, "bytes_done": 50, "rate": 10.0}
    path = tmp_path / ".progress" / "a.json"
    path.parent.mkdir()
    fuzz_file(
        lambda _: progress_table(read_progress(tmp_path)),
        [json.dumps(note).encode()],
        path,
        words=JSON_WORDS,
        cases=300,
    )


def test_every_sidecar_ends_as_a_snapshot_or_an_error_of_the_package(tmp_path: Path) -> None:
    sidecar = dict.fromkeys(("mission", "service", "table", "url", "query", "sha256"), "x")
    text = json.dumps({**sidecar, "fetched": "2026-01-01T00:00:00+00:00", "rows": 3}).encode()
    store = SnapshotStore(tmp_path)

    def use(_: Path) -> None:
        snapshot = store.latest("xmm_pointed")
        if snapshot is not None:
            assert isinstance(snapshot.rows, int)
            assert isinstance(snapshot.age, timedelta)

    fuzz_file(use, [text], tmp_path / "xmm_pointed.json", words=JSON_WORDS, cases=300)


def test_every_snapshot_ends_as_a_table_or_an_error_of_the_package(tmp_path: Path) -> None:
    import pandas as pd

    store = SnapshotStore(tmp_path)
    spec = MISSIONS["chandra"]
    rows = pd.DataFrame({each.source: ["12"] * 3 for each in spec.tables[0].columns})
    store.write("chandra", spec.tables[0], rows, "u", "q")
    path, sidecar = tmp_path / "chandra.parquet", tmp_path / "chandra.json"
    written, checksum = sidecar.read_text(), sha256_of(path)

    def use(_: Path) -> None:
        """Read the mutated table with a sidecar that vouches for it: without one only the checksum would be tested."""
        sidecar.write_text(written.replace(checksum, sha256_of(path)))
        store.read("chandra")

    fuzz_file(use, [path.read_bytes()], path, words=(b"PAR1", b"\0" * 8), cases=200)


def test_every_store_of_names_ends_as_a_position_or_an_error_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = NameStore(tmp_path)
    monkeypatch.setattr(store, "_ask", lambda _: (1.0, 2.0, "test"))
    known = {"m 31": {"name": "M 31", "ra": 10.68, "dec": 41.27, "service": "Sesame", "resolved": "2026-01-01"}}

    def use(_: Path) -> None:
        ra, dec = store.resolve("M 31")
        assert -360 <= ra <= 360
        assert -90 <= dec <= 90

    fuzz_file(use, [json.dumps(known).encode()], store.path, words=JSON_WORDS, cases=300)


def test_every_text_of_facts_ends_as_facts_or_an_error_of_the_package() -> None:
    seeds = ['{"obsid": "0201903501", "start": "2003-06-01T00:00:00", "ra": "149.6"}']
    fuzz(facts_from, seeds, [word.decode(errors="replace") for word in JSON_WORDS], cases=300)


def test_every_manifest_ends_as_rows_or_an_error_of_the_package(tmp_path: Path) -> None:
    path = tmp_path / "manifest.tsv"
    write_manifest(path, [ManifestRow("xmm_pointed", "0201903501", "PN", "S003", facts='{"obsid": "1"}')])
    fuzz_file(
        read_manifest, [path.read_bytes()], path, words=(b"\t", b"\n", b'"', b"\0", b"\xff", b"x" * 200_000), cases=300
    )


LISTING = """<html><head><title>Index of /pub/x</title></head><body><pre><a href="?C=N;O=D">Name</a>
<a href="/pub/">Parent Directory</a> <a href="a.fits.gz">a.fits.gz</a> 2020-01-01 12:00 3.4M
<a href="odf/">odf/</a> - <a href='b%20c.fits'>b</a> 123</pre></body></html>"""


def test_every_listing_ends_as_entries_or_an_error_of_the_package() -> None:
    words = (
        "<a href='../x'>",
        "<title>",
        "</title>",
        "<!--",
        "<![CDATA[",
        "&#x110000;",
        "&#99999999999;",
        "http://[",
        "//[::1",
        "..",
        "%00",
        "%2e%2e%2f",
        "<" * 3000,
        "</",
        "1.2.3K",
        "...",
        "9" * 400 + "T",
        "<![",
        "<!DOCTYPE [",
        "<?",
        "<a " * 2000,
    )
    fuzz(lambda text: listed_entries(text, "https://host/pub/x/"), [LISTING], words, cases=300)


BUCKET = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><KeyCount>1</KeyCount>
<Contents><Key>rev0/0201903501/PPS/a.FTZ</Key><Size>123</Size><ETag>"0123456789abcdef0123456789abcdef"</ETag></Contents>
</ListBucketResult>"""
BOMB = (
    b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">"""
    + b"".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">'.encode() for n in range(8))
    + b"]>"
)


class Answer:
    """A response that holds these bytes."""

    def __init__(self, content: bytes) -> None:
        self.content, self.status_code, self.headers = content, 200, dict[str, str]()
        self.text = content.decode(errors="replace")

    def iter_content(self, *_: object, **__: object) -> object:
        return iter([self.content])

    def close(self) -> None:
        """Nothing is open."""


def test_every_listing_of_a_bucket_ends_as_files_or_an_error_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_session()
    bucket = S3Bucket("https://bucket.example/", session)

    def use(data: bytes) -> None:
        answers = iter([Answer(data), Answer(BUCKET)])
        monkeypatch.setattr(session, "get", lambda *_, **__: next(answers, Answer(BUCKET)))
        bucket.files("rev0/0201903501", lambda _: True)

    words = (
        BOMB,
        b"<Contents>",
        b"</Contents>",
        b"<Size>",
        b"<Key>",
        b"&h;",
        b"<NextContinuationToken>t</NextContinuationToken>",
        b"<a>" * 3000,
        b"\0",
        b"<?xml version='1.0' encoding='UTF-32'?>",
        b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>",
    )
    fuzz(use, [BUCKET], words, cases=300)


def test_every_votable_ends_as_rows_or_an_error_of_the_package() -> None:
    table = Table({"obsid": ["0201903501", "1"], "ra": [149.6, 1.0], "n": [1, 2]})
    words = (
        BOMB,
        b"&h;",
        b"<TABLE>",
        b"</TABLE>",
        b"<FIELD name='x' datatype='int'/>",
        b"arraysize='99999999999x9'",
        b"<TR>",
        b"</TR>",
        b"<TD>",
        b"<BINARY><STREAM encoding='base64'>////</STREAM></BINARY>",
        b"<a>" * 3000,
        b"\0",
        b"datatype='double'",
        b"<STREAM href='file:///etc/passwd'/>",
        b"<STREAM href='http://localhost:9/'/>",
    )
    fuzz(lambda body: rows_of(body, "https://service/"), [votable(table)], words, cases=300)


LOG = """** emchain: warning (SummaryOfWarnings), x
   warning NoEvents silently occurred 12 times
** espfilt: error (noCounts), no counts
   in the light curve
CLEAN_LC: There are   1200 rows in the FOV LC
plim(1:2) = 0.1 6.5
sortarray max bins    = 600
evselect:- selected 1200 rows
2nd amoeba: low = 1 peak = 5 high = 9
2nd rl = 1.0 2.0 3.0
WRITE_QDP_GTI: Norm = 1261.334 Width = 0.164 Center = 0.755
CCD: 1  Hard 0.1 Status: G
"""


def _refusal(parse: Callable[[str], object], text: str) -> str:
    """Return how the ValueError begins that a parser of logs promises for what is none; '' without one."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)[:17]
    return ""


def test_every_log_ends_as_messages_or_an_error_of_the_package() -> None:
    def use(text: str) -> None:
        task_messages(text), espfilt_log(text), ends_with(text, "x: DONE")
        esass_version(text), heasoft_version(text)
        assert _refusal(emanom_log, text) in ("", "the log of emanom")
        assert _refusal(parse_sas_version, text) in ("", "no release of SAS")

    words = (
        "** x: error (y), ",
        "\n ",
        "\n",
        "E+",
        "1.0E-999",
        "[20.0.0-",
        "xmmsas_1-2.3.4",
        "_V6.33",
        " " * 20_000,
        "CCD: 1 " * 3000,
    )
    fuzz(use, [LOG], words, cases=300)


def test_every_summary_of_an_odf_ends_as_a_summary_or_an_error_of_the_package(tmp_path: Path) -> None:
    def use(text: str) -> None:
        summary = parse_odf_summary(text)
        for exposure in summary.exposures:
            _ = exposure.number, exposure.unusable, exposure.imaging_ccds
        summary.usable()

    words = (
        "OBSERVATION\n",
        "FILES\n",
        "EXPOSURE\n",
        "INSTRUMENT\n",
        " / ",
        " = ",
        "DATA_MODE_1 = Imaging\n",
        "//\n",
        "PATH ",
    )
    make_odf(tmp_path / "odf")
    fuzz(use, [summary_of(tmp_path / "odf", "/data", "xmmsas_20211130_0941-20.0.0")[1]], words, cases=500)


def test_every_qdp_file_ends_as_a_histogram_or_an_error_of_the_package(tmp_path: Path) -> None:
    rows = "\n".join(
        " ".join(map(str, row))
        for row in (
            [0.1, 5, 0, 4.0, -1, 0, -1, 0, -1, 0, -1, 0, -1, -1],
            [0.2, -1, 0, -1, -1, 0, -1, 0, -1, 0, -1, 0, 1, 1],
        )
    )
    text = f'read serr 2\nlab 1 "Fit Norm: 12.3 Width: 0.164 c/s Center: 0.755 c/s"\n{rows}\n'.encode()
    words = (b"Norm: +-", b"Width: ....", b"nan", b"inf", b"\xff", b"\n", b"Center: e")
    fuzz_file(read_histogram, [text], tmp_path / "hist.qdp", words=words, cases=300)
