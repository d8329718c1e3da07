"""Event lists of a small simulated exposure, whole and with every kind of damage."""

from __future__ import annotations

import functools
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from daxa_wf_simulator.events import simulate
from daxa_wf_simulator.files import event_list
from daxa_wf_simulator.truth import Exposure, Flare, Observation, PointSource


@functools.cache
def small_list(obsid: str = "0999991001") -> bytes:
    """Return a list of MOS1 of 20 minutes with a flare, not compressed, with right checksums."""
    exposure = Exposure("M1", "S001", 0, 1200, 2.0, flares=(Flare(300, 450, 12),))
    sources = (PointSource("A", 10.0, 20.0, 0.2),)
    observation = Observation(obsid, "small", 10.0, 20.0, 50.0, 6e8, 3000, sources, (exposure,))
    return event_list(observation, exposure, simulate(observation, exposure, np.random.default_rng(7)))


def name_of(obsid: str) -> str:
    """Return the archive's name of the list of MOS1's exposure S001."""
    return f"P{obsid}M1S001MIEVLI0000.FTZ"


def put(root: Path, obsid: str, data: bytes, folder: str | bytes = "PPS") -> Path:
    """Write bytes under the name of an observation's list."""
    directory = root / os.fsdecode(folder)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name_of(obsid)
    path.write_bytes(data)
    return path


def with_card(data: bytes, card: str, text: str) -> bytes:
    """Return a list with the first card of a name after the primary header replaced by the text."""
    start = data.index(b"XTENSION")
    at = data.index(f"{card:<8}=".encode(), start)
    return data[:at] + text.encode().ljust(80) + data[at + 80 :]


def _dangling(root: Path, obsid: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / name_of(obsid)).symlink_to(root / "nowhere.FTZ")


def _pipe(root: Path, obsid: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    os.mkfifo(root / name_of(obsid))


def _cards(card: str, value: str) -> Callable[[Path, str], None]:
    def make(root: Path, obsid: str) -> None:
        put(root, obsid, gzip.compress(with_card(small_list(obsid), card, f"{card:<8}= {value}")))

    return make


UNUSABLE: dict[str, tuple[Callable[[Path, str], None], str]] = {
    "dangling link": (_dangling, "the link leads to .*nowhere.FTZ, which does not exist"),
    "named pipe": (_pipe, "it is not a file"),
    "OBS_ID with a space": (_cards("OBS_ID", "'a b     '"), r"OBS_ID is 'a b'; expected an ObsID of XMM"),
    "OBS_ID that climbs": (_cards("OBS_ID", "'../..   '"), r"OBS_ID is '\.\./\.\.'"),
    "short EXPIDSTR": (_cards("EXPIDSTR", "'S01     '"), r"EXPIDSTR is 'S01'; expected one such as S001"),
    "unknown INSTRUME": (_cards("INSTRUME", "'EMOS9   '"), r"EMOS9; expected the cards"),
    "unparsable OBS_ID": (_cards("OBS_ID", "0999'1"), r"expected the cards OBS_ID"),
    "non-UTF-8 folder": (
        lambda root, obsid: put(root, obsid, small_list(obsid), b"caf\xe9") and None,
        r"caf\\xe9/P.*not UTF-8; rename the file or its folder",
    ),
    "line break in a folder": (
        lambda root, obsid: put(root, obsid, small_list(obsid), "a\nb") and None, r"a\\nb/P.*holds control characters",
    ),
    "brace in a folder": (lambda root, obsid: put(root, obsid, small_list(obsid), "{b}") and None, "the path has a brace"),
}  # fmt: skip
"""Kind of a list that cannot be opened or identified -> how to make one, and the message."""

CORRUPT: dict[str, tuple[Callable[[Path, str], None], str]] = {
    "unparsable TTYPE1": (_cards("TTYPE1", "TIME'"), "TTYPE1|columns cannot be read"),
    "cut off": (
        lambda root, obsid: put(root, obsid, gzip.compress(small_list(obsid))[:1500]) and None, "gzip stream is damaged",
    ),
    "empty": (lambda root, obsid: put(root, obsid, b"") and None, "is not FITS"),
    "negative NAXIS2": (
        _cards("NAXIS2", "                  -5"), r"\[EVENTS\]: expected a whole number in the card NAXIS2, it is -5; fetch",
    ),
    "unknown TFORM1": (_cards("TFORM1", "'1Z      '"), "has the form '1Z'"),
}  # fmt: skip
"""Kind of a damaged list -> how to make one, and the message."""
