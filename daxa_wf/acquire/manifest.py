"""The manifest: the selection as work, one row an exposure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from daxa_wf.archive.layout import Unit
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import write_atomically


@dataclass(frozen=True)
class ManifestRow:
    """One exposure to process. Files are relative to the mission's source, or to the observation if that is downloaded.

    `problem` says why a header could not be read, `passed_over` which other lists of the exposure were left aside.
    """

    mission: str
    obsid: str
    inst: str
    exposure: str
    data_mode: str = ""
    submode: str = ""
    filter: str = ""
    events: str = ""
    ootevents: str = ""
    attitude: str = ""
    problem: str = ""
    passed_over: str = ""
    odf: str = ""
    """Directory of the observation's raw data (ODF), where they are to be processed with SAS."""
    facts: str = ""
    """What the paths of archives need to know of the observation, as JSON; only where it is to be downloaded."""

    @property
    def is_unscheduled(self) -> bool:
        """True for an exposure that was not scheduled: its identifier begins with U."""
        return self.exposure.startswith("U")

    @property
    def unit(self) -> Unit:
        """The exposure as a unit."""
        return Unit(self.mission, self.obsid, self.inst, self.exposure)


COLUMNS = tuple(column.name for column in fields(ManifestRow))


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write the manifest, sorted, as tab-separated text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in sorted(rows, key=lambda row: (row.mission, row.unit.identifier)))
    write_atomically(path, text.getvalue())


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read a manifest; CorruptFileError if its columns are not those it must have."""
    rows = []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t")
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CorruptFileError(f"{path} is not a manifest: its columns are {reader.fieldnames}, not {COLUMNS}")
            for row in reader:
                if None in row or None in row.values():
                    raise CorruptFileError(
                        f"{path}, line {reader.line_num}: expected {len(COLUMNS)} columns; delete it and run again"
                    )
                rows.append(ManifestRow(**row))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorruptFileError(f"{path} is not a manifest ({error}); delete it and run again") from None
    return rows
