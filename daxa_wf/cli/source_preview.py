"""Describe the content of a mission's local directory for `plan`: lists or products, sizes, files that are left aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.local import walk
from daxa_wf.text import shown_bytes, some_of

if TYPE_CHECKING:
    from daxa_wf.chain.local_products import LocalProducts
    from daxa_wf.mission.spec import MissionSpec

MOST_NAMED = 10
"""Largest number of files that a line names. It counts the others."""


def file_lines(rows: Sequence[ManifestRow], directory: Path) -> list[str]:
    """Return lines on the files that rows of a manifest start from: their number and bytes, unusable ones, others."""
    lists = {row.events for row in rows if row.events}
    beside = {name for row in rows for name in (row.ootevents, row.attitude) if name}
    raw = {row.odf for row in rows if row.odf}
    lines = []
    if lists:
        more = f", with {len(beside)} files beside them" if beside else ""
        lines.append(f"  event lists: {len(lists)}{more}, {shown_bytes(_bytes_of(directory, lists | beside))}")
    if raw:
        size = sum(_size(path) for name in raw for path in walk(directory / name))
        lines.append(f"  directories of raw data: {len(raw)}, {shown_bytes(size)}")
    problems = {row.unit.identifier: row.problem for row in rows if row.problem}
    lines += _reasons("not usable", problems)
    passed_over = [name for row in rows for name in row.passed_over.split()]
    if passed_over:
        lines.append(f"  passed over in favour of others: {len(passed_over)}: {some_of(passed_over, MOST_NAMED)}")
    return lines


def product_file_lines(spec: MissionSpec, products: LocalProducts, obsids: Iterable[str]) -> list[str]:
    """Return lines on the products of observations in a directory: their number by kind and their bytes, and repeated ones."""
    from daxa_wf.chain.preprocessed import products_in

    counts: Counter[str] = Counter()
    size, repeated = 0, list[str]()
    for obsid in obsids:
        files = products.files.get(obsid, {})
        size += sum(number for _, number in files.values())
        repeated += products.repeated.get(obsid, [])
        everything = [instrument.name for instrument in spec.instruments]
        filing = products_in(spec, obsid, list(files), everything, tuple(products.instruments.get(obsid, ())))
        counts.update(filed.pattern.kind for filed in filing.products)
        counts["of an unknown instrument"] += len(filing.undecided)
    listed = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    lines = [f"  files: {listed or 'none'}, {shown_bytes(size)}"]
    if repeated:
        lines.append(f"  passed over, of the same names: {len(repeated)}: {some_of(repeated, MOST_NAMED)}")
    return lines


def selected_lines(
    selected: Sequence[str], rows: Sequence[ManifestRow], directory: Path, ignored: Iterable[str]
) -> list[str]:
    """Return lines on the selected observations in a local directory: their number, exposures and files, and the others."""
    present = [row for row in rows if row.obsid in set(selected)]
    here = {row.obsid for row in present}
    absent = [obsid for obsid in selected if obsid not in here]
    exposures = len({row.unit for row in present if row.exposure})
    amount = f"{len(here)} of {len(selected)} observations" + (f", {exposures} exposures" if exposures else "")
    lines = [f"  in {directory}: {amount}", *file_lines(present, directory)]
    if absent:
        lines.append(f"  not in {directory}: {len(absent)}: {some_of(absent, MOST_NAMED)}")
    return [*lines, *(f"  {sentence}" for sentence in ignored)]


def _reasons(what: str, reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each of the first reasons, and a line that counts the others."""
    lines = [f"  {what}: {name}: {reason}" for name, reason in list(reasons.items())[:MOST_NAMED]]
    return [*lines, *([f"  {what}: {len(reasons) - MOST_NAMED} more"] if len(reasons) > MOST_NAMED else [])]


def _bytes_of(directory: Path, names: Iterable[str]) -> int:
    return sum(_size(directory / name) for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
