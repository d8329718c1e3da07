"""The changes between two versions of an archive: products added, removed or changed, each with its cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from daxa_wf.archive.causes import Cause, LockedStep, cause_of
from daxa_wf.archive.version_contents import ContentLine, ObservationContent, differing_lines, parse_content

ChangeKind = Literal["first", "processing", "data", "metadata"]
"""What changed, from which the number of the version follows (`docs/archive.md`)."""
ProductChangeKind = Literal["added", "removed", "changed"]

MOST_STEPS_BACK = 50
"""Largest number of earlier steps between a product and the cause of its change; no chain of steps is as long."""


@dataclass(frozen=True)
class ProductChange:
    """A product that one version has and another lacks, or that differs between them, with the cause."""

    change: ProductChangeKind
    product: str
    cause: str


@dataclass(frozen=True)
class StepChange:
    """A step on a unit that differs between two versions, or that only one has."""

    path: str
    """Path of its record."""
    kind: ChangeKind
    cause: str
    old: LockedStep | None
    new: LockedStep | None

    def products(self) -> Iterator[ProductChange]:
        """Yield the changes of the step's products."""
        old, new = (step.products if step is not None else {} for step in (self.old, self.new))
        for product in sorted({*old, *new}):
            change: ProductChangeKind = "changed" if product in old and product in new else "removed"
            if old.get(product) != new.get(product):
                yield ProductChange("added" if product not in old else change, product, self.cause)


def changed_steps(before: Iterable[ContentLine], after: Iterable[ContentLine]) -> Iterator[StepChange]:
    """Yield the steps that differ between two contents. Raise CorruptFileError if a content is damaged."""
    for name, first, second in differing_lines(iter(before), iter(after)):
        old, new = (ObservationContent() if text is None else parse_content(name, text) for text in (first, second))
        for path in sorted({*old.steps, *new.steps}):
            if (change := _change(name, path, old, new)) is not None:
                yield change


def _change(name: str, path: str, before: ObservationContent, after: ObservationContent) -> StepChange | None:
    old, new = before.steps.get(path), after.steps.get(path)
    if old is None or new is None:
        whole = (before if old is None else after).steps
        what = "the step" if whole else f"the observation {name}"
        return StepChange(path, "data", f"{what} was {'added' if old is None else 'removed'}", old, new)
    if pruning := _pruning(old, new):
        return StepChange(path, "data", pruning, old, new)
    cause = _first_cause(before, old, after, new)
    if old.result != new.result:
        kind: ChangeKind = "data" if cause.kind == "sources" else "processing"
        return StepChange(path, _kind_behind(before, after, cause, kind), cause.text, old, new)
    return StepChange(path, "metadata", cause.text, old, new) if old != new else None


def _pruning(old: LockedStep, new: LockedStep) -> str:
    """Return `pruned` or `made again after pruning` if nothing else differs between the products of a step, else ''."""
    was, now_is = old.products.keys(), new.products.keys()
    is_same = all(old.products[product] == new.products[product] for product in was & now_is)
    if was == now_is or not is_same or old.result[:2] != new.result[:2]:
        return ""
    if now_is < was and was - now_is <= set(new.pruned):
        return "pruned"
    return "made again after pruning" if was < now_is and now_is - was <= set(old.pruned) else ""


def _kind_behind(before: ObservationContent, after: ObservationContent, cause: Cause, kind: ChangeKind) -> ChangeKind:
    """Return `data` if the cause is an earlier step that only one of the contents has."""
    is_lone = cause.kind == "earlier step" and (cause.about in before.steps) != (cause.about in after.steps)
    return "data" if is_lone else kind


def _first_cause(before: ObservationContent, old: LockedStep, after: ObservationContent, new: LockedStep) -> Cause:
    """Return the cause of a difference, in the earliest step that differs."""
    cause, by_way_of = cause_of(before, old, after, new), ""
    for _ in range(MOST_STEPS_BACK):
        earlier, now = before.steps.get(cause.about), after.steps.get(cause.about)
        if cause.kind != "earlier step":
            break
        by_way_of = cause.about
        if earlier is None or now is None:
            added = "added" if earlier is None else "removed"
            return Cause("earlier step", f"{_named(by_way_of)} was {added}", by_way_of)
        cause = cause_of(before, earlier, after, now)
    return Cause(cause.kind, f"{cause.text} ({_named(by_way_of)})", cause.about) if by_way_of else cause


def _named(path: str) -> str:
    """Return the step and unit of a record's path."""
    *_, step, name = path.split("/")
    return f"{step} of {name.removesuffix('.json')}"


def largest(kinds: Collection[ChangeKind]) -> ChangeKind | None:
    """Return the largest kind of a change: processing, data, metadata. None without a change."""
    order: tuple[ChangeKind, ...] = ("processing", "data", "metadata")
    return next((kind for kind in order if kind in kinds), None)
