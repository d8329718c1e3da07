"""Tables of products in the formats of other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.table import Table
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from tests.small_archive import OBSID, write_small_archive


@pytest.mark.parametrize("name", ["all.csv", "all.ecsv", "all.vot", "all.fits"])
def test_every_product_is_in_the_table_in_every_format(name: str, tmp_path: Path) -> None:
    root = write_small_archive(tmp_path / "archive_é").root
    output = tmp_path / "new" / name
    output.parent.mkdir()
    done = CliRunner().invoke(app, ["export", "table", str(root), "--output", str(output)])
    expected = Archive(root).products()
    assert done.stdout == f"{output}: 6 products\n"
    assert len(expected) == 6
    converters = {"converters": {"obsid": [str]}} if name.endswith("csv") else {}
    table = Table.read(output, **converters)
    assert table.colnames == expected.colnames
    assert [str(value) for value in table["obsid"]] == [OBSID] * 6
    paths = [value.decode() if isinstance(value, bytes) else str(value) for value in table["path"]]
    assert paths == list(expected["path"])
    assert all(Path(path).is_file() for path in paths)
    assert list(table["size"]) == list(expected["size"])
    images = [number for number, kind in enumerate(expected["kind"]) if kind == "image"]
    assert [float(table["energy_high"][number]) for number in images] == [2.0, 10.0]
    assert [path.name for path in output.parent.iterdir()] == [name]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    root = write_small_archive(tmp_path / "archive").root
    done = CliRunner().invoke(app, ["export", "table", str(root), "--output", str(tmp_path / "all.xlsx")])
    assert isinstance(done.exception, ConfigError)
    assert "the suffix '.xlsx' names no format; use one of .csv, .ecsv, .vot" in str(done.exception)
    assert "--format" not in str(done.exception), "the command lacks this option"
