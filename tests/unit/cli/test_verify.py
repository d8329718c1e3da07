"""`daxa-wf verify`: what it prints, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, stamp_file, write_record
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from daxa_wf.units import Unit

UNIT = Unit("xmm_pointed", "0201903501", "PN", "S003")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists").mkdir()
    config = {"archive": "archive", "missions": {"xmm_pointed": {"source": {"local": "lists"}}}}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def test_an_altered_product_is_named_with_exit_code_1(project: Path) -> None:
    layout = Layout(project / "archive")
    product = layout.product(UNIT, "gti")
    product.parent.mkdir(parents=True)
    product.write_bytes(b"intervals")
    write_record(layout, Record("espfilt", UNIT, Status.DONE, products=[stamp_file(product, layout.relative(product))]))
    sound = CliRunner().invoke(app, ["verify", "my.yaml"])
    assert (sound.exit_code, sound.stdout, sound.stderr) == (0, "every product is as recorded\n", "")
    product.write_bytes(b"intervalz")
    found = CliRunner().invoke(app, ["verify", "my.yaml"])
    assert found.exit_code == 1
    name = layout.relative(product)
    assert found.stdout == f"altered: {name} (its SHA-256 differs from the one in its record)\n1 altered\n"
    as_json = CliRunner().invoke(app, ["verify", "my.yaml", "--json"])
    assert [entry["path"] for entry in json.loads(as_json.stdout)] == [name]
    product.with_name("two\nlines\x1b[31m").write_bytes(b"x")
    strange = CliRunner().invoke(app, ["verify", "my.yaml"])
    assert "cleaning/two\\nlines\n" in strange.stdout


def test_an_archive_without_records_is_refused(project: Path) -> None:
    done = CliRunner().invoke(app, ["verify", "my.yaml"])
    assert isinstance(done.exception, ConfigError)
    assert "holds no records yet; 'daxa-wf run my.yaml' makes them" in str(done.exception)
