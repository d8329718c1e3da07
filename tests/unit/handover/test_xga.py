"""XGA's configuration: its placeholders lead to every final event list; XGA itself reads it if it is installed."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from astropy.io import fits
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, stamp_file, write_record
from daxa_wf.archive.region_checks import add_regions
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from daxa_wf.handover import xga
from daxa_wf.units import Band, Unit

ARCHIVE = Path(__file__).parents[2] / "data" / "archive_0.2.0.tar.gz"
"""An archive of two simulated observations of XMM-Newton; each has an event list of MOS1."""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(tmp_path, filter="data")
    (place,) = tmp_path.glob("*/archive")
    return Archive(place)


def with_attitude(archive: Archive, tmp_path: Path) -> None:
    """Give each observation a raw attitude file, as the step exposure_maps reads it."""
    for mission, obsid in archive.state.recorded:
        path = tmp_path / f"P{obsid}OBX000ATTTSR0000.FTZ"
        fits.PrimaryHDU().writeto(path)
        stamp = stamp_file(path, os.path.relpath(path, archive.layout.root), "raw")
        write_record(archive.layout, Record("exposure_maps", Unit(mission, obsid, "M2"), Status.REJECTED, raw=[stamp]))
    archive.refresh()


def export(archive: Archive, output: Path) -> str:
    done = CliRunner().invoke(app, ["export", "xga", str(archive.layout.root), "--output", str(output)])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def filled(section: dict[str, str], key: str, **values: str) -> Path:
    """Fill a path of the configuration as XGA does: with str.format."""
    return Path(section[key].format(**values))


def test_placeholders_lead_to_every_final_list_image_map_attitude_and_region(archive: Archive, tmp_path: Path) -> None:
    with_attitude(archive, tmp_path)
    region = tmp_path / "mine.reg"
    lists = archive.find_products(kind="finalevents")
    header = fits.getheader(lists[0].path, "EVENTS")
    region.write_text(f'icrs\ncircle({header["RA_PNT"]},{header["DEC_PNT"]},30") # color=red\n')
    add_regions(archive, region, lists[0].obsid)
    said = export(archive, tmp_path / "xga")
    assert f"{len(lists)} event lists of xmm\n" in said
    assert "no attitude" not in said
    parser = ConfigParser(interpolation=None)
    parser.read(tmp_path / "xga" / "xga.cfg")
    section = dict(parser["XMM_FILES"])
    names = {"PN": "pn", "M1": "mos1", "M2": "mos2"}
    assert {(product.obsid, product.instrument) for product in lists} == {("0999990501", "M1"), ("0999990601", "M1")}
    for product in lists:
        path = filled(section, f"clean_{names[product.instrument]}_evts", obs_id=product.obsid)
        assert path.resolve() == product.path.resolve()
        assert filled(section, "attitude_file", obs_id=product.obsid).name == "attitude.fits"
        assert filled(section, "attitude_file", obs_id=product.obsid).resolve().name.endswith("ATTTSR0000.FTZ")
    bands = list(
        zip(*(section[key].strip("[]").replace("'", "").split(", ") for key in ("lo_en", "hi_en")), strict=True)
    )
    images = archive.find_products(kind="image") + archive.find_products(kind="exposure map")
    assert {product.band for product in images} == {(float(low), float(high)) for low, high in bands}
    for product in images:
        (low, high) = next(edges for edges in bands if (float(edges[0]), float(edges[1])) == product.band)
        key = f"{names[product.instrument]}_{product.kind}"
        assert filled(section, key, obs_id=product.obsid, lo_en=low, hi_en=high).resolve() == product.path.resolve()
    assert "circle(" in filled(section, "region_file", obs_id=lists[0].obsid).read_text()
    roots = sorted(path.name for path in Path(section["root_xmm_dir"]).iterdir())
    assert roots == sorted({product.obsid for product in lists})


def test_observations_without_attitude_are_named(archive: Archive, tmp_path: Path) -> None:
    obsids = ", ".join(sorted({product.obsid for product in archive.find_products(kind="finalevents")}))
    assert f"{obsids}: no attitude file is known, and XGA leaves out" in export(archive, tmp_path / "xga")


def test_an_export_replaces_its_own_links_and_nothing_else(archive: Archive, tmp_path: Path) -> None:
    output = tmp_path / "xga"
    export(archive, output)
    stale = output / "data" / "xmm" / "0123456789" / "pn_evts.fits"
    stale.parent.mkdir()
    stale.symlink_to(tmp_path)
    (output / "xmm").mkdir()
    (output / "xmm" / "xmm_census.csv").write_text("ObsID\n")
    export(archive, output)
    assert not stale.parent.exists()
    assert (output / "xmm" / "xmm_census.csv").read_text() == "ObsID\n"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"not empty, and holds no xga\.cfg"):
        export(archive, tmp_path / "full")


def product(layout: Layout, unit: Unit, band: Band | None = None, kind: str = "finalevents") -> None:
    path = layout.product(unit, kind, band)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU().writeto(path)
    stamp = stamp_file(path, layout.relative(path), kind)
    write_record(layout, Record("preprocessed", unit, Status.DONE, products=[stamp]))


def test_other_telescopes_have_their_keys_and_other_missions_are_counted(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    modules = "_".join(f"TM{number}" for number in range(1, 8))
    product(layout, Unit("erosita_all_sky_de_dr1", "134135", modules), Band(0.2, 10.0))
    product(layout, Unit("chandra", "12812", "ACIS-S"))
    product(layout, Unit("chandra", "12813", "HRC-I"))
    product(layout, Unit("nustar_pointed", "71010003002", "FPMA"))
    product(layout, Unit("xmm_pointed", "0201903501", "PN", "S003"), kind="attitude")
    said = export(Archive(layout.root), tmp_path / "xga")
    assert "2 event lists of chandra, erass\n" in said
    assert "1 event lists of chandra HRC-I: XGA has no place for them" in said
    assert "1 event lists of nustar_pointed FPMA: XGA has no place for them" in said
    parser = ConfigParser(interpolation=None)
    parser.read(tmp_path / "xga" / "xga.cfg")
    assert filled(dict(parser["ERASS_FILES"]), "clean_erass_evts", obs_id="134135").is_file()
    assert "XMM_FILES" not in parser, "an attitude without event lists is of no use"
    assert filled(dict(parser["CHANDRA_FILES"]), "clean_acis_evts", obs_id="12812").is_file()
    only = Layout(tmp_path / "only")
    product(only, Unit("nustar_pointed", "71010003002", "FPMA"))
    with pytest.raises(ConfigError, match="no final event list that XGA can use; it knows Chandra"):
        export(Archive(only.root), tmp_path / "xga2")


READ_BY_XGA = """
import json, warnings
warnings.simplefilter("ignore")
from astropy.units import Quantity
import xga.sources.base
xga.sources.base.nh_lookup = lambda *position: [Quantity(0.02, "10^22 cm^-2")]  # asks a tool of HEASoft
from xga.sources import NullSource
from xga.utils import CENSUS, USABLE
rows = CENSUS["xmm"].to_dict("records")
source = NullSource(obs={"xmm": [row["ObsID"] for row in rows]}, null_load_products=True)
products = {
    kind: [item.path for item in source.get_products(kind, telescope="xmm")] for kind in ("events", "image", "expmap")
}
print(json.dumps([USABLE["xmm"], rows, products], default=str))
"""


@pytest.mark.skipif(importlib.util.find_spec("xga") is None, reason="XGA is not installed")
def test_xga_finds_every_final_list_image_and_map(archive: Archive, tmp_path: Path) -> None:
    with_attitude(archive, tmp_path)
    export(archive, tmp_path / "xga")
    environment = {**os.environ, "XGA_CONFIG_DIR": str(tmp_path / "xga")}
    done = subprocess.run(
        [sys.executable, "-c", READ_BY_XGA], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    usable, rows, products = json.loads(done.stdout.strip().splitlines()[-1])
    assert usable is True
    for kind, ours in (("events", "finalevents"), ("image", "image"), ("expmap", "expmap")):
        paths = {product.path.resolve() for product in archive.find_products(kind=ours)}
        assert {Path(path).resolve() for path in products[kind]} == paths
    lists = {(product.obsid, product.instrument): product.path for product in archive.find_products(kind="finalevents")}
    names = {"PN": "USE_PN", "M1": "USE_MOS1", "M2": "USE_MOS2"}
    census = {(row["ObsID"], name) for row in rows for name, column in names.items() if row[column]}
    assert census == set(lists)
    for row in rows:
        path = next(path for (obsid, _), path in lists.items() if obsid == row["ObsID"])
        header = fits.getheader(path, "EVENTS")
        assert (row["RA_PNT"], row["DEC_PNT"]) == pytest.approx((header["RA_PNT"], header["DEC_PNT"]))


@pytest.mark.parametrize("before", ["missing", "empty", "exported"])
def test_an_export_that_fails_halfway_can_be_repeated(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    output = tmp_path / "out" / "xga"
    if before == "empty":
        output.mkdir(parents=True)
    elif before == "exported":
        export(archive, output)
    earlier = sorted(tmp_path.joinpath("out").rglob("*"))

    def full(*_given: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(xga, "config_text", full)
        with pytest.raises(OSError, match="No space left"):
            export(archive, output)
    assert sorted(tmp_path.joinpath("out").rglob("*")) == earlier
    assert "2 event lists of xmm\n" in export(archive, output)
    assert len(list((output / "data" / "xmm").glob("*/mos1_evts.fits"))) == 2
    assert sorted(path.name for path in output.iterdir()) == ["data", "xga.cfg"]


def test_a_file_in_the_place_of_a_link_is_kept(archive: Archive, tmp_path: Path) -> None:
    export(archive, tmp_path / "xga")
    (link,) = (tmp_path / "xga" / "data" / "xmm" / "0999990501").glob("*_evts.fits")
    link.unlink()
    link.write_text("mine")
    with pytest.raises(ConfigError, match=rf"{link.name}: not a link of an export; move it"):
        export(archive, tmp_path / "xga")
    assert link.read_text() == "mine"
