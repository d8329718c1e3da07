"""Bombs and damaged files: each ends at once, with an error of the package that names what is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import requests
from astropy.io import fits

from daxa_wf.archive.records import read_record
from daxa_wf.config.reading import read_config
from daxa_wf.download.data_centres import S3Bucket, listed_entries
from daxa_wf.download.store import Ledger
from daxa_wf.download.unpack import decompress
from daxa_wf.errors import ConfigError, CorruptFileError, ServiceError, UnsafePathError
from daxa_wf.files import LEDGER
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.sas.versions import read_ccf_index
from daxa_wf.selection.options import PositionTable
from daxa_wf.selection.position_files import read_positions
from daxa_wf.selection.query import compile_query
from daxa_wf.tables.http import session as new_session
from daxa_wf.tables.tap import rows_of
from tests.fuzz.driver import bounded

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "aliases .* stand for more than"),
        (
            "a0: &a0 {x: y}\n"
            + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30)),
            "stand for more",
        ),
        ("archive: &a [*a]\n", "refers to itself"),
        ("archive: " + "[" * 100 + "]" * 100, "archive"),
        ("archive: " + "[" * 100_000, "nested too deeply"),
        ("archive: !!int x\n", "has a value that cannot be read"),
    ],
    ids=["aliases", "merged keys", "cycle", "nested", "nested deeply", "tag"],
)
def test_a_configuration_that_multiplies_or_nests_ends_at_once(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "my.yaml").write_text(text)
    with bounded(60), pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "my.yaml")


def test_aliases_that_are_used_a_few_times_are_welcome(tmp_path: Path) -> None:
    text = "archive: a\nmissions:\n  chandra: &one {select: {radius: 1 deg, positions: [[1, 2]]}}\n  swift: *one\n"
    (tmp_path / "my.yaml").write_text(text)
    assert set(read_config(tmp_path / "my.yaml").all_missions) == {"chandra", "swift"}


def test_a_query_of_a_hundred_parentheses_ends_at_once() -> None:
    with bounded(60), pytest.raises(ConfigError, match="at most 50 parentheses"):
        compile_query("(" * 100 + "ra > 1" + ")" * 100)


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(12)
) + "]>"  # fmt: skip


def test_entities_in_the_listing_of_a_bucket_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    body = f"<?xml version='1.0'?>{ENTITIES}<ListBucketResult><Name>&m;</Name></ListBucketResult>".encode()
    answer = requests.Response()
    answer.status_code, answer._content = 200, body
    session = new_session()
    monkeypatch.setattr(session, "get", lambda *_, **__: answer)
    with bounded(60), pytest.raises(ServiceError, match="defines entities"):
        S3Bucket("https://bucket.example/", session).files("rev0", lambda _: True)


@pytest.mark.parametrize("reference", ["file://{path}", "http://localhost:9/x"])
def test_a_votable_cannot_make_the_reader_open_a_file_or_a_page(tmp_path: Path, reference: str) -> None:
    (tmp_path / "secret").write_text("1\n")
    href = reference.format(path=tmp_path / "secret")
    body = (
        '<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE type="results"><TABLE><FIELD name="ra" datatype="char" '
        f'arraysize="*"/><DATA><BINARY><STREAM\n encoding="none" href="{href}"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>'
    ).encode()
    with pytest.raises(ServiceError, match="has its data in another file"):
        rows_of(body, "https://service/")
    (tmp_path / "p.xml").write_bytes(body)
    with pytest.raises(ConfigError, match="has its data in another file"):
        read_positions(PositionTable(file=tmp_path / "p.xml"), 1.0, ())


@pytest.mark.parametrize("link", ["http://[x", "//[::1", "<![x<"])
def test_a_listing_with_a_link_that_cannot_be_one_is_read_without_it(link: str) -> None:
    page = f'<html><title>Index of /x</title><a href="{link}">x</a> <a href="a.fits">a</a> 12 1.2.3K</html>'
    assert {entry.name for entry in listed_entries(page, "https://h/x/")} >= {"a.fits"}


def test_a_key_whose_size_is_not_a_number_is_refused_and_the_others_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = requests.Response()
    answer.status_code = 200
    entries = (("a", "many"), ("b", "5"), ("c", "9" * 30))
    keys = "".join(f"<Contents><Key>rev0/{key}</Key><Size>{size}</Size></Contents>" for key, size in entries)
    answer._content = f"<ListBucketResult>{keys}</ListBucketResult>".encode()
    session = new_session()
    monkeypatch.setattr(session, "get", lambda *_, **__: answer)
    listing = S3Bucket("https://bucket.example/", session).files("rev0", lambda _: True)
    assert [(each.path, each.size) for each in listing.files] == [("b", 5)]
    assert [note.split(": ")[-2] for note in listing.refused] == [
        "'a' has the size 'many', which is not a number",
        f"'c' has the size {'9' * 30!r}, which is not a number",
    ]


def test_a_damaged_gzip_stream_is_an_error_of_the_package_wherever_it_is_read(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"SIMPLE  =" * 9000))
    data[20:60] = b"\xff" * 40
    path = tmp_path / "a.gz"
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptFileError, match=r"a\.gz is damaged or cut off"):
        decompress(path, tmp_path / "out")
    with pytest.raises(CorruptFileError, match=r"a\.gz.*damaged or cut off"):
        EpicEventList.open(path)


@pytest.mark.parametrize("value", ["999999999999", "-1", "'many  '"])
@pytest.mark.parametrize("card", ["NAXIS1", "NAXIS2", "TFIELDS", "PCOUNT", "BITPIX", "TFORM1"])
def test_a_header_that_claims_too_much_ends_at_once(tmp_path: Path, card: str, value: str) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("FNAME", "12A", array=["a.CCF"])], name="CALINDEX")
    table.header["OBSVDATE"] = table.header["ANALDATE"] = "2020-01-01"
    path = tmp_path / "ccf.cif"
    table.writeto(path)
    assert read_ccf_index(path).constituents == ("a.CCF",)
    data = path.read_bytes()
    at = data.rindex(card.ljust(8).encode() + b"=")
    path.write_bytes(data[:at] + f"{card:8}= {value:>20}".encode() + data[at + 30 :])
    with bounded(60), pytest.raises(CorruptFileError, match=r"ccf\.cif is not a calibration index"):
        read_ccf_index(path)


def test_a_card_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    columns = [fits.Column("TIME", "D", array=[1.0]), fits.Column("PI", "I", array=[1])]
    path = tmp_path / "events.fits"
    fits.BinTableHDU.from_columns(columns, name="EVENTS").writeto(path)
    data = path.read_bytes()
    at = data.index(b"TTYPE1  =")
    path.write_bytes(data[:at] + b"TTYPE1  = 'TIME" + b" " * 65 + data[at + 80 :])
    with pytest.raises(CorruptFileError, match=r"events\.fits.*TTYPE1"):
        EpicEventList.open(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"products": "x"}, "products"), ({"unit": []}, "unit"), ({"status": "great"}, "status"), ({"produkts": []}, "produkts"),
        ({"exit_code": 1.5}, "exit_code"),
    ],
)  # fmt: skip
def test_a_record_whose_types_are_wrong_is_no_record(tmp_path: Path, change: dict, message: str) -> None:
    record = {"step": "merge", "unit": {"mission": "m", "obsid": "1"}, "status": "done"}
    path = tmp_path / "r.json"
    path.write_text(json.dumps(record))
    assert read_record(path).step == "merge"
    path.write_text(json.dumps({**record, **change}))
    with pytest.raises(CorruptFileError, match=rf"r\.json is not a record \({message}"):
        read_record(path)


def test_a_record_that_vouches_for_a_file_outside_is_refused(tmp_path: Path) -> None:
    stamp = {"path": "../../etc/passwd", "size": 1, "mtime_ns": 1, "sha256": ""}
    path = tmp_path / "r.json"
    path.write_text(
        json.dumps({"step": "s", "unit": {"mission": "m", "obsid": "1"}, "status": "done", "products": [stamp]})
    )
    with pytest.raises(UnsafePathError, match="climbs out"):
        read_record(path)


def test_lines_of_a_ledger_that_are_wrong_are_passed_over_one_by_one(tmp_path: Path) -> None:
    good = {"path": "a", "size": 1, "mtime_ns": 2, "sha256": "x"}
    lines = [
        {**good, "size": "1"},
        {**good, "path": "../b"},
        {"complete": ["x"]},
        [],
        good,
        {"complete": "r", "paths": ["a"], "notes": []},
    ]
    (tmp_path / LEDGER).write_text("\n".join(map(json.dumps, lines)) + "\n" + "[" * 5000)
    ledger = Ledger(tmp_path)
    assert (list(ledger.files), list(ledger.complete)) == (["a"], ["r"])
