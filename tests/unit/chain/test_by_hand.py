"""One step on one unit by hand: in the archive, in a copy, and with mistakes."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from astropy.io import fits
from typer.testing import CliRunner

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import read_record
from daxa_wf.archive.running import held
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.units import Unit
from tests.damaged_lists import put, small_list
from tests.xmm_chain import Chain

OBSID = "0999991001"
UNIT = Unit("xmm_pointed", OBSID, "M1", "S001")
OTHERS = {"espfilt": {"method": "threshold"}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose observation has gone through inventory and espfilt; logging is as before afterwards."""
    put(tmp_path / "lists", OBSID, small_list())
    Chain(tmp_path, tmp_path / "lists", engine="native", **OTHERS).make("inventory", "espfilt")
    section = {"engine": "native", "source": {"local": "lists"}, **OTHERS}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"archive": "archive", "missions": {"xmm_pointed": section}}))
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield tmp_path
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def step(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["step", *arguments, "my.yaml"])
    if isinstance(done.exception, DaxaError):
        raise done.exception
    return done.exit_code, done.output


def digests(root: Path) -> dict[str, str]:
    paths = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_step_by_hand_leaves_its_record_log_and_products_in_the_archive(project: Path) -> None:
    layout = Layout(project / "archive")
    code, output = step("evselect", UNIT.identifier)
    assert code == 0, output
    assert f"evselect of {UNIT.identifier}: done kept" in output
    record = read_record(layout.record("evselect", UNIT))
    assert record.done
    assert all(layout.find(stamp.path).is_file() for stamp in record.products)
    assert f"evselect of {UNIT.identifier}: done" in layout.log("evselect", UNIT).read_text()
    product = layout.find(record.product("cleanevents"))
    first = product.rename(project / "first.fits")
    assert step("evselect", UNIT.identifier)[0] == 0
    difference = fits.FITSDiff(first, product, ignore_keywords=["DATE", "CHECKSUM", "DATASUM"], ignore_comments=["*"])
    assert difference.identical, difference.report()


def test_a_step_by_hand_keeps_the_plots_of_its_products_and_removes_others(project: Path) -> None:
    layout = Layout(project / "archive")
    (curve,) = layout.root.rglob("*-lightcurve.fits")
    plot, old = (
        curve.with_suffix(".svg"),
        curve.with_name(curve.name.replace("-en", "-en9_9keV-en")).with_suffix(".svg"),
    )
    for path in (plot, old):
        path.write_text("<svg/>")
    assert step("espfilt", UNIT.identifier)[0] == 0
    assert (curve.exists(), plot.exists(), old.exists()) == (True, True, False)
    assert not read_record(layout.record("espfilt", UNIT)).removed


def test_a_step_in_a_copy_leaves_the_archive_as_it_is(project: Path) -> None:
    before = digests(project / "archive")
    code, output = step("evselect", UNIT.identifier, "--into", "scratch")
    assert code == 0, output
    assert digests(project / "archive") == before
    scratch = Layout(project / "scratch")
    assert read_record(scratch.record("evselect", UNIT)).done
    assert read_record(scratch.record("espfilt", UNIT)).done
    assert f"scratch/{read_record(scratch.record('evselect', UNIT)).products[0].path}" in output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("espfild", UNIT.identifier), "espfild is not a step; the steps are .* did you mean 'espfilt'"),
        (("espfilt", f"{OBSID}M1S002"), f"{OBSID}M1S002 is not a unit of espfilt, which acts on an exposure, such as"),
        (("cifbuild", OBSID), "the configuration does not request such a unit"),
        (
            ("merge", f"{OBSID}M1"),
            f"merge needs the record of evselect; make it first: daxa-wf step evselect {OBSID}M1S001",
        ),
        (("espfilt", UNIT.identifier, "--into", "archive/copy"), "this directory is in the archive"),
    ],
)
def test_mistakes_are_named(project: Path, arguments: tuple[str, ...], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        step(*arguments)


def test_a_step_by_hand_is_refused_while_a_run_goes_on(project: Path) -> None:
    with held(project / "archive"), pytest.raises(ConfigError, match="a run of this archive is going on"):
        step("espfilt", UNIT.identifier)


def test_an_archive_without_a_manifest_has_no_units(project: Path) -> None:
    (project / "archive" / "manifest.tsv").unlink()
    with pytest.raises(ConfigError, match="has no manifest yet; make it with 'daxa-wf run'"):
        step("espfilt", UNIT.identifier)
