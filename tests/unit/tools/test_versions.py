"""Releases, calibration indices, and what depends on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.observatories.erosita.esass.versions import caldb_label, esass_version
from daxa_wf.observatories.xmm.sas.versions import (
    SasVersion,
    espfilt_dialect,
    parse_sas_version,
    read_ccf_index,
    require_sas,
)
from daxa_wf.tools.versions import heasoft_version
from tests.genuine import is_whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SAS release: [xmmsas_20211130_0941-20.0.0]", "20.0.0"),
        ("cifbuild (cifbuild-4.8) [xmmsas_20141104_1833-14.0.0]", "14.0.0"),
        ("sas-3.1 [22.0.0-9173c7d25-20250127]", "22.0.0"),
        ("xmmsas_20230412_1735-21.0.0", "21.0.0"),
        ("22.1.0-a8f2c2afa-20250304", "22.1.0"),
    ],
)
def test_both_styles_of_release(text: str, expected: str) -> None:
    assert str(parse_sas_version(text)) == expected


def test_no_release() -> None:
    with pytest.raises(ValueError, match="no release of SAS in 'sas: command not found'"):
        parse_sas_version("sas: command not found")


def test_old_releases_are_refused() -> None:
    require_sas(SasVersion(14))
    with pytest.raises(ConfigError, match=r"SAS 13\.5\.0 is too old: daxa_wf needs SAS 14"):
        require_sas(SasVersion(13, 5))
    require_sas(SasVersion(19), "emanom")
    require_sas(SasVersion(18), "espfilt")


@pytest.mark.parametrize(("major", "dialect"), [(14, "19"), (19, "19"), (20, "20"), (21, "21"), (22, "21"), (30, "21")])
def test_dialects(major: int, dialect: str) -> None:
    assert espfilt_dialect(SasVersion(major)) == dialect


def test_genuine_calibration_indices(real_data: Path) -> None:
    index = read_ccf_index(real_data / "xmm" / "a907" / "0404910601" / "odf" / "ccf.cif")
    assert (index.observation_date, index.analysis_date) == ("2006-05-27T09:57:27", "2018-07-27T18:24:32")
    count = 118 if is_whole(real_data) else 20
    assert len(index.constituents) == count
    assert index.constituents[0] == "EMOS1_ADUCONV_0082.CCF"
    assert index.label.startswith(f"{count} constituents (")


def test_indices_of_other_constituents_have_other_labels(exod: Path, whole_data: Path) -> None:
    other = read_ccf_index(exod / "ccf.cif")
    assert len(other.constituents) == 121
    assert other.label != read_ccf_index(whole_data / "xmm" / "a907" / "0404910601" / "odf" / "ccf.cif").label


def test_no_calibration_index(tmp_path: Path) -> None:
    (tmp_path / "ccf.cif").write_text("no FITS")
    with pytest.raises(CorruptFileError, match="is not a calibration index"):
        read_ccf_index(tmp_path / "ccf.cif")


def test_other_versions(tmp_path: Path) -> None:
    assert heasoft_version("05Mar2024_V6.33") == "6.33"
    assert heasoft_version("/soft/heasoft-6.32.1/x86_64-pc-linux-gnu-libc2.35") == "6.32.1"
    assert heasoft_version("/soft/headas") == ""
    assert esass_version("/opt/eSASSusers_211214/bin/evtool") == "eSASSusers_211214"
    index = tmp_path / "data" / "erosita" / "tm1"
    index.mkdir(parents=True)
    (index / "caldb.indx20240131").write_text("")
    (index / "caldb.indx").symlink_to(index / "caldb.indx20240131")
    assert caldb_label({"CALDB": str(tmp_path)}) == f"{tmp_path} caldb.indx20240131"
    assert caldb_label({}) == ""
