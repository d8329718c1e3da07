"""What there is to download, before anything is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from daxa_wf.download.observation import Fetcher
from daxa_wf.download.progress import Progress
from daxa_wf.download.sizes import estimate
from daxa_wf.download.watching import progress_table, read_progress
from daxa_wf.text import shown_bytes
from daxa_wf_simulator.mirror_server import ServedMirror
from tests.archives import SMALL, content
from tests.unit.conftest import fetcher_of, wish


def size_of(mission: str) -> int:
    return sum(len(content(name.rsplit("/", 1)[-1])) for name in SMALL[mission].files)


def test_bytes_from_listings_and_medians(archives: ServedMirror, tmp_path: Path) -> None:
    fetcher = fetcher_of(archives, tmp_path, "s3")
    one = wish("erosita_all_sky_de_dr1")
    eros = fetcher_of(archives, tmp_path, "erosita_de")
    others = [replace(one, facts={**one.facts, "obsid": f"13413{n}"}) for n in range(2)]
    nothing = estimate([one, *others], eros)
    assert (nothing.unknown, nothing.to_fetch, nothing.listed) == (3, 0, 0)
    assert "observations are not known; 'daxa-wf plan --list 10' asks the data centres" in nothing.lines()[1]
    asked = estimate([one, *others], eros, ask=1)
    expected = size_of("erosita_all_sky_de_dr1")
    assert (asked.listed, asked.guessed, asked.to_fetch) == (1, 2, 3 * expected)
    assert asked.lines()[0].startswith(f"  to download: ~{shown_bytes(3 * expected)}")
    before = archives.requests.total()
    assert estimate([one, *others], eros) == asked
    assert archives.requests.total() == before
    assert archives.sent.total() == 0
    eros.acquire(one)
    here = estimate([one], eros)
    assert (here.here, here.to_fetch, here.to_keep) == (1, 0, expected)
    assert estimate([wish("chandra")], fetcher, ask=1).to_fetch == size_of("chandra")


def test_archives_that_cannot_be_asked_are_told(archives: ServedMirror, tmp_path: Path) -> None:
    fetcher = fetcher_of(archives, tmp_path, "heasarc")
    fetcher.data_centres = {"heasarc": ("http://127.0.0.1:9/",)}
    result = estimate([wish("chandra")], fetcher, ask=5)
    assert result.unknown == 1
    assert "no archive lists it" in result.lines()[2]


def test_rounded_sizes_are_no_ground_for_fetching_again(fetcher: Fetcher, archives: ServedMirror) -> None:
    fetcher.acquire(wish("nustar_pointed"))
    before = archives.sent.total()
    fetcher.acquire(wish("nustar_pointed", "FPMA"))
    assert archives.sent.total() == before


def test_progress_is_told_to_log_and_watchers(tmp_path: Path) -> None:
    progress = Progress("chandra 1", tmp_path / ".progress" / "chandra-1.json")
    progress.plan(2, 2_000_000)
    progress.tell(500_000)
    assert "0 of 2 files, 0.5 of 2.0 MB" in progress.line()
    (told,) = read_progress(tmp_path)
    assert (told["name"], told["bytes_done"], told["bytes"]) == ("chandra 1", 500_000, 2_000_000)
    table = progress_table([told, {**told, "name": "other"}])
    assert table.row_count == 3
    progress.finish()
    assert read_progress(tmp_path) == []
    (tmp_path / ".progress" / "bad.json").write_text(json.dumps([])[:1])
    assert read_progress(tmp_path) == []
