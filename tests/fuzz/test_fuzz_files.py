"""Fuzzing of users' files: positions, ObsIDs, configurations, regions of the sky; and of tar files from archives."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from mocpy import MOC

from daxa_wf.config.reading import read_config
from daxa_wf.download.credentials import read_secrets
from daxa_wf.download.unpack import decompress, unpack_tar
from daxa_wf.fits.verify import check_content
from daxa_wf.selection.options import PositionTable, _read_obsids
from daxa_wf.selection.position_files import read_positions
from daxa_wf.selection.sky_regions import parse_stcs, read_moc
from tests.fuzz.driver import fuzz, fuzz_file, mutated_fits

COLUMNS = {
    "ra": [10.68, 149.6],
    "dec": [41.27, -11.1],
    "name": ["M 31", "A 907"],
    "r": [0.1, 0.2],
    "t0": ["2010-01-01", "2011-01-01"],
    "t1": ["2010-02-01", "2011-02-01"],
}
CHOSEN = {"name": "name", "radius": "r", "start": "t0", "end": "t1"}


def written(path: Path, **how: object) -> bytes:
    Table(COLUMNS).write(path, overwrite=True, **how)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "how", "cases"),
    [
        ("p.csv", {"format": "csv"}, 150),
        ("p.tsv", {"format": "ascii.tab"}, 100),
        ("p.ecsv", {"format": "ascii.ecsv"}, 125),
        ("p.fits", {"format": "fits"}, 125),
        ("p.xml", {"format": "votable"}, 125),
        ("p.txt", {"format": "ascii"}, 60),
    ],
)
def test_every_file_of_positions_ends_with_positions_or_an_error_of_the_package(
    tmp_path: Path, name: str, how: dict[str, str], cases: int
) -> None:
    path = tmp_path / name
    seed = written(path, **how)
    plain = b"ra,dec\n00 42 44.3,+41 16 09\n10:00:00,-91\n" if name == "p.csv" else seed
    table = PositionTable(file=path, **CHOSEN)
    without = PositionTable(file=path)

    def use(_: Path) -> None:
        read_positions(without, 0.1, ())
        read_positions(table, None, ())

    words = (
        b",",
        b"\t",
        b"\n",
        b'"',
        b"nan",
        b"00 42 44.3",
        b"1e999",
        b"\xff",
        b"\0",
        b"2010-13-01",
        b"datatype: x",
        b"!!python",
        b"&a [*a,*a]",
        b"<!ENTITY a 'b'>",
        b"<STREAM href='file:///etc/passwd'/>",
        b"\xef\xbb\xbf",
    )
    mutate = mutated_fits if name == "p.fits" else None
    if name != "p.csv":
        fuzz_file(use, [seed], path, words=words, cases=cases, mutate=mutate)
    else:
        fuzz_file(
            lambda _: read_positions(without, 0.1, ()),
            [seed, plain.replace(b"-91", b"-9")],
            path,
            words=words,
            cases=cases,
        )


def test_every_parquet_file_of_positions_ends_with_positions_or_an_error_of_the_package(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    pd.DataFrame(COLUMNS).to_parquet(path)
    table = PositionTable(file=path, name="name")
    fuzz_file(
        lambda _: read_positions(table, 0.1, ()), [path.read_bytes()], path, words=(b"PAR1", b"\0" * 8), cases=200
    )


def test_every_file_of_obsids_ends_with_names_or_an_error_of_the_package(tmp_path: Path) -> None:
    fuzz_file(
        _read_obsids,
        [b"0201903501 # A 907\n0404910601\n"],
        tmp_path / "obsids.txt",
        words=(b"#", b"\n", b"\xff", b"\0"),
        cases=300,
    )


def test_every_file_of_credentials_ends_with_secrets_or_an_error_of_the_package(tmp_path: Path) -> None:
    path = tmp_path / "xsa"
    path.touch(0o600)
    seeds = [b"username = me\npassword = secret\n"]
    fuzz_file(
        lambda file: read_secrets({"xsa": str(file)}), seeds, path, words=(b"=", b"\n", b"\xff", b"\0"), cases=300
    )


def tar_of(*members: tuple[str, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def test_every_tar_ends_unpacked_or_with_an_error_of_the_package(tmp_path: Path) -> None:
    inner = tar_of(("a.FIT", b"x" * 700), ("d/b.FIT", b"y"))
    seeds = [
        inner,
        tar_of(("in.tar", inner), ("c", b"z" * 2000)),
        gzip.compress(inner),
        tar_of(("in.tar.gz", gzip.compress(inner))),
    ]
    long = tar_of(("d" * 150 + "/" + "n" * 150, b"1"), mode="w")
    target = tmp_path / "unpacked"

    def use(path: Path) -> None:
        check_content(path)
        unpack_tar(path, target, lambda name: name if len(name) < 200 else None)

    words = (
        b"\0" * 512,
        b"../../x",
        b"/etc/x",
        b"77777777777",
        b"\x80" + b"\xff" * 11,
        b"99999999999",
        b"2",
        b"1",
        b"5",
        b"L",
        b"x",
        b"ustar\x0000",
        b"\x1f\x8b\x08",
        b"30 size=99999999999999999999\n",
        b"17 path=../../x\n",
    )
    fuzz_file(use, [*seeds, long], tmp_path / "fuzzed.tar", words=words, cases=400)
    assert not list(tmp_path.glob("x*"))
    assert not list(target.rglob("*.part"))


def test_every_compressed_file_ends_unpacked_or_with_an_error_of_the_package(tmp_path: Path) -> None:
    seeds = [gzip.compress(b"SIMPLE  =" * 900), gzip.compress(b"x" * 9000, 1)]
    fuzz_file(
        lambda path: decompress(path, tmp_path / "out"),
        seeds,
        tmp_path / "a.gz",
        words=(b"\x1f\x8b", b"\0\0\0"),
        cases=400,
    )
    assert not list(tmp_path.glob(".*.part"))


CONFIG = b"""archive: my_archive
missions:
  xmm_pointed:
    source: {local: /data}
    obsids: ['0201903501']
    instruments: [PN]
    espfilt: {method: ratio, ratio: 1.5, with_binning: 60 s}
    evselect: {pn_filt_expr: 'PATTERN <= 4', lo_en: 0.5 keV, hi_en: 2 keV}
    images: {bands: [[0.5 keV, 2.0 keV]], pixel_size: 4.35 arcsec}
  chandra:
    select:
      positions: [[10.68, 41.27]]
      radius: {ACIS-S: 10 arcmin}
      time: {start: 2010-01-01}
      query: 'exposure > 10 ks'
      region: {stcs: Circle ICRS 149.6 -11.1 1.0}
"""


def test_every_configuration_ends_checked_or_with_an_error_of_the_package(tmp_path: Path) -> None:
    words = (
        b"&a ",
        b"*a",
        b"[",
        b"{",
        b"}",
        b"]",
        b"!!python/object:os.system",
        b"!!binary ",
        b"!!timestamp ",
        b"<<: *a",
        b"- ",
        b": ",
        b"? ",
        b"null",
        b"~",
        b".nan",
        b".inf",
        b"0o17",
        b"1:60",
        b"2019-31-12",
        b"!!int ",
        b"!!float ",
        b"!!set ",
        b"\t",
        b"|",
        b">",
        b"'",
        b'"',
        b"---\n",
        b"[" * 500,
        b"{a: " * 500,
        b"%YAML 9.9\n",
        b"\xff",
        b"1e400 keV",
        b"9" * 5000,
    )
    fuzz_file(read_config, [CONFIG], tmp_path / "config.yaml", words=words, cases=300)


STCS = (
    "Circle ICRS 149.6 -11.1 1.0",
    "Polygon ICRS 1 1 3 1 2 3",
    "Union ICRS (Circle 10 20 1 Polygon 1 1 3 1 2 3)",
    "Ellipse ICRS 10 20 5 3 45",
    "PositionInterval ICRS 10 20 15 25",
    "Not (Circle 10 20 1)",
    "Difference ICRS GEOCENTER SPHERICAL2 (Circle 10 20 2 Circle 10 20 1)",
)


def test_every_stcs_text_ends_as_a_region_or_an_error_of_the_package() -> None:
    words = (
        "Circle",
        "Polygon",
        "Union",
        "Not",
        "(",
        ")",
        "ICRS",
        "FK5",
        "PositionInterval",
        "Box",
        "Ellipse",
        "AllSky",
        "90",
        "-90",
        "180",
        "0",
        "360",
        "nan",
        "1e-9",
        "(" * 200,
        "Not (" * 100,
        " 1 1" * 600,
        "unit deg",
        "Position",
    )

    def use(text: str) -> None:
        inside = parse_stcs(text)(np.array([10.0, 149.6, np.nan]), np.array([20.0, -11.1, 91.0]))
        assert inside.shape == (3,)
        assert inside.dtype == bool

    fuzz(use, STCS, words, cases=400)


def test_every_moc_file_ends_as_a_region_or_an_error_of_the_package(tmp_path: Path) -> None:
    path = tmp_path / "region.fits"
    MOC.from_stcs("Circle ICRS 149.6 -11.1 1.0", max_depth=8).save(path, format="fits")
    fuzz_file(read_moc, [path.read_bytes()], path, cases=6, mutate=mutated_fits)
