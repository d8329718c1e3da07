"""Find a data centre's products in a user's directory of any layout, and assign them to observations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.local import FITS_NAME, MOST_NAMED, file_problem, printable, require_found, walk
from daxa_wf.chain.planned import facts_from, facts_text
from daxa_wf.download.file_request import LOCAL_FILES
from daxa_wf.download.paths import facts_in_tree, glob_expression, is_wanted, paths_at
from daxa_wf.errors import CorruptFileError
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.text import make_printable, some_of

HEADERS = 2
"""Number of HDUs in which the ObsID and the instrument are searched: the primary one and the event list or image."""


@dataclass
class LocalProducts:
    """The products in a directory by ObsID: path below the observation -> path below the directory, and size in bytes.

    `repeated` has further files of the same name by ObsID. `ignored` maps a reason to the files that were left aside.
    """

    files: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)
    repeated: dict[str, list[str]] = field(default_factory=dict)
    instruments: dict[str, set[str]] = field(default_factory=dict)
    """Instruments that headers name, for missions whose file names do not distinguish them."""
    ignored: dict[str, list[str]] = field(default_factory=dict)

    def sentences(self, root: Path) -> list[str]:
        """Return sentences that count and name the ignored files, with the reason."""
        return [
            f"ignored {len(paths)} file{'s' if len(paths) > 1 else ''} below {root}, {reason}: {some_of(paths, MOST_NAMED)}"
            for reason, paths in self.ignored.items()
        ]

    def row(self, spec: MissionSpec, obsid: str, facts: Mapping[str, Any] | None = None) -> ManifestRow:
        """Return the manifest's row of an observation. `facts` come from the mission's table, if it has been fetched."""
        known = {"obsid": obsid, "instruments": " ".join(sorted(self.instruments.get(obsid, ()))), **(facts or {})}
        listed = {path: list(place) for path, place in sorted(self.files[obsid].items())}
        text = facts_text({name: value for name, value in known.items() if value} | {LOCAL_FILES: json.dumps(listed)})
        passed_over = make_printable(" ".join(self.repeated.get(obsid, ())), 2000)
        return ManifestRow(spec.name, obsid, "", "", facts=text, passed_over=passed_over)


def local_products(spec: MissionSpec, root: Path) -> LocalProducts:
    """Find the files below `root` whose names are those of the mission's products.

    The ObsID is in the file's name, in its header (OBS_ID), or the name of one of its directories, in this order. Fault if
    a directory is unreadable.
    """
    products = LocalProducts()
    for path in walk(root):
        place = printable(path.relative_to(root))
        kept_as = _path_below_the_observation(spec, path)
        if kept_as is None:
            if FITS_NAME.fullmatch(path.name) and not _is_other_file(spec, path.relative_to(root)):
                _ignore(products, "not named as a product of the data centre", place)
            continue
        if problem := file_problem(path, root):
            _ignore(products, problem, place)
            continue
        header = _LazyHeader(path)
        obsid = _obsid_of(spec, path, root, header)
        if not obsid:
            _ignore(products, f"without an ObsID of {spec.pretty_name} in name, header (OBS_ID) or directory", place)
            continue
        files = products.files.setdefault(obsid, {})
        if kept_as in files:
            products.repeated.setdefault(obsid, []).append(place)
            continue
        files[kept_as] = (path.relative_to(root).as_posix(), path.stat().st_size)
        if not spec.simultaneous:
            products.instruments.setdefault(obsid, set()).update(_instrument_in(spec, header.cards))
    return products


def rows_of_products(
    mission: str, spec: MissionSpec, root: Path, obsids: Sequence[str] | None, products: LocalProducts
) -> list[ManifestRow]:
    """Return a row for each observation with products, or for each of `obsids`. ConfigError if one has none."""
    chosen = [obsid for obsid in sorted(products.files) if obsids is None or obsid in obsids]
    rows = [products.row(spec, obsid) for obsid in chosen]
    example = spec.products[0].glob.rpartition("/")[2]
    require_found(
        mission, rows, obsids, "product", f"below {root}", f"names such as {example}", products.sentences(root)
    )
    return rows


def with_local_files(spec: MissionSpec, root: Path, facts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the facts of observations, with their files if these are in `root` in another layout than the data centre's."""
    elsewhere = [known for known in facts if not is_laid_out(spec, root, known)]
    products = local_products(spec, root) if elsewhere else LocalProducts()
    return [
        facts_from(products.row(spec, known["obsid"], known).facts)
        if known in elsewhere and known["obsid"] in products.files
        else known
        for known in facts
    ]


def rows_by_name(
    mission: str, root: Path, mirrors: Mapping[str, Sequence[Path]], obsids: Sequence[str]
) -> tuple[list[ManifestRow], LocalProducts] | None:
    """Return rows for ObsIDs whose products are in a directory that is not laid out like a data centre; None if it is.

    ConfigError if some of the observations have no product. None too if no observation has one.
    """
    from daxa_wf.mission.registry import MISSIONS

    spec = MISSIONS[mission]
    if any(is_mirrored(spec, root, mirrors, obsid) for obsid in obsids):
        return None
    products = local_products(spec, root)
    if products.files.keys().isdisjoint(obsids):
        return None
    return rows_of_products(mission, spec, root, obsids, products), products


def is_laid_out(spec: MissionSpec, root: Path, facts: Mapping[str, Any]) -> bool:
    """Return True if a directory holds an observation in the layout of a data centre, or tar files of it."""
    if not spec.archive_paths:
        return any((root / bundle.paths[0].partition("{")[0]).is_dir() for bundle in _bundles(spec))
    try:
        return any((root / path).is_dir() for centre in spec.archive_paths for path in paths_at(spec, centre, facts))
    except CorruptFileError:
        # The layout needs a fact that only the table states, such as a date.
        return False


def is_mirrored(spec: MissionSpec, root: Path, mirrors: Mapping[str, Sequence[Path]], obsid: str) -> bool:
    """Return True if a directory holds an observation in the layout of a data centre, whose paths may have its date."""
    facts = facts_in_tree(spec, mirrors, obsid)
    return facts is not None and is_laid_out(spec, root, facts)


def _bundles(spec: MissionSpec) -> Iterator[Any]:
    return (bundle for bundles in spec.bundles.values() for bundle in bundles if bundle.shared)


def _ignore(products: LocalProducts, reason: str, place: str) -> None:
    products.ignored.setdefault(reason, []).append(place)


@cache
def _product_names(spec_name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the directory and the expression for the name of each product of a mission; the ObsID is a group."""
    from daxa_wf.mission.registry import MISSIONS

    spec, names = MISSIONS[spec_name], []
    for pattern in spec.products:
        directory, _, name = pattern.glob.rpartition("/")
        before, *after = (glob_expression(part).pattern for part in name.split("{obsid}"))
        expression = before + "".join(f"(?P<obsid>{spec.obsid_pattern}){part}" for part in after)
        names.append((directory, re.compile(expression)))
    return tuple(dict.fromkeys(names))


def _path_below_the_observation(spec: MissionSpec, path: Path) -> str | None:
    """Return the path that a product has in the data centre's tree of an observation, or None for other files.

    A directory with several possible names keeps its own one, if it has one of them.
    """
    for directory, expression in _product_names(spec.name):
        if expression.fullmatch(path.name):
            if directory and glob_expression(directory).fullmatch(path.parent.name):
                directory = path.parent.name
            return f"{directory.replace('*', 'any')}/{path.name}" if directory else path.name
    return None


def _is_other_file(spec: MissionSpec, path: Path) -> bool:
    """Return True for another file of the data centre, which is in its directory of the observation."""
    globs = [re.sub(r"{\w+}", "*", glob) for pattern in spec.files for glob in pattern.globs if "/" in glob]
    return any(is_wanted("/".join(path.parts[-glob.count("/") - 1 :]), [glob]) for glob in globs)


class _LazyHeader:
    """The cards of a file's first headers, read when they are first needed; empty if they cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cards: dict[str, Any] | None = None

    @property
    def cards(self) -> Mapping[str, Any]:
        if self._cards is None:
            self._cards = _cards_of(self.path)
        return self._cards


def _cards_of(path: Path) -> dict[str, Any]:
    """Return the cards that identify an observation, of the first headers of a FITS file."""
    from daxa_wf.fits.stream import open_bytes, walk_hdus

    cards: dict[str, Any] = {}
    try:
        with open_bytes(path) as stream:
            for number, hdu in enumerate(walk_hdus(stream, path, trailing=True), start=1):
                for name in ("OBS_ID", "INSTRUME", "DETNAM", "SIM_Z"):
                    if name in hdu.header:
                        cards[name] = hdu.header[name]
                if number == HEADERS:
                    break
    except (CorruptFileError, OSError):
        # Later steps report the damage; here the file's name and place count.
        return cards
    return cards


def _obsid_of(spec: MissionSpec, path: Path, root: Path, header: _LazyHeader) -> str:
    for _, expression in _product_names(spec.name):
        match = expression.fullmatch(path.name)
        if match is not None and (named := match.groupdict().get("obsid")):
            return named
    bounded = re.compile(rf"(?<![0-9A-Z])(?:{spec.obsid_pattern})(?![0-9A-Z])")
    in_name = {match[0] for match in bounded.finditer(path.name.upper())}
    if len(in_name) == 1:
        return in_name.pop()
    in_header = str(header.cards.get("OBS_ID", "")).strip()
    if spec.is_obsid(in_header):
        return in_header
    directories = (part.upper() for part in reversed(path.relative_to(root).parts[:-1]))
    return next((part for part in directories if spec.is_obsid(part)), "")


def _instrument_in(spec: MissionSpec, cards: Mapping[str, Any]) -> set[str]:
    """Return the instrument that a header names, as a set; empty if it names none of the mission's."""
    name = spec.instrument_in(cards) if spec.instrument_in else str(cards.get("INSTRUME", ""))
    try:
        return {spec.instrument(name.strip()).name}
    except KeyError:
        return set()
