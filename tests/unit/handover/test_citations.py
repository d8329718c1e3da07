"""Citations: what an archive's records name, each acknowledged once; every mission can be cited."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, write_record
from daxa_wf.cli.main import app
from daxa_wf.config.mission_section import DataCentreName
from daxa_wf.errors import ConfigError
from daxa_wf.handover import citations
from daxa_wf.mission.registry import MISSIONS, pipeline_of, toolkits
from daxa_wf.units import Unit
from tests.small_archive import OBSID, write_small_archive

VERSIONS = {"daxa_wf": "0.2.0", "numpy": "2.1.0", "python": "3.12.1"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """PN and M1 of XMM-Newton from HEASARC; one step ran a task of SAS."""
    layout = write_small_archive(tmp_path / "my_archive")
    files = [{"path": "PPS/a.FTZ", "archive": "heasarc"}, {"path": "PPS/b.FTZ", "archive": "s3"}]
    write_record(layout, Record("acquire", Unit("xmm_pointed", OBSID), Status.DONE, results={"files": files}))
    command = ["evselect", "table=a.fits"]
    write_record(
        layout,
        Record(
            "evselect", Unit("xmm_pointed", OBSID, "PN", "S003"), Status.DONE, engine="sas", command=command,
            versions=VERSIONS,
        ),
    )  # fmt: skip
    return layout.root


def cite(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["cite", *map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_missions_data_centres_and_software_are_acknowledged_once(archive: Path) -> None:
    text = cite(archive)
    assert text.count("Based on observations obtained with XMM-Newton, an ESA science mission") == 1
    assert text.count("High Energy Astrophysics Science Archive Research Center (HEASARC)") == 1
    assert "XMM-Newton Science Analysis System (SAS)" in text
    assert "Software: daxa_wf 0.2.0, numpy 2.1.0.\n" in text
    assert "Jansen et al. 2001, A&A 365, L1-L6, https://doi.org/10.1051/0004-6361:20000036\n" in text
    assert "Harris et al. 2020, Nature 585, 357-362, https://doi.org/10.1038/s41586-020-2649-2\n" in text
    assert "XSA" not in text
    assert "Chandra" not in text


def test_two_forms_at_once_are_refused(archive: Path) -> None:
    done = CliRunner().invoke(app, ["cite", str(archive), "--bibtex", "--json"])
    assert "--bibtex and --json are two forms of the answer" in str(done.exception)


def test_bibtex_has_the_instruments_with_data_and_each_entry_once(archive: Path) -> None:
    keys = re.findall(r"^@article\{(\w+),$", cite(archive, "--bibtex"), re.MULTILINE)
    assert keys == ["xmm_jansen_2001", "xmm_strueder_2001", "xmm_turner_2001", "sas_gabriel_2004", "numpy_harris_2020"]


def test_json_has_the_roles(archive: Path) -> None:
    credits_to_give = json.loads(cite(archive, "--json"))
    assert [(credit["role"], credit["name"]) for credit in credits_to_give] == [
        ("mission", "XMM-Newton Pointed"), ("data centre", "heasarc"), ("data centre", "s3"),
        ("software", "SAS"), ("software", "daxa_wf 0.2.0"), ("software", "numpy 2.1.0"),
    ]  # fmt: skip


def test_an_archive_without_records_has_nothing_to_cite(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    with pytest.raises(ConfigError, match="holds no records yet, so it used nothing to cite"):
        cite(tmp_path)


def test_a_toolkit_that_ran_no_task_is_not_cited(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_record(layout, Record("evselect", Unit("xmm_pointed", OBSID, "PN", "S003"), Status.BLOCKED, engine="sas"))
    assert "SAS" not in cite(tmp_path)


@pytest.mark.parametrize("mission", MISSIONS)
def test_every_mission_has_an_acknowledgement_and_a_publication(mission: str) -> None:
    citation = MISSIONS[mission].citation
    names = {item.name for spec in pipeline_of(mission).missions for item in spec.instruments}
    assert citation.acknowledgement.endswith(".")
    assert citation.references
    assert set(citation.by_instrument) <= names
    for reference in (*citation.references, *(item for group in citation.by_instrument.values() for item in group)):
        assert re.fullmatch(r"[a-z]+_[a-z]+_(\d{4})", reference.key)[1] == str(reference.year)  # type: ignore[index]
        assert reference.doi.startswith("10.") or reference.url.startswith("https://ui.adsabs.harvard.edu/abs/")


def test_every_toolkit_and_data_centre_has_an_acknowledgement() -> None:
    assert all(toolkit.citation.acknowledgement and toolkit.citation.references for toolkit in toolkits())
    packaged = citations._packaged(citations.DATA_CENTRES)
    assert set(packaged) == set(DataCentreName.__args__)  # type: ignore[attr-defined]
    assert all(citation.acknowledgement for citation in packaged.values())
