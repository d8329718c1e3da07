"""Versions of SAS, HEASoft, eSASS, the calibration index and CALDB, and what depends on them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.errors import ConfigError, CorruptFileError


@dataclass(frozen=True, order=True)
class SasVersion:
    """A release of SAS, such as 20.0.0."""

    major: int
    minor: int = 0
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


OLDEST_SAS = SasVersion(14)
OLDEST_SAS_OF = {"emanom": SasVersion(19)}
"""Task -> the release that first had it, where that is after the oldest that is taken."""
WITHOUT_RADMONFIX = (SasVersion(21, 0, 0),)
"""Releases that epchain cannot be used in without leaving out radmonfix, which they lack."""

_DOTTED = r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?"
_RELEASES = (rf"xmmsas_\w{{1,60}}-{_DOTTED}", rf"\[{_DOTTED}-", rf"^{_DOTTED}")


def parse_sas_version(text: str) -> SasVersion:
    """The release in what `sas --version` prints, or in a header: `[xmmsas_20211130_0941-20.0.0]` until SAS 21,
    `[22.0.0-9173c7d25-20250127]` since; ValueError if there is none.
    """
    for pattern in _RELEASES:
        match = re.search(pattern, text.strip())
        if match is not None:
            return SasVersion(*(int(number or 0) for number in match.groups()))
    raise ValueError(f"no release of SAS in {text.strip()[:200]!r}")


def require_sas(version: SasVersion, task: str = "") -> None:
    """ConfigError if a release is too old, for a task if one is named."""
    oldest = OLDEST_SAS_OF.get(task, OLDEST_SAS)
    if version < oldest:
        what = f"{task} needs" if task in OLDEST_SAS_OF else "daxa_wf needs"
        raise ConfigError(f"SAS {version} is too old: {what} SAS {oldest.major} or later")


def espfilt_dialect(version: SasVersion) -> str:
    """Which of espfilt's interfaces a release has: '19', '20' or '21'."""
    return "19" if version.major <= 19 else "20" if version.major == 20 else "21"


def heasoft_version(text: str) -> str:
    """The release in the output of HEASoft's `fversion` (`V6.33`) or in the path of $HEADAS; '' if it has none."""
    match = re.search(r"(?:_V|heasoft-)(\d+\.\d+(?:\.\d+)?)", text)
    return match.group(1) if match else ""


def esass_version(text: str) -> str:
    """The release of eSASS in what a task prints or in its path, such as `eSASSusers_211214`; '' if it has none."""
    match = re.search(r"eSASSusers_\w+|eSASS4\w+", text)
    return match.group(0) if match else ""


@dataclass(frozen=True)
class CcfIndex:
    """A calibration index: dates of the observation and of the analysis, names of its constituents."""

    observation_date: str
    analysis_date: str
    constituents: tuple[str, ...]

    @property
    def label(self) -> str:
        """One line for a record; the digest is that of the sorted names."""
        digest = hashlib.sha256("\n".join(sorted(self.constituents)).encode()).hexdigest()[:12]
        return f"{len(self.constituents)} constituents ({digest}), analysis date {self.analysis_date}"


def read_ccf_index(path: Path) -> CcfIndex:
    """Read a `ccf.cif`; CorruptFileError if it is none. Constituents are named without their directories."""
    from daxa_wf.fits.tables import read_table

    try:
        header, rows = read_table(path, "CALINDEX")
        names = tuple(Path(name.decode("ascii", errors="replace").strip()).name for name in rows["FNAME"].tolist())
        return CcfIndex(str(header["OBSVDATE"]), str(header["ANALDATE"]), names)
    except (ConfigError, CorruptFileError, OSError, KeyError, ValueError, AttributeError) as error:
        raise CorruptFileError(f"{path} is not a calibration index ({error})") from error


def caldb_label(variables: Mapping[str, str]) -> str:
    """The CALDB in use: its place, and the names of eROSITA's index files; '' if $CALDB is not set."""
    place = variables.get("CALDB", "")
    if not place:
        return ""
    indices = sorted({path.resolve().name for path in Path(place).glob("data/erosita/*/caldb.indx*")})
    return " ".join([place, *indices])
