"""An ODF as SAS wants it, made of links: the raw directory is only read, and two archives may use it at once."""

from __future__ import annotations

from pathlib import Path

from daxa_wf.errors import Fault
from daxa_wf.tools.odf_summary import with_path


def make_odf_view(raw: Path, view: Path, summary: Path | None = None) -> Path:
    """Link an ODF's files into `view`; with `summary` (a `*SUM.SAS`), a copy of it there whose PATH is the view.

    The summary that an archive may have shipped is left out: it is another release's. The copied summary's path, or
    the view if there is none. Fault if `raw` has no `*SUM.ASC`, so is no ODF.
    """
    files = sorted(path for path in raw.iterdir() if path.is_file() and not path.name.endswith("SUM.SAS"))
    if not any(path.name.endswith("SUM.ASC") for path in files):
        raise Fault(f"{raw} is not a complete ODF: it has no *SUM.ASC; fetch the observation again")
    view.mkdir(parents=True, exist_ok=True)
    for path in files:
        (view / path.name).unlink(missing_ok=True)
        (view / path.name).symlink_to(path.absolute())
    if summary is None:
        return view
    copied = view / summary.name
    copied.write_text(
        with_path(summary.read_text(encoding="ascii", errors="replace"), view.absolute()), encoding="ascii"
    )
    return copied
