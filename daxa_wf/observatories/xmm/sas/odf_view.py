"""Make a view of an ODF for SAS from links, so that the raw directory is only read, and archives can share it."""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path

from daxa_wf.errors import Fault
from daxa_wf.observatories.xmm.sas.odf_summary import with_path

_BEGIN = re.compile(r"^(\d{4}-\d\d-\d\d)T\S* +/ .*Start Time", re.MULTILINE)


def make_odf_view(raw: Path, view: Path, summary: Path | None = None) -> Path:
    """Link an ODF's files into `view`, unpack compressed ones, and copy `summary` (a `*SUM.SAS`) there with PATH = `view`.

    A summary from the data centre is omitted, because another release made it. Return the path of the copied summary, or
    of the view without one. Fault if `raw` has no `*SUM.ASC`, so it is not an ODF.
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
    """Return the day on which an observation began, as yyyy-mm-dd, from its `*SUM.ASC`. Fault if `raw` lacks it."""
    for path in sorted(raw.iterdir()):
        if _plain(path).endswith("SUM.ASC"):
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("ascii", "replace")
            if match := _BEGIN.search(text):
                return match[1]
    raise Fault(f"{raw} is not a complete ODF: no *SUM.ASC in it says when it began; fetch the observation again")


def _plain(path: Path) -> str:
    """Return a file's name without the suffix of compression, which odfingest expects."""
    return path.name.removesuffix(".gz")
