"""Raw files that change after they were used are noticed, named and used anew; never in silence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import FileStamp, Record, Status, write_record
from daxa_wf.archive.vouching import Staleness, examine_records, require_unchanged
from daxa_wf.download.store import LEDGER, Ledger, stored_file
from daxa_wf.errors import Fault
from daxa_wf.files import sha256_of
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.units import Unit
from tests.damaged_lists import put, small_list
from tests.xmm_chain import MISSION, Chain

OBSID = "0999991001"
UNIT = f"{OBSID}M1S001"
STEPS = ("inventory", "espfilt", "evselect")


def with_half_the_events_zeroed(path: Path) -> None:
    """Change a plain list as a bad disk would: the same size, and here the same time."""
    events, stat = EpicEventList.open(path), path.stat()
    data = bytearray(path.read_bytes())
    start = data.index(b"XTENSION")
    start += -(-(data.index(b"END" + b" " * 77, start) + 80 - start) // 2880) * 2880
    half = events.row_count // 2 * events.dtype.itemsize
    data[start : start + half] = bytes(half)
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**9))


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    put(tmp_path / "lists", OBSID, small_list(OBSID))
    return Chain(tmp_path, tmp_path / "lists", engine="native").make(*STEPS)


def drop_stale(layout: Layout) -> list[Staleness]:
    """Delete the records that do not vouch for their files, and return why."""
    stale = examine_records(layout).stale
    for path in stale:
        path.unlink()
    return list(stale.values())


def test_a_list_that_changed_after_its_good_times_were_found_is_not_used(chain: Chain, tmp_path: Path) -> None:
    (path,) = (tmp_path / "lists").rglob("*.FTZ")
    kept = chain.record("evselect", UNIT).results["selected"]
    with_half_the_events_zeroed(path)
    record = chain.layout.record("evselect", Unit(MISSION, OBSID, "M1", "S001"))
    (cleaned,) = chain.layout.root.rglob("*cleanevents.fits")
    cleaned.unlink()
    record.unlink()
    chain.make(*STEPS)
    fault = chain.faults["evselect", UNIT]
    assert isinstance(fault, Fault)
    assert path.name in str(fault)
    assert "has changed since an earlier step read it" in str(fault)
    assert not list(chain.layout.root.rglob("*cleanevents.fits"))
    drop_stale(chain.layout)
    assert not record.exists()
    chain.faults.clear()
    chain.make(*STEPS)
    fresh = Chain(tmp_path / "fresh", tmp_path / "lists", engine="native").make(*STEPS)
    again = chain.record("evselect", UNIT).results
    assert again["selected"] < kept
    assert again == fresh.record("evselect", UNIT).results


def test_what_rests_on_a_changed_list_is_named_and_made_again_at_the_next_run(chain: Chain, tmp_path: Path) -> None:
    (path,) = (tmp_path / "lists").rglob("*.FTZ")
    drop_stale(chain.layout)
    assert chain.statuses("evselect") == {UNIT: "done"}
    shutil.copy(path, tmp_path / "copy")
    (tmp_path / "copy").replace(path)
    drop_stale(chain.layout)
    assert chain.statuses("evselect") == {UNIT: "done"}
    with_half_the_events_zeroed(path)
    findings = drop_stale(chain.layout)
    assert [chain.statuses(step) for step in STEPS] == [{}, {}, {}]
    assert {finding.reason for finding in findings} == {"raw data changed"}
    assert {Path(finding.about).name for finding in findings} == {path.name}


def fetched(tmp_path: Path) -> tuple[Layout, Record, Path]:
    """An archive with a record of a fetched file, and the file in the store."""
    store, layout, unit = tmp_path / "store", Layout(tmp_path / "archive"), Unit("chandra", "12812")
    store.mkdir()
    (store / "evt2.fits").write_bytes(b"events")
    Ledger(store).add([stored_file(store, "evt2.fits", sha256_of(store / "evt2.fits"), "url", "cxc")])
    layout.raw(unit).parent.mkdir(parents=True)
    layout.raw(unit).symlink_to(store)
    stat = (store / "evt2.fits").stat()
    raw = [FileStamp("raw/chandra/12812/evt2.fits", 6, stat.st_mtime_ns, sha256_of(store / "evt2.fits"), "raw")]
    record = Record("acquire", unit, Status.DONE, raw=raw)
    write_record(layout, record)
    return layout, record, store


def test_a_fetched_file_that_changed_in_the_store_is_a_fault_and_fetched_anew(tmp_path: Path) -> None:
    layout, record, store = fetched(tmp_path)
    require_unchanged(layout, record)
    assert examine_records(layout).stale == {}
    (store / "evt2.fits").write_bytes(b"EVENTS")
    with pytest.raises(Fault, match=r"raw/chandra/12812/evt2.fits changed since they were fetched"):
        require_unchanged(layout, record)
    assert not Ledger(store).has("evt2.fits")
    assert list(examine_records(layout).stale) == [layout.record("acquire", record.unit)]


def test_a_copied_store_is_what_it_was(tmp_path: Path) -> None:
    layout, record, store = fetched(tmp_path)
    os.utime(store / "evt2.fits", ns=(0, 0))
    ledger = Ledger(store)
    lines = (store / LEDGER).read_bytes().count(b"\n")
    assert ledger.has("evt2.fits")
    assert ledger.has("evt2.fits")
    assert (store / LEDGER).read_bytes().count(b"\n") == lines + 1
    assert Ledger(store).files["evt2.fits"].mtime_ns == 0
    require_unchanged(layout, record)
    assert examine_records(layout).stale == {}
    (store / "evt2.fits").unlink()
    require_unchanged(layout, record)
    assert examine_records(layout).stale == {}
