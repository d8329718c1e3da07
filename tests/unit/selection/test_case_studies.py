"""The examples of case studies (docs/case_studies.md) select what they promise, on genuine tables."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from daxa_wf.cli.main import app
from daxa_wf.config.reading import read_config
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.options import filters_of, positions_of
from daxa_wf.selection.select import Selection, select
from daxa_wf.tables.observation_table import observation_table, packaged_table
from tests.unit.tables.test_observation_table import recorded

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "config" / "examples"
PAGE = (ROOT / "docs" / "case_studies.md").read_text()
CASES = ("one_object", "cluster_sample", "supernovae", "region")
NOW = pd.Timestamp("2026-01-01")


@cache
def packaged(mission: str) -> pd.DataFrame:
    spec = MISSIONS[mission]
    return observation_table(spec, spec.tables[0], packaged_table(spec.tables[0])).rows


def selected(example: str, mission: str, rows: pd.DataFrame, folder: Path) -> Selection:
    """Return what a mission of an example selects from a table; files of the example are in `folder`."""
    options = read_config(EXAMPLES / f"{example}.yaml").mission(mission).section.select
    assert options is not None
    here, spec = options.started_in(folder), MISSIONS[mission]
    return select(rows, spec, filters_of(here, NOW), positions_of(here, spec))


def reference(real_data: Path, name: str) -> pd.DataFrame:
    """Return DAXA's selection for a sample of objects: `pos_ind`, `pos_ra`, `pos_dec`, `ObsIDs`."""
    return pd.read_csv(real_data / "reference_selections" / name, dtype=str)


def by_object(selection: Selection) -> dict[str, set[str]]:
    return selection.association.groupby("object")["obsid"].agg(set).to_dict()


def test_one_object(real_data: Path, tmp_path: Path) -> None:
    raw = recorded(real_data / "tables" / "heasarc_numaster_3c273_19rows.fits").rename(columns=str.lower)
    texts = {name: raw[name].map(lambda text: text.decode().strip()) for name in ("obsid", "search_offset_")}
    start = pd.to_datetime(raw["time"].astype(float) - 40587, unit="D")
    rows = pd.DataFrame({"obsid": texts["obsid"], "ra": raw["ra"].astype(float), "dec": raw["dec"].astype(float),
                         "start": start, "end": start, "instruments": "FPMA FPMB", "science_usable": True,
                         "proprietary_end": pd.to_datetime(raw["public_date"].astype(float) - 40587, unit="D")})  # fmt: skip
    within = [float(text.split()[0]) < 1.2 * 6.5 for text in texts["search_offset_"]]
    other = rows.head(1).assign(obsid="99999999999", ra=10.0)
    chosen = selected("one_object", "nustar_pointed", pd.concat([rows, other], ignore_index=True), tmp_path)
    assert sorted(chosen.rows["obsid"]) == sorted(rows["obsid"][within])
    assert len(chosen.rows) >= 4
    tiles = selected("one_object", "erosita_all_sky_de_dr1", packaged("erosita_all_sky_de_dr1"), tmp_path)
    (tile,) = tiles.rows.itertuples()
    assert tile.ra_min <= 187.2779 <= tile.ra_max
    assert tile.dec_min <= 2.0524 <= tile.dec_max


def test_a_sample_of_clusters(real_data: Path, tmp_path: Path) -> None:
    sample = reference(real_data, "calpv_efeds_clusters_default.csv")
    columns = {"pos_ind": "name", "pos_ra": "ra", "pos_dec": "dec"}
    sample.rename(columns=columns)[["name", "ra", "dec"]].to_csv(tmp_path / "clusters.csv", index=False)
    chosen = selected("cluster_sample", "erosita_calpv", packaged("erosita_calpv"), tmp_path)
    daxa = {
        name: set(ids.replace(" ", "").split(","))
        for name, ids in zip(sample["pos_ind"], sample["ObsIDs"], strict=True)
    }
    assert by_object(chosen) == daxa
    assert set(chosen.rows["obsid"]) == set().union(*daxa.values())


def test_supernovae_within_30_days_of_discovery(real_data: Path, tmp_path: Path) -> None:
    """Discoveries 20 days before and 40 days after the observations that DAXA finds at their positions."""
    sample = reference(real_data, "erass1_sn1a_default.csv")
    tiles = packaged("erosita_all_sky_de_dr1").set_index("obsid")
    first = [tiles.loc[ids.replace(" ", "").split(",")] for ids in sample["ObsIDs"]]
    soon = [n % 2 == 0 for n in range(len(sample))]
    found = [
        seen["start"].min() - pd.Timedelta(days=20) if early else seen["end"].max() + pd.Timedelta(days=40)
        for seen, early in zip(first, soon, strict=True)
    ]
    columns = {"pos_ind": "name", "pos_ra": "ra", "pos_dec": "dec"}
    discovered = sample.rename(columns=columns).assign(discovery=found)
    discovered[["name", "ra", "dec", "discovery"]].to_csv(tmp_path / "supernovae.csv", index=False)
    chosen = by_object(selected("supernovae", "erosita_all_sky_de_dr1", tiles.reset_index(), tmp_path))
    assert set(chosen) == {name for name, early in zip(sample["pos_ind"], soon, strict=True) if early}
    for name, seen, day, early in zip(sample["pos_ind"], first, found, soon, strict=True):
        within = seen[(seen["start"] <= day + pd.Timedelta(days=30)) & (seen["end"] >= day - pd.Timedelta(days=30))]
        assert chosen.get(name, set()) == set(within.index), (name, early)


def test_a_contiguous_region(tmp_path: Path) -> None:
    chosen = selected("region", "erosita_calpv", packaged("erosita_calpv"), tmp_path)
    assert set(chosen.rows["obsid"]) == {"300007", "300008", "300009", "300010"}


@pytest.mark.parametrize("case", CASES)
def test_the_page_shows_the_examples_and_check_config_accepts_them(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (EXAMPLES / f"{case}.yaml").read_text()
    assert text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    Path("clusters.csv").write_text("name,ra,dec\nA,130,1\n")
    Path("supernovae.csv").write_text("name,ra,dec,discovery\nA,130,1,2020-01-01\n")
    checked = CliRunner().invoke(app, ["check-config", str(EXAMPLES / f"{case}.yaml")])
    assert checked.exit_code == 0, checked.exception
