"""Products of any mission in a user's directory: flat, by observation, or laid out as at the data centre."""

from __future__ import annotations

import io
import json
import re
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.io import fits
from typer.testing import CliRunner

from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.chain.local_products import local_products
from daxa_wf.chain.manifest import run
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.planned import facts_from
from daxa_wf.cli.main import app
from daxa_wf.config.reading import read_config
from daxa_wf.download.file_request import LOCAL_FILES, FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.paths import is_wanted
from daxa_wf.errors import ConfigError, CorruptFileError, UnsafePathError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.tables.http import session
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.text import shown_bytes
from tests import damaged_lists as lists
from tests.archives import SMALL, content

WITH_PRODUCTS = sorted(name for name in SMALL if MISSIONS[name].products and MISSIONS[name].archive_paths)


def products_of(mission: str) -> list[str]:
    """The products among the files of the small observation, as the data centre's tree has them."""
    small, spec = SMALL[mission], MISSIONS[mission]
    globs = [
        product.glob.replace("{obsid}", name)
        for product in spec.products
        for name in (small.obsid, small.obsid.lower())
    ]
    return [path for path in small.files if is_wanted(path, globs)]


def chandra_list(obsid: str, instrument: str = "ACIS", detector: str = "ACIS-0123", position: float = -233.6) -> bytes:
    """An event list with the cards that identify Chandra's observations and detectors."""
    table = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=np.arange(3.0))], name="EVENTS")
    table.header.update(OBS_ID=obsid, INSTRUME=instrument, DETNAM=detector, SIM_Z=position)
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(stream)
    return stream.getvalue()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("layout", ["flat", "by observation"])
@pytest.mark.parametrize("mission", WITH_PRODUCTS)
def test_products_of_every_mission_are_assigned_to_their_observation(mission: str, layout: str, tmp_path: Path) -> None:
    obsid, products = SMALL[mission].obsid, products_of(mission)
    assert products, mission
    for path in products:
        name = path.rpartition("/")[2]
        data = chandra_list(obsid) if mission == "chandra" else content(path)
        put(tmp_path / (name if layout == "flat" else f"mine/{obsid}/{path}"), data)
    found = local_products(MISSIONS[mission], tmp_path)
    if layout == "flat":
        # The directories of eRASS1 have the version of its processing in their names, which a flat directory does not have.
        products = [re.sub(r"^(EXP|DET)_010/", r"\1_any/", path) for path in products]
    assert {name: sorted(files) for name, files in found.files.items()} == {obsid: sorted(products)}
    assert found.sentences(tmp_path) == []
    for path, (place, size) in found.files[obsid].items():
        assert place.endswith(path.rpartition("/")[2])
        assert size == (tmp_path / place).stat().st_size


def test_lists_that_the_data_centre_offers_in_tar_files_only(tmp_path: Path) -> None:
    put(tmp_path / "bm00_300007_020_EventList_c001.fits.gz", b"x")
    found = local_products(MISSIONS["erosita_calpv"], tmp_path)
    assert list(found.files) == ["300007"]
    assert list(found.files["300007"]) == ["bm00_300007_020_EventList_c001.fits.gz"]


@pytest.mark.parametrize(
    ("instrument", "detector", "position", "name"),
    [
        ("ACIS", "ACIS-0123", -233.6, "ACIS-I"), ("ACIS", "ACIS-235678", -190.1, "ACIS-S"),
        ("HRC", "HRC-I", 127.0, "HRC-I"), ("HRC", "HRC-S", 250.5, "HRC-S"), ("ACIS", "ACIS-7", None, ""),
    ],
)  # fmt: skip
def test_chandras_detector_is_in_the_header(
    instrument: str, detector: str, position: float, name: str, tmp_path: Path
) -> None:
    short = instrument.lower()
    put(tmp_path / f"{short}f00635N004_evt2.fits", chandra_list("635", instrument, detector, position))
    found = local_products(MISSIONS["chandra"], tmp_path)
    assert found.instruments == {"635": {name} - {""}}


def test_other_files_are_counted_and_named_with_the_reason(tmp_path: Path) -> None:
    put(tmp_path / "nu90201039002A01_cl.evt.gz", b"x")
    put(tmp_path / "again/nu90201039002A01_cl.evt.gz", b"xy")
    put(tmp_path / "mine.fits", b"x")
    put(tmp_path / "90201039002/auxil/nu90201039002_att.fits.gz", b"x")
    put(tmp_path / "notes.txt", b"x")
    (tmp_path / "nu90201039002B01_cl.evt.gz").symlink_to("nowhere")
    found = local_products(MISSIONS["nustar_pointed"], tmp_path)
    assert found.files == {
        "90201039002": {"event_cl/nu90201039002A01_cl.evt.gz": ("again/nu90201039002A01_cl.evt.gz", 2)}
    } or (found.files == {"90201039002": {"event_cl/nu90201039002A01_cl.evt.gz": ("nu90201039002A01_cl.evt.gz", 1)}})
    assert sum(map(len, found.repeated.values())) == 1
    sentences = sorted(found.sentences(tmp_path))
    assert sentences[0].startswith(
        f"ignored 1 file below {tmp_path}, not named as a product of the data centre: mine.fits"
    )
    assert "the link leads to nowhere, which does not exist: nu90201039002B01_cl.evt.gz" in sentences[1]
    assert len(sentences) == 2
    put(tmp_path / "chandra/acisf00635N004_evt2.fits", b"no header")
    chandra = local_products(MISSIONS["chandra"], tmp_path / "chandra")
    assert chandra.files == {}
    assert "without an ObsID of Chandra in name, header (OBS_ID) or directory" in chandra.sentences(tmp_path)[0]


def options(tmp_path: Path, **section: Any) -> dict[str, Any]:
    """The parameters of the manifest's job for one mission, as the workflow passes them."""
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump({"archive": "archive", "missions": {"nustar_pointed": section}}))
    config = read_config(path)
    plan = Plan(config, tmp_path)
    return {"missions": plan.selection_options(), "centres": plan.data_centres(None, None)}


NUSTAR = ("90201039002", "90201039004")


@pytest.fixture
def flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with NuSTAR's products of two observations; connections are failures."""
    monkeypatch.setattr(socket.socket, "connect", lambda *given: pytest.fail(f"a connection was tried: {given}"))
    monkeypatch.chdir(tmp_path)
    for obsid in NUSTAR:
        put(tmp_path / f"flat/nu{obsid}A01_cl.evt.gz", content(f"nu{obsid}A01_cl.evt.gz"))
    put(tmp_path / "flat/other.fits", b"x")
    return tmp_path / "flat"


def rows_of(tmp_path: Path, **section: Any) -> list[ManifestRow]:
    given = options(tmp_path, source={"local": "flat"}, **section)
    (tmp_path / "archive").mkdir(exist_ok=True)
    run(given["missions"], tmp_path / "archive" / "manifest.tsv", "", given["centres"])
    return read_manifest(tmp_path / "archive" / "manifest.tsv")


def test_a_flat_directory_needs_neither_obsids_nor_tables(flat: Path, tmp_path: Path, caplog: Any) -> None:
    rows = rows_of(tmp_path)
    assert [row.obsid for row in rows] == list(NUSTAR)
    facts = facts_from(rows[0].facts)
    path = f"event_cl/nu{NUSTAR[0]}A01_cl.evt.gz"
    assert json.loads(facts[LOCAL_FILES])[path][0] == f"nu{NUSTAR[0]}A01_cl.evt.gz"
    assert "nustar_pointed: ignored 1 file below" in caplog.text
    assert [row.obsid for row in rows_of(tmp_path, obsids=[NUSTAR[1]])] == [NUSTAR[1]]
    with pytest.raises(ConfigError, match="no product of 90201039006 below"):
        rows_of(tmp_path, obsids=[NUSTAR[0], "90201039006"])


def test_obsids_of_a_mission_whose_paths_have_dates_need_no_table_either(flat: Path, tmp_path: Path) -> None:
    put(flat / "sw00020153006xpcw3po_cl.evt.gz", content("sw00020153006xpcw3po_cl.evt.gz"))
    section = {"source": {"local": "flat"}, "obsids": ["00020153006"]}
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "archive", "missions": {"swift": section}}))
    plan = Plan(read_config(Path("my.yaml")), tmp_path)
    Path("archive").mkdir()
    run(plan.selection_options(), Path("archive/manifest.tsv").absolute(), "", plan.data_centres(None, None))
    (row,) = read_manifest(Path("archive/manifest.tsv"))
    assert (row.mission, row.obsid) == ("swift", "00020153006")
    assert list(json.loads(facts_from(row.facts)[LOCAL_FILES])) == ["xrt/event/sw00020153006xpcw3po_cl.evt.gz"]
    for command in ("plan", "select"):
        shown = CliRunner().invoke(app, [command, "my.yaml"])
        assert shown.exit_code == 0, shown.output
        assert f"Swift: 1 observations in {flat}\n" in shown.output


def test_new_files_in_the_directory_make_the_manifest_again(flat: Path, tmp_path: Path) -> None:
    first = options(tmp_path, source={"local": "flat"})["missions"]
    put(flat / f"nu{NUSTAR[0]}B01_cl.evt.gz", b"new")
    assert options(tmp_path, source={"local": "flat"})["missions"] != first
    assert (
        options(tmp_path, source={"local": "flat"}, obsids=[NUSTAR[0]])["missions"]["nustar_pointed"]["listing"] == ""
    )


def test_acquire_takes_the_files_of_any_layout_into_the_raw_store(flat: Path, tmp_path: Path) -> None:
    (row, _) = rows_of(tmp_path)
    spec = MISSIONS["nustar_pointed"]
    request = FileRequest(spec, facts_from(row.facts), ("preprocessed",), ("FPMA",))
    fetcher = Fetcher(tmp_path / "store", session(retries=0), {"heasarc": [str(flat)]}, pause=0.0)
    acquired = fetcher.acquire(request)
    (file,) = acquired.files
    assert (file.path, file.size) == (
        f"event_cl/nu{NUSTAR[0]}A01_cl.evt.gz",
        (flat / f"nu{NUSTAR[0]}A01_cl.evt.gz").stat().st_size,
    )
    stored = fetcher.store / acquired.directory / file.path
    assert stored.read_bytes() == (flat / f"nu{NUSTAR[0]}A01_cl.evt.gz").read_bytes()
    assert fetcher.acquire(request).transferred == 0, "the store has it already"
    for listed, error in (
        ('{"a": ["../b", 1]}', UnsafePathError), ('{"../a": ["b", 1]}', UnsafePathError), ("[]", CorruptFileError)
    ):  # fmt: skip
        with pytest.raises(error):
            FileRequest(spec, {"obsid": NUSTAR[0], LOCAL_FILES: listed}, (), ()).local_files(flat)


def test_selected_observations_may_be_in_any_layout(flat: Path, tmp_path: Path) -> None:
    """One is where the data centre has it, one is found by its name, one is nowhere and is left to `acquire`."""
    spec = MISSIONS["nustar_pointed"]
    rows = [
        {"obsid": obsid, "ra": 187.0, "dec": 2.0, "time": 57500.0, "end_time": 57501.0, "status": "archived",
         "exposure_a": 9e3, "exposure_b": 9e3, "ontime_a": 9e3, "ontime_b": 9e3, "observation_mode": "SCIENCE",
         "spacecraft_mode": "INERTIAL", "subject_category": "x", "name": "3C 273"}
        for obsid in (*NUSTAR, "90201039006")
    ]  # fmt: skip
    SnapshotStore(tmp_path / "daxa_wf_tables").write(spec.name, spec.tables[0], pd.DataFrame(rows), "", "")
    laid_out = flat / "nustar/data/obs/02/9" / NUSTAR[1] / "event_cl"
    laid_out.mkdir(parents=True)
    (flat / f"nu{NUSTAR[1]}A01_cl.evt.gz").rename(laid_out / f"nu{NUSTAR[1]}A01_cl.evt.gz")
    made = {row.obsid: facts_from(row.facts) for row in rows_of(tmp_path, select={"query": "exposure_a > 1 ks"})}
    assert sorted(made) == [*NUSTAR, "90201039006"]
    assert [obsid for obsid, facts in made.items() if LOCAL_FILES in facts] == [NUSTAR[0]]
    planned = CliRunner().invoke(app, ["plan", "my.yaml"])
    assert "NuSTAR Pointed: 3 observations" in planned.output
    assert "(2 observations listed, 0 taken as the median of those, 0 here already)" in planned.output
    assert "  not in the local directory: 1: 90201039006\n" in planned.output


def test_plan_describes_the_files_of_a_local_directory(flat: Path, tmp_path: Path) -> None:
    name = f"nu{NUSTAR[0]}A01_cl.evt.gz"
    put(flat / "again" / name, b"x")
    put(flat / f"nu{NUSTAR[0]}A01_sk.img.gz", b"0123456789")
    options(tmp_path, source={"local": "flat"})
    size = sum(path.stat().st_size for path in flat.glob("nu*"))
    shown = CliRunner().invoke(app, ["plan", "my.yaml"]).output
    assert f"NuSTAR Pointed: 2 observations in {flat}\n" in shown
    assert f"  ignored 1 file below {flat}, not named as a product of the data centre: other.fits\n" in shown
    assert f"  files: 2 events, 1 image, {shown_bytes(size)}\n" in shown
    assert f"  passed over, of the same names: 1: again/{name}\n" in shown
    listed = CliRunner().invoke(app, ["select", "my.yaml", "--output", "t.csv"])
    assert listed.exit_code == 0, listed.output
    assert pd.read_csv("t.csv", dtype=str)["obsid"].tolist() == list(NUSTAR)


def test_plan_describes_event_lists_that_an_engine_starts_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", lambda *given: pytest.fail(f"a connection was tried: {given}"))
    for obsid in ("0999991001", "0999991002"):
        lists.put(tmp_path / "lists", obsid, lists.small_list(obsid))
    damaged = tmp_path / "lists" / "P0999991001M2S002MIEVLI0000.FTZ"
    damaged.write_bytes(b"no FITS file")
    put(tmp_path / "lists" / "mine.fits", b"x")
    missions = {"xmm_pointed": {"source": {"local": "lists"}}}
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": missions}))
    shown = CliRunner().invoke(app, ["plan", "my.yaml"]).output
    assert "2 observations, 3 exposures in" in shown
    size = sum(path.stat().st_size for path in (tmp_path / "lists").rglob("*.FTZ"))
    assert f"  event lists: 3, {shown_bytes(size)}\n" in shown
    assert "  not usable: 0999991001M2S002: " in shown
    assert "not named as by a data centre" in shown
    rows = [
        {"observation_id": obsid, "ra": 10.0, "dec": 20.0, "start_utc": "2020-01-01T00:00:00", "duration": 1e4,
         "proprietary_end_date": "2021-01-01", "with_science": "true"}
        for obsid in ("0999991001", "0999991009")
    ]  # fmt: skip
    spec = MISSIONS["xmm_pointed"]
    SnapshotStore(Path("daxa_wf_tables")).write(spec.name, spec.tables[0], pd.DataFrame(rows), "", "")
    missions["xmm_pointed"]["select"] = {"positions": [10.0, 20.0]}  # type: ignore[assignment]
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": missions}))
    selected = CliRunner().invoke(app, ["plan", "my.yaml"]).output
    assert f"  in {tmp_path / 'lists'}: 1 of 2 observations, 2 exposures\n" in selected
    assert f"  not in {tmp_path / 'lists'}: 1: 0999991009\n" in selected
