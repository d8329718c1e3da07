"""Apply filters in order, record the rows that each one left, and associate observations with objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from daxa_wf.errors import ConfigError, NoObservationsError
from daxa_wf.mission.spec import Instrument, MissionSpec
from daxa_wf.selection.filters import Filter, instrument_of, instruments_named
from daxa_wf.selection.matching import Pairs, SkyTree, separations
from daxa_wf.selection.positions import Positions
from daxa_wf.tables.observation_table import instrument_texts

DEFAULT_RADIUS = 1.2
"""Default radius around a position, in fields of view (DAXA's value)."""

FOOTPRINT_REACH = 2.0
"""Distance from a pointing that no footprint region exceeds, in fields of view (the corner of XMM-Newton's EPIC is at 1.3)."""


@dataclass(frozen=True)
class CutflowLine:
    """One line of a cut-flow: the numbers of rows before and after a filter."""

    filter: str
    description: str
    before: int
    left: int

    def __str__(self) -> str:
        return f"{self.filter} ({self.description}): {self.before} -> {self.left}"


ASSOCIATION_COLUMNS = ["object", "obsid", "separation", "instruments", "overlap"]


@dataclass
class Selection:
    """The observations that pass, the cut-flow, and the association of objects with them."""

    rows: pd.DataFrame
    cutflow: list[CutflowLine] = field(default_factory=list)
    association: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ASSOCIATION_COLUMNS))
    unmatched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Remarks for the user, such as requested ObsIDs that the table lacks."""
    absent: list[str] = field(default_factory=list)
    """Requested ObsIDs that this machine does not hold; a later search may find them."""


def select(
    table: pd.DataFrame, spec: MissionSpec, filters: Sequence[Filter], positions: Positions | None = None
) -> Selection:
    """Apply filters in order, positions last. NoObservationsError with the cut-flow if nothing is left.

    >>> import pandas as pd
    >>> from daxa_wf.mission.registry import MISSIONS
    >>> from daxa_wf.selection import filters, positions
    >>> table = pd.DataFrame({"obsid": ["20001", "20002"], "ra": [10.7, 150.0], "dec": [41.3, 2.2],
    ...                       "instruments": ["ACIS-I", "HRC-I"], "target_type": ["NGS", "AGN"]})
    >>> targets = positions.positions([(10.68, 41.27)], ["M31"], radius=0.5)
    >>> selection = select(table, MISSIONS["chandra"], [filters.target_types(("NGS", "GCL"))], targets)
    >>> [str(line) for line in selection.cutflow]
    ['target_type (NGS, GCL): 2 -> 1', 'positions (1 positions): 1 -> 1']
    >>> selection.association[["object", "obsid", "instruments"]].to_dict("records")
    [{'object': 'M31', 'obsid': '20001', 'instruments': 'ACIS-I'}]
    """
    rows, cutflow, notes = table, [], [note for chosen in filters for note in chosen.notes(table, spec)]
    for chosen in filters:
        kept = rows[chosen.keep(rows, spec)]
        cutflow.append(CutflowLine(chosen.name, chosen.description, len(rows), len(kept)))
        rows = kept
    selection = Selection(rows.reset_index(drop=True), cutflow, notes=notes)
    if positions is not None:
        selection = _near(selection, spec, positions)
    if len(selection.rows) == 0:
        raise NoObservationsError(*_nothing_left(spec, len(table), selection))
    return selection


def _nothing_left(spec: MissionSpec, total: int, selection: Selection) -> tuple[str, str]:
    """Return the message with the whole cut-flow, and one line for the summary of a run."""
    last = next(
        (
            f"; {line.filter} ({line.description}) left none"
            for line in selection.cutflow
            if line.before > line.left == 0
        ),
        "",
    )
    lines = [f"{spec.name}: no observation is left of {total}:"]
    lines += [f"  {line}" for line in selection.cutflow]
    lines += [f"  {note}" for note in selection.notes]
    message = "\n".join([*lines, "  loosen the first filter that leaves no observation"])
    return message, f"{spec.name}: none of {total} observations is selected{last}"


def _near(selection: Selection, spec: MissionSpec, positions: Positions) -> Selection:
    rows = selection.rows
    association = associate(rows, spec, positions)
    kept = rows["obsid"].isin(_used(association["obsid"]))
    line = CutflowLine("positions", f"{len(positions.ra)} positions", len(rows), int(kept.sum()))
    matched = set(_used(association["object"]))
    notes = [] if positions.footprint else _cautions(spec, positions)
    return Selection(
        rows[kept].reset_index(drop=True),
        [*selection.cutflow, line],
        association,
        [name for name in positions.names if name not in matched],
        [*selection.notes, *notes],
    )


def _used(labels: pd.Series) -> pd.Index:
    """Return the distinct values of a categorical column of the association."""
    return labels.cat.categories[np.unique(labels.cat.codes)]


def associate(rows: pd.DataFrame, spec: MissionSpec, positions: Positions) -> pd.DataFrame:
    """Return the pairs of objects and observations: separation in degrees, instruments that see it, seconds of overlap.

    Each instrument is matched with its own radius: a wide field adds no objects that a narrow one cannot see.
    """
    tree = SkyTree(rows["ra"], rows["dec"])
    searches = _footprint_search(rows, spec, positions) if positions.footprint else _radii(spec, positions)
    names = [instrument.name for instrument in spec.instruments]
    parts = []
    for radius, searched in searches:
        pairs = tree.within(positions.ra, positions.dec, radius)
        if positions.footprint:
            pairs = _inside_footprint(pairs, rows, spec, positions)
        code = _present(rows, names, searched)[pairs.observation]
        seen = code > 0
        parts.append((Pairs(pairs.position[seen], pairs.observation[seen], pairs.separation[seen]), code[seen]))
    pairs, code = _merged(parts, len(rows)) if len(parts) > 1 else parts[0]
    return _table(rows, positions, pairs, code, names)


def _footprint_search(
    rows: pd.DataFrame, spec: MissionSpec, positions: Positions
) -> list[tuple[float | np.ndarray, list[str]]]:
    """Plan one search that reaches the corners of every footprint. ConfigError if the mission's table has no footprints."""
    if spec.footprint is None and spec.footprint_column not in rows:
        raise ConfigError(f"{spec.name} has no footprints in its table; remove 'match', or write 'match: centre'")
    names = [instrument.name for instrument in _chosen(spec, positions) or spec.instruments]
    if spec.footprint is not None:
        return [(_reach(rows, spec.footprint), names)]
    return [(FOOTPRINT_REACH * max(instrument.field_of_view for instrument in spec.instruments), names)]


def _reach(rows: pd.DataFrame, footprint: tuple[str, str, str, str]) -> float:
    """Return the largest distance in degrees from the centre of a footprint to its corners."""
    ra_min, ra_max, dec_min, dec_max = (rows[column].to_numpy() for column in footprint)
    corners = [(ra, dec) for ra in (ra_min, ra_max) for dec in (dec_min, dec_max)]
    apart = [separations(rows["ra"], rows["dec"], ra, dec).max(initial=0.0) for ra, dec in corners]
    return float(min(180.0, max(apart) + 1e-6))


def _inside_footprint(pairs: Pairs, rows: pd.DataFrame, spec: MissionSpec, positions: Positions) -> Pairs:
    """Return the pairs whose position lies in the observation's footprint: a box, or a region in STC-S."""
    if spec.footprint is None:
        return _inside_region(pairs, rows[spec.footprint_column], positions)
    ra_min, ra_max, dec_min, dec_max = (rows[column].to_numpy()[pairs.observation] for column in spec.footprint)
    ra, dec = positions.ra[pairs.position], positions.dec[pairs.position]
    inside = ((ra - ra_min) % 360 <= ra_max - ra_min) & (dec >= dec_min) & (dec <= dec_max)
    return Pairs(pairs.position[inside], pairs.observation[inside], pairs.separation[inside])


def _inside_region(pairs: Pairs, regions: pd.Series, positions: Positions) -> Pairs:
    """Return the pairs whose position lies in the observation's STC-S region.

    Observations without a readable region match by their centres, at any distance that the search reached.
    """
    from daxa_wf.selection.sky_regions import parse_stcs

    inside = np.zeros(len(pairs.position), bool)
    order = np.argsort(pairs.observation, kind="stable")
    starts = np.flatnonzero(np.diff(pairs.observation[order], prepend=-1))
    for index in np.split(order, starts[1:]) if len(order) else ():
        text = regions.iloc[pairs.observation[index[0]]]
        try:
            contains = parse_stcs(str(text))
        except ConfigError:
            inside[index] = True
            continue
        at = pairs.position[index]
        inside[index] = contains(positions.ra[at], positions.dec[at])
    return Pairs(pairs.position[inside], pairs.observation[inside], pairs.separation[inside])


def _present(rows: pd.DataFrame, names: Sequence[str], searched: Sequence[str]) -> np.ndarray:
    """Return the searched instruments that each observation has, as bits in the order of all names."""
    number = np.zeros(len(rows), dtype=np.int64)
    for bit, name in enumerate(names):
        if name in searched:
            number |= _has(rows, name).astype(np.int64) << bit
    return number


def _cautions(spec: MissionSpec, positions: Positions) -> list[str]:
    """Return a note for each reason why a default radius that a search used suits few purposes."""
    if positions.radius is not None and not isinstance(positions.radius, Mapping):
        return []
    chosen, own = _own_radii(spec, positions)
    cautioned: dict[tuple[str, float], list[str]] = {}
    for instrument in chosen:
        if instrument.radius_caution and instrument.name not in own:
            reason = (instrument.radius_caution, instrument.field_of_view)
            cautioned.setdefault(reason, []).append(instrument.name)
    return [
        f"the default radius of {', '.join(names)} is {DEFAULT_RADIUS * field_of_view:.3g} deg: {caution}; "
        "choose one with 'radius'"
        for (caution, field_of_view), names in cautioned.items()
    ]


def _radii(spec: MissionSpec, positions: Positions) -> list[tuple[float | np.ndarray, list[str]]]:
    """Return the radii to search with, each with the instruments that use it."""
    given = positions.radius
    chosen, own = _own_radii(spec, positions)
    names = [instrument.name for instrument in chosen]
    stray = [name for name in own if name not in names]
    if stray:
        raise ConfigError(f"{spec.name}: radius is given for {', '.join(stray)}, which 'instruments' does not name")
    if given is not None and not isinstance(given, Mapping):
        return [(given, names)]
    grouped: dict[float, list[str]] = {}
    for instrument in chosen:
        reach = own.get(instrument.name, DEFAULT_RADIUS * instrument.field_of_view)
        grouped.setdefault(reach, []).append(instrument.name)
    return list(grouped.items())


def _own_radii(spec: MissionSpec, positions: Positions) -> tuple[list[Instrument], dict[str, float]]:
    """Return the instruments to search with, and the radii by instrument that the positions have."""
    given, chosen = positions.radius, _chosen(spec, positions)
    own: dict[str, float] = {}
    if isinstance(given, Mapping):
        taken = {instrument.name for instrument in chosen}
        for name, radius in given.items():
            members = instruments_named(spec, [name])
            own |= dict.fromkeys([member for member in members if member in taken] or members, radius)
    if not chosen:
        chosen = [known for known in spec.instruments if known.default or known.name in own]
    return chosen, own


def _chosen(spec: MissionSpec, positions: Positions) -> list[Instrument]:
    return [instrument_of(spec, name) for name in instruments_named(spec, positions.instruments)]


def _has(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Return True for observations with data of an instrument, and for observations whose instruments are unknown."""
    listed = rows["instruments"]
    return ((listed == "") | (" " + listed + " ").str.contains(f" {name} ", regex=False)).to_numpy(bool)


def _merged(parts: Sequence[tuple[Pairs, np.ndarray]], observations: int) -> tuple[Pairs, np.ndarray]:
    """Merge repeated pairs, joining the instruments of all searches that found them."""
    position, observation, separation = (
        np.concatenate([getattr(pairs, name) for pairs, _ in parts])
        for name in ("position", "observation", "separation")
    )
    key = position * observations + observation
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    code = np.concatenate([code for _, code in parts])[order]
    first = order[starts]
    joined = np.bitwise_or.reduceat(code, starts) if len(starts) else code
    return Pairs(position[first], observation[first], separation[first]), joined


def _table(
    rows: pd.DataFrame, positions: Positions, pairs: Pairs, codes: np.ndarray, names: Sequence[str]
) -> pd.DataFrame:
    overlap = np.full(len(pairs.position), np.nan)
    kept = np.ones(len(pairs.position), bool)
    if positions.start is not None and positions.end is not None:
        first = np.maximum(rows["start"].to_numpy()[pairs.observation], positions.start[pairs.position])
        last = np.minimum(rows["end"].to_numpy()[pairs.observation], positions.end[pairs.position])
        kept = first <= last
        overlap = (last - first) / np.timedelta64(1, "s")
    everything = kept.all()
    position, observation, separation = (
        column if everything else column[kept] for column in (pairs.position, pairs.observation, pairs.separation)
    )
    return pd.DataFrame(
        {
            "object": _labelled(np.array(positions.names, dtype=object), position),
            "obsid": _labelled(rows["obsid"].to_numpy(object), observation),
            "separation": separation,
            "instruments": instrument_texts(codes if everything else codes[kept], names),
            "overlap": overlap if everything else overlap[kept],
        }
    )


def _labelled(values: np.ndarray, index: np.ndarray) -> pd.Categorical:
    """Return values[index] as a categorical, so that an association of millions of pairs holds each text once."""
    codes, categories = pd.factorize(values)
    return pd.Categorical.from_codes(codes[index], pd.Index(categories, dtype=object))
