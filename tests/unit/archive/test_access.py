"""An archive from Python and in tables: exposures, names of missions, ObsIDs that begin with zeros."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from astropy.table import Table
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive, NoSuchProductError
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest, write_manifest
from daxa_wf.archive.records import Record, Status, stamp_file, write_record
from daxa_wf.archive.status import COLUMNS, Verdict, write_status
from daxa_wf.archive.tables import write_table
from daxa_wf.cli.main import app
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.units import Unit

OBSID = "0001730201"


def made(layout: Layout, step: str, unit: Unit, kind: str) -> None:
    path = layout.product(unit, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{step} {unit.identifier}")
    write_record(layout, Record(step, unit, Status.DONE, products=[stamp_file(path, layout.relative(path), kind)]))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive cleaned with SAS: M2 has two exposures, M1's were rejected after calibration."""
    layout = Layout(tmp_path / "archive")
    made(layout, "emchain", Unit("xmm_pointed", OBSID, "M1", "S001"), "events")
    for exposure in ("S002", "U002"):
        made(layout, "emchain", Unit("xmm_pointed", OBSID, "M2", exposure), "events")
        made(layout, "evselect", Unit("xmm_pointed", OBSID, "M2", exposure), "cleanevents")
    made(layout, "merge", Unit("xmm_pointed", OBSID, "M2"), "finalevents")
    return Archive(layout.root)


def test_the_cleaned_list_of_an_exposure_is_found_beside_the_final_one(archive: Archive) -> None:
    assert archive.event_list(OBSID, "M2").read_text() == f"merge {OBSID}M2"
    assert archive.event_list(OBSID, "M2", exposure="S002").read_text() == f"evselect {OBSID}M2S002"
    assert archive.event_list(OBSID, "EMOS2", exposure="U002").read_text() == f"evselect {OBSID}M2U002"
    assert archive.event_list(OBSID, "M2", exposure="ALL").read_text() == f"merge {OBSID}M2"
    with pytest.raises(NoSuchProductError, match=r"no such event list of M2; there is M2 S002, M2 U002"):
        archive.event_list(OBSID, "M2", exposure="S003")


def test_a_calibrated_list_never_passes_for_a_cleaned_one(archive: Archive) -> None:
    for exposure in (None, "S001"):
        with pytest.raises(NoSuchProductError, match="no such event list of M1"):
            archive.event_list(OBSID, "M1", exposure=exposure)


def test_leading_zeros_survive_in_ecsv(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_status(layout, [Verdict("xmm_pointed", OBSID, "M1", "S001", "espfilt", "done", "", 'a "word"\tand more')])
    rows = [ManifestRow("xmm_pointed", OBSID, "M1", "S001", facts='{"obsid": "0001730201"}')]
    write_manifest(layout.manifest, rows)
    for path in (layout.status, layout.manifest):
        table = Table.read(path.with_suffix(".ecsv"))
        assert table["obsid"][0] == OBSID
        assert table.to_pandas()["obsid"][0] == OBSID
        text = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        assert text["obsid"][0] == OBSID
        assert list(text.columns) == table.colnames
    assert Table.read(layout.status.with_suffix(".ecsv"))["message"][0] == 'a "word"\tand more'
    assert Table.read(layout.manifest.with_suffix(".ecsv"))["facts"][0] == '{"obsid": "0001730201"}'
    assert read_manifest(layout.manifest) == rows


CELLS = ("", "00012", 'a "word"\tand more', "two  words", '""', '{"a": "1"}', "a\nb", "#", "a,b", "é–κ", "nan", "'x'")


def test_ecsv_is_what_astropy_writes(tmp_path: Path) -> None:
    columns = [f"column{number}" for number in range(len(CELLS))]
    rows = [dict(zip(columns, CELLS, strict=True)), dict(zip(columns, CELLS[::-1], strict=True))]
    for each in ([], rows):
        write_table(tmp_path / "table.tsv", columns, each)
        text = io.StringIO()
        table = Table({name: [row[name] for row in each] for name in columns}, dtype=[str] * len(columns))
        table.write(text, format="ascii.ecsv")
        assert (tmp_path / "table.ecsv").read_text() == text.getvalue()


def test_empty_tables_keep_their_columns(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_status(layout, [])
    assert Table.read(layout.status.with_suffix(".ecsv")).colnames == list(COLUMNS)


@pytest.mark.parametrize("command", ["missions", "show-target-types"])
def test_names_of_missions_are_whole_on_a_terminal_of_80_columns(command: str) -> None:
    text = CliRunner().invoke(app, [command], env={"COLUMNS": "80"}).output
    named = [spec for spec in MISSIONS.values() if command == "missions" or spec.known_target_types]
    assert [spec.name for spec in named if spec.name not in text] == []
    if command == "missions":
        assert [spec.name for spec in named if spec.tables[0].table not in text] == []
    assert "…" not in text
