"""Releases of SAS, the calibration index, and what depends on them."""

from __future__ import annotations

import hashlib
import re
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
"""Task -> the first release that has it, for tasks that the oldest accepted release lacks."""
WITHOUT_RADMONFIX = (SasVersion(21, 0, 0),)
"""Releases that lack radmonfix: epchain must be run without it."""

_DOTTED = r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?"
_RELEASES = (rf"xmmsas_\w{{1,60}}-{_DOTTED}", rf"\[{_DOTTED}-", rf"^{_DOTTED}")


def parse_sas_version(text: str) -> SasVersion:
    """Return the release named by `sas --version` or by a header. ValueError if the text names no release.

    Its form is `[xmmsas_20211130_0941-20.0.0]` until SAS 21, and `[22.0.0-9173c7d25-20250127]` since.
    """
    for pattern in _RELEASES:
        match = re.search(pattern, text.strip())
        if match is not None:
            return SasVersion(*(int(number or 0) for number in match.groups()))
    raise ValueError(f"no release of SAS in {text.strip()[:200]!r}")


def require_sas(version: SasVersion, task: str = "") -> None:
    """Raise ConfigError if a release is too old for daxa_wf, or for a task if one is named."""
    oldest = OLDEST_SAS_OF.get(task, OLDEST_SAS)
    if version < oldest:
        what = f"{task} needs" if task in OLDEST_SAS_OF else "daxa_wf needs"
        raise ConfigError(f"SAS {version} is too old: {what} SAS {oldest.major} or later")


def espfilt_dialect(version: SasVersion) -> str:
    """Return which of espfilt's interfaces a release has: '19', '20' or '21'."""
    return "19" if version.major <= 19 else "20" if version.major == 20 else "21"


@dataclass(frozen=True)
class CcfIndex:
    """A calibration index: dates of the observation and of the analysis, names of its constituents."""

    observation_date: str
    analysis_date: str
    constituents: tuple[str, ...]

    @property
    def label(self) -> str:
        """Return one line for a record; its digest is that of the sorted names."""
        digest = hashlib.sha256("\n".join(sorted(self.constituents)).encode()).hexdigest()[:12]
        return f"{len(self.constituents)} constituents ({digest}), analysis date {self.analysis_date}"


def read_ccf_index(path: Path) -> CcfIndex:
    """Read a `ccf.cif`, naming its constituents without their directories. CorruptFileError if it is not an index."""
    from daxa_wf.fits.tables import read_table

    try:
        header, rows = read_table(path, "CALINDEX")
        names = tuple(Path(name.decode("ascii", errors="replace").strip()).name for name in rows["FNAME"].tolist())
        return CcfIndex(str(header["OBSVDATE"]), str(header["ANALDATE"]), names)
    except (ConfigError, CorruptFileError, OSError, KeyError, ValueError, AttributeError) as error:
        raise CorruptFileError(f"{path} is not a calibration index ({error})") from error
