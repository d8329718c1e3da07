"""Region files of an archive: `regions/<mission>/<ObsID>/<name>.reg`, in DS9's form and in ICRS."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.errors import ConfigError
from daxa_wf.files import write_atomically
from daxa_wf.near import closest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
"""Names of sets of regions, which become names of files."""


@dataclass(frozen=True)
class RegionFile:
    """The file of one set of regions of an observation."""

    mission: str
    obsid: str
    name: str
    path: Path

    @property
    def number(self) -> int:
        """Return the number of regions: the lines with a shape, which are not comments or settings."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return sum("(" in line and not line.startswith(("#", "global")) for line in lines)


def check_name(name: str) -> str:
    """Return a name of a set of regions. Raise ConfigError if it cannot be the name of a file."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"regions {name!r}: a name has letters, digits and _ . + - only, and begins with a letter or digit"
        )
    return name


def region_files(
    layout: Layout, obsid: str | None = None, mission: str | None = None, name: str | None = None
) -> list[RegionFile]:
    """Return the region files of an archive that match every filter, sorted by mission, ObsID and name."""
    files = [
        RegionFile(path.parents[1].name, path.parent.name, path.name.removesuffix(".reg"), path)
        for path in sorted((layout.root / "regions").glob("*/*/*.reg"))
        if not path.name.startswith(".")
    ]
    return [
        file
        for file in files
        if obsid in (None, file.obsid) and mission in (None, file.mission) and name in (None, file.name)
    ]


def remove_region_files(
    layout: Layout, name: str, obsid: str | None = None, mission: str | None = None
) -> list[RegionFile]:
    """Delete a set of regions, of one observation or of all, and return the files. Raise ConfigError if it does not exist."""
    removed = region_files(layout, obsid, mission, name)
    if not removed:
        names = sorted({file.name for file in region_files(layout, obsid, mission)})
        of = f" of {obsid}" if obsid else ""
        if not names:
            raise ConfigError(
                f"regions {name}{of}: the archive holds no regions{of}; 'daxa-wf regions add' stores some"
            )
        raise ConfigError(f"regions {name}{of}: the archive has only {', '.join(names)}{closest(name, names)}")
    for file in removed:
        file.path.unlink()
    return removed


def write_region_file(layout: Layout, mission: str, obsid: str, name: str, sky_regions: Iterable[object]) -> RegionFile:
    """Write sky regions as a set of an observation, in place of an earlier set with this name."""
    from regions import Regions

    path = layout.root / "regions" / mission / obsid / f"{check_name(name)}.reg"
    write_atomically(path, Regions(list(sky_regions)).serialize(format="ds9", precision=8))
    return RegionFile(mission, obsid, name, path)
