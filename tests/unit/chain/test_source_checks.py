"""Before a run: what a source lacks, and the columns that expressions name, are reported with their key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, write_manifest
from daxa_wf.archive.page import is_page_outdated, nothing_succeeded
from daxa_wf.archive.records import Record, Status, write_record
from daxa_wf.chain.preflight import check_before_a_run
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.report.archive_page import write_archive_page
from daxa_wf.report.finish import finish_run
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.units import Unit
from daxa_wf_simulator.erosita_mirror import erosita_table

LIST = "P0201903501M1S001MIEVLI0000.FTZ"


def problems(folder: Path, mission: str = "xmm_pointed", **sections: Any) -> list[str]:
    try:
        check_before_a_run(parse_config({"archive": "archive", "missions": {mission: sections}}), folder)
    except ConfigError as error:
        return str(error).splitlines()[1:]
    return []


def test_a_source_without_event_lists_is_refused_before_a_run(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "notes.txt").write_text("")
    local = {"local": "raw"}
    below = f"below {tmp_path}/raw; expected"
    (native,) = problems(tmp_path, source=local)
    assert f"missions.xmm_pointed.source: no event list of M1, M2, PN {below} names such as P0201903501M1S001" in native
    (sas,) = problems(tmp_path, source=local, engine="sas")
    assert f"missions.xmm_pointed.source: no raw data of M1, M2, PN {below} directories with files" in sas
    (erosita,) = problems(tmp_path, "erosita_calpv", source=local)
    assert "missions.erosita_calpv.source: no event list with TM1, TM2, TM3, TM4, TM5, TM6, TM7" in erosita


def test_an_obsid_that_a_directory_lacks_is_refused_before_a_run(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / LIST).write_bytes(b"")
    (tmp_path / "raw" / "em00_700199_020_EventList_c001.fits").write_bytes(b"")
    assert problems(tmp_path, source={"local": "raw"}, obsids=["0201903501"]) == []
    (absent,) = problems(tmp_path, source={"local": "raw"}, obsids=["0201903501", "0123456789"])
    assert "missions.xmm_pointed.source: no event list of 0123456789 of M1, M2, PN below" in absent
    assert problems(tmp_path, "erosita_calpv", source={"local": "raw"}, obsids=["700199"]) == []
    (absent,) = problems(tmp_path, "erosita_calpv", source={"local": "raw"}, obsids=["700200"])
    assert "no event list of 700200" in absent


def test_an_obsid_that_only_a_header_shows_passes(tmp_path: Path, observatory: Path) -> None:
    """A list that was renamed keeps the identity of its header."""
    (original,) = observatory.rglob("P0999990201M2S002MIEVLI*")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / LIST).write_bytes(original.read_bytes())
    assert problems(tmp_path, source={"local": "raw"}, obsids=["0999990201"]) == []


def test_an_obsid_that_the_fetched_table_lacks_is_refused_before_a_run(tmp_path: Path) -> None:
    source, table = {"archives": "any"}, erosita_table("erosita_calpv")
    assert problems(tmp_path, "erosita_calpv", source=source, obsids=["799999"]) == []
    spec = MISSIONS["erosita_calpv"]
    SnapshotStore(tmp_path / "daxa_wf_tables").write(spec.name, spec.tables[0], table, "here", "")
    (absent,) = problems(tmp_path, "erosita_calpv", source=source, obsids=["799999"])
    assert "missions.erosita_calpv.obsids: the table of eROSITA" in absent
    assert "lacks 799999; correct or remove them, or update the table with 'daxa-wf fetch-tables" in absent


@pytest.mark.parametrize(
    ("options", "instruments", "expected"),
    [
        ({"mos_filt_expr": "PATERN <= 12"}, ["M1"], "evselect.mos_filt_expr: PATERN is not a column .* mean 'PATTERN'"),
        ({"pn_filt_expr": "FLAG == 0 && PATERN < 5"}, ["M1", "PN"], "evselect.pn_filt_expr: PATERN is not a column"),
        ({"pn_filt_expr": "PATERN <= 4"}, ["M1", "M2"], None),
        ({"pn_filt_expr": "pat_seq == 0", "mos_filt_expr": "(x,y) in circle(1,2,3)"}, ["M1", "PN"], None),
        ({"mos_filt_expr": "PAT_SEQ == 0"}, ["M2"], "evselect.mos_filt_expr: PAT_SEQ is not a column"),
        ({"mos_filt_expr": "gti(none.fits, TIME)"}, ["M2"], "none.fits does not exist; name a file by its full path"),
        ({"mos_filt_expr": "region(none.fits[REGION])"}, ["M2"], "archive/none.fits does not exist"),
    ],
    ids=str,
)
def test_an_unknown_column_or_file_in_an_expression_is_refused_before_a_run(
    options: dict[str, str], instruments: list[str], expected: str | None, tmp_path: Path
) -> None:
    import re

    found = problems(tmp_path, source={"archives": "any"}, instruments=instruments, evselect=options)
    assert bool(found) == bool(expected)
    assert expected is None or re.search(f"^  missions.xmm_pointed.*{expected}", found[0]), found


def test_a_column_that_a_local_list_adds_is_known(tmp_path: Path, observatory: Path) -> None:
    import gzip

    (original,) = observatory.rglob("P0999990201M2S002MIEVLI*")
    (tmp_path / "raw").mkdir()
    path = tmp_path / "raw" / original.name.replace(".FTZ", ".FIT")
    path.write_bytes(gzip.decompress(original.read_bytes()))
    options: dict[str, Any] = {"source": {"local": "raw"}, "instruments": ["M2"]}
    options["evselect"] = {"mos_filt_expr": "DELTA > 0"}
    (unknown,) = (line for line in problems(tmp_path, **options) if "DELTA is" in line)
    assert "it has TIME, RAWX, RAWY" in unknown
    with fits.open(path) as hdus:
        columns = hdus["EVENTS"].columns
        hdus["EVENTS"] = fits.BinTableHDU.from_columns(
            [*columns, fits.Column("DELTA", "I")], header=hdus["EVENTS"].header, name="EVENTS"
        )
        hdus.writeto(path, overwrite=True)
    assert problems(tmp_path, **options) == []


def test_a_run_in_which_nothing_succeeded_ends_with_1_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path)
    write_manifest(layout.manifest, [ManifestRow("xmm_pointed", obsid, "M1", "S001") for obsid in ("1", "2")])
    assert not nothing_succeeded(layout)
    rejected = Record("espfilt", Unit("xmm_pointed", "1", "M1", "S001"), Status.REJECTED, "noCounts", "no counts")
    write_record(layout, rejected)
    for obsid in ("1", "2", "3"):
        # Observation 3 is of an earlier configuration.
        page = Record("report", Unit("xmm_pointed", obsid), Status.DONE, results={"usable": obsid == "3"})
        write_record(layout, page)
    write_archive_page(layout)
    assert is_page_outdated(layout), "each run draws it"
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            finish_run(layout)
        assert ended.value.code == 1
        said = capsys.readouterr().err
        assert "espfilt of xmm_pointed 1M1S001: rejected: noCounts: no counts" in said
        assert said.endswith("Nothing succeeded: no observation has a usable product. The reasons are listed above.\n")
    write_record(layout, Record("report", Unit("xmm_pointed", "2"), Status.DONE, results={"usable": True}))
    finish_run(layout)
    assert is_page_outdated(layout), "it shows other records"
    write_archive_page(layout)
    assert not is_page_outdated(layout)
    layout.report.write_text("a page of a version that wrote no digest")
    assert not is_page_outdated(layout)
