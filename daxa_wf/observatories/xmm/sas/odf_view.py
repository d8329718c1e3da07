"""An ODF as SAS wants it, made of links: the raw directory is only read, and two archives may use it at once."""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path

from daxa_wf.errors import Fault
from daxa_wf.observatories.xmm.sas.odf_summary import with_path

_BEGIN = re.compile(r"^(\d{4}-\d\d-\d\d)T\S* +/ .*Start Time", re.MULTILINE)


def make_odf_view(raw: Path, view: Path, summary: Path | None = None) -> Path:
    """Link an ODF's files into `view`, and copy `summary` (a `*SUM.SAS`) there with the view as its PATH.

    Compressed files are unpacked instead. A summary that the archive shipped is left out: it is another release's.
    The path of the copied summary, or the view's if there is none. Fault if `raw` has no `*SUM.ASC`, so is no ODF.
    """
    files = sorted(path for path in raw.iterdir() if path.is_file() and not _plain(path).endswith("SUM.SAS"))
    if not any(_plain(path).endswith("SUM.ASC") for path in files):
        raise Fault(f"{raw} is not a complete ODF: it has no *SUM.ASC; fetch the observation again")
    view.mkdir(parents=True, exist_ok=True)
    for path in files:
        place = view / _plain(path)
        place.unlink(missing_ok=True)
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as packed, place.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        else:
            place.symlink_to(path.absolute())
    if summary is None:
        return view
    copied = view / summary.name
    text = summary.read_text(encoding="utf-8", errors="surrogateescape")
    copied.write_text(with_path(text, view.absolute()), encoding="utf-8", errors="surrogateescape")
    return copied


def observation_date(raw: Path) -> str:
    """Return the day on which an observation began (yyyy-mm-dd), from its `*SUM.ASC`. Fault if `raw` has no such file."""
    for path in sorted(raw.iterdir()):
        if _plain(path).endswith("SUM.ASC"):
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("ascii", "replace")
            if match := _BEGIN.search(text):
                return match[1]
    raise Fault(f"{raw} is not a complete ODF: no *SUM.ASC in it says when it began; fetch the observation again")


def _plain(path: Path) -> str:
    """Return a file's name without compression, as odfingest expects it."""
    return path.name.removesuffix(".gz")
