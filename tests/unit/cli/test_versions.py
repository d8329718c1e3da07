"""The commands `history` and `diff`, and the reason of a run on its command line."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import read_record, write_record
from daxa_wf.archive.versions import RunDescription, record_version
from daxa_wf.chain.describing import MESSAGE_VARIABLE, RunDescriber
from daxa_wf.cli.main import app
from daxa_wf.cli.run import _without_own_options
from daxa_wf.config.reading import parse_config, read_values
from daxa_wf.errors import ConfigError
from daxa_wf.report.ending import ENDING
from daxa_wf.report.finish import make_version
from tests.small_archive import PN, write_small_archive


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """An archive with two versions: in the second, the merged list of PN is made with another option."""
    monkeypatch.chdir(tmp_path)
    layout = write_small_archive(tmp_path / "archive")
    record_version(layout, RunDescription("Ada", "first run"))
    record = read_record(layout.record("merge", PN))
    stamp = replace(record.products[0], sha256="b" * 64)
    write_record(layout, replace(record, products=[stamp], parameters={"cleaning": "strict"}))
    record_version(layout, RunDescription("Grace", "a \x1b[31mstricter cleaning"))
    return layout


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_history_lists_the_versions_and_damaged_ones(layout: Layout) -> None:
    first, second = run("history", "archive").stdout.splitlines()
    assert first.startswith("version 1.0.0 (first): 6 products added, 0 removed, 0 changed, 6 in all; 20")
    assert first.endswith("Ada: first run")
    assert second.startswith("version 2.0.0 (processing): 0 products added, 0 removed, 1 changed, 6 in all; 20")
    assert second.endswith("Grace: a stricter cleaning")
    values = json.loads(run("history", "archive", "--json").stdout)
    assert [version["author"] for version in values["versions"]] == ["Ada", "Grace"]
    (layout.versions / "2.0.0.json").write_text("{")
    done = run("history", "archive")
    assert (len(done.stdout.splitlines()), done.exit_code) == (1, 0)
    assert "2.0.0.json is damaged" in done.stderr
    shutil.rmtree(layout.versions)
    assert "no version yet" in run("history", "archive").stdout


def test_a_version_without_permission_is_an_error_and_not_damaged(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = layout.versions / "1.0.0.json"
    read_bytes, iterdir = Path.read_bytes, Path.iterdir

    def refuse(path: Path) -> bytes:
        if path == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read_bytes(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        done = run("history", "archive")
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == f"{closed} cannot be read: Permission denied; check its permissions"

    def refuse_list(path: Path) -> Iterator[Path]:
        if path == layout.versions:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refuse_list)
    assert str(run("history", "archive").exception).startswith(f"{layout.versions} cannot be read: Permission denied")


def test_diff_names_the_product_and_the_cause(layout: Layout) -> None:
    changed, total = run("diff", "1.0.0", "2.0.0", "archive").stdout.splitlines()
    assert changed.startswith("changed: processed_data/xmm_pointed/0201903501/events/")
    assert changed.endswith("-finalevents.fits: options differ: cleaning")
    assert total == "1 products differ between 1.0.0 and 2.0.0"
    values = json.loads(run("diff", "1.0.0", "now", "archive", "--json").stdout)
    assert [(item["change"], item["cause"]) for item in values] == [("changed", "options differ: cleaning")]
    wrong = run("diff", "1.0.0", "2.0.1", "archive")
    assert isinstance(wrong.exception, ConfigError)
    assert "version 2.0.1: unknown; the archive has 1.0.0, 2.0.0 - did you mean '2.0.0'?" in str(wrong.exception)


def test_an_archive_in_python_has_the_same(layout: Layout) -> None:
    archive = Archive(layout.root)
    assert archive.version == "2.0.0"
    assert list(archive.history["author", "changed"].iterrows()) == [("Ada", 0), ("Grace", 1)]
    assert list(archive.differences("1.0.0")["cause"]) == ["options differ: cleaning"]
    shutil.rmtree(layout.versions)
    assert (archive.version, len(archive.history)) == ("", 0)


def test_the_reason_may_follow_the_configuration() -> None:
    assert _without_own_options(["--message", "a b", "-k"]) == (["-k"], {"--message": "a b"})
    with pytest.raises(ConfigError, match="--message: write the reason"):
        _without_own_options(["--message"])


CONFIG = "# my archive\narchive: archive\nauthor: Vera\nmissions: {xmm_pointed: {source: {local: lists}}}\n"


def test_a_run_is_described_by_its_file_its_author_and_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(CONFIG)
    values = read_values(path)
    describer = RunDescriber(parse_config(values), values, [path])
    monkeypatch.setenv(MESSAGE_VARIABLE, "from the command line")
    described = describer()
    assert (described.author, described.message) == ("Vera", "from the command line")
    assert described.configuration.given == CONFIG
    assert list(described.configuration.resolved["missions"]) == ["xmm_pointed"]
    assert describer.for_job(None, None) is None
    others = {**values, "author": "Cecilia", "message": "of a module"}
    described = RunDescriber(describer.config, others, [path], is_module=True).for_job(None, None)
    assert described.message == "of a module"
    assert "author: Cecilia" in described.configuration.given
    assert "message" not in described.configuration.given


def test_a_version_that_cannot_be_written_ends_no_run(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    make_version(layout)
    assert capsys.readouterr().err == ""
    record = read_record(layout.record("merge", PN))
    write_record(layout, replace(record, parameters={"cleaning": "loose"}))
    shutil.rmtree(layout.versions)
    layout.versions.write_text("a file in place of the directory")
    make_version(layout)
    assert "The version of this run could not be recorded" in capsys.readouterr().err
    layout.versions.unlink()
    ENDING.describers[layout] = lambda: RunDescription("Ada", "again")
    make_version(layout)
    del ENDING.describers[layout]
    assert capsys.readouterr().err == "Version 1.0.0 (first): 6 products added, 0 removed, 0 changed\n"
    assert Archive(layout.root).history["author"][0] == "Ada"
