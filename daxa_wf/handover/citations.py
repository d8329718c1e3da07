"""The acknowledgements and publications for the missions, data centres and software that an archive used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import unit_of
from daxa_wf.archive.records import Record, read_sound_record, record_paths
from daxa_wf.archive.state import ArchiveState
from daxa_wf.errors import ConfigError
from daxa_wf.json_files import read_json
from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.registry import MISSIONS, pipeline_of, toolkits

DATA_CENTRES, SOFTWARE = "data_centres.json", "software.json"
"""Files of this package with the citations of data centres and of Python packages, by the names that records use."""


@dataclass
class ArchiveSources:
    """The things that an archive's records name: missions with their instruments, data centres, toolkits, versions."""

    instruments: dict[str, set[str]] = field(default_factory=dict)
    """Mission -> instruments with data in the archive."""
    data_centres: set[str] = field(default_factory=set)
    toolkits: set[str] = field(default_factory=set)
    versions: dict[str, set[str]] = field(default_factory=dict)
    """Software -> its versions in the records."""


@dataclass(frozen=True)
class Credit:
    """One thing to acknowledge, by its name, with the citation that applies to the archive."""

    role: str
    """`mission`, `data centre` or `software`."""
    name: str
    citation: Citation
    references: tuple[Reference, ...]


def credits_of(state: ArchiveState) -> list[Credit]:
    """Return what to acknowledge for an archive: its missions, the data centres that served its files, and its software.

    Only what the configuration still requests counts. Raise ConfigError if the archive has no records, and
    CorruptFileError if a record is damaged.
    """
    used = sources_of(state)
    if not used.instruments:
        raise ConfigError(
            f"{state.layout.root} holds no records yet, so it used nothing to cite; 'daxa-wf run' makes them"
        )
    return [*_mission_credits(used), *_data_centre_credits(used), *_software_credits(used)]


def sources_of(state: ArchiveState) -> ArchiveSources:
    """Return the missions, instruments, data centres and software that the records of requested units name."""
    used = ArchiveSources()
    for path in record_paths(state.layout):
        record = read_sound_record(path)
        if state.requested.asks_for(record.step, record.unit):
            _add_record(used, record)
    return used


def _add_record(used: ArchiveSources, record: Record) -> None:
    mission = record.unit.mission
    names = [record.unit.instrument, *(unit_of(Path(stamp.path).name)[0] for stamp in record.products)]
    used.instruments.setdefault(mission, set()).update(part for name in names for part in name.split("_") if part)
    used.data_centres.update(_served_by(record))
    for name, version in record.versions.items():
        used.versions.setdefault(name, set()).add(str(version))
    if mission in MISSIONS and record.command:
        engines = pipeline_of(mission).engines_of(MISSIONS[mission])
        used.toolkits.update(engine.toolkit for engine in engines.values() if engine.name == record.engine)


def _served_by(record: Record) -> Iterator[str]:
    """Yield the data centres that a record of fetched files names."""
    files = record.results.get("files")
    for entry in files if isinstance(files, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("archive"), str):
            yield entry["archive"]


def _mission_credits(used: ArchiveSources) -> Iterator[Credit]:
    for mission in sorted(used.instruments.keys() & MISSIONS.keys()):
        spec = MISSIONS[mission]
        of_instruments = spec.citation.by_instrument
        chosen = [name for name in of_instruments if name in used.instruments[mission]]
        further = tuple(reference for name in chosen for reference in of_instruments[name])
        yield Credit("mission", spec.pretty_name, spec.citation, _unique((*spec.citation.references, *further)))


def _data_centre_credits(used: ArchiveSources) -> Iterator[Credit]:
    known = _packaged(DATA_CENTRES)
    for name in sorted(used.data_centres - {""}):
        citation = known.get(name, Citation())
        yield Credit("data centre", name, citation, citation.references)


def _software_credits(used: ArchiveSources) -> Iterator[Credit]:
    for toolkit in toolkits():
        if toolkit.name in used.toolkits:
            yield Credit("software", toolkit.label, toolkit.citation, toolkit.citation.references)
    known = _packaged(SOFTWARE)
    for name in ("daxa_wf", *sorted(used.versions.keys() - {"daxa_wf"})):
        if name in known or name == "daxa_wf":
            citation = known.get(name, Citation())
            title = f"{name} {', '.join(sorted(used.versions.get(name, ())))}".strip()
            yield Credit("software", title, citation, citation.references)


@cache
def _packaged(name: str) -> dict[str, Citation]:
    citations: dict[str, Citation] = read_json(
        Path(__file__).with_name(name), dict[str, Citation], "a list of citations", "install daxa_wf again"
    )
    return citations


def _unique(references: Iterable[Reference]) -> tuple[Reference, ...]:
    return tuple({reference.key: reference for reference in references}.values())


def as_text(credits_to_give: Iterable[Credit]) -> str:
    """Return the acknowledgements, each once, then the software with its versions, then the publications."""
    listed = list(credits_to_give)
    texts = dict.fromkeys(credit.citation.acknowledgement for credit in listed if credit.citation.acknowledgement)
    plain = [credit.name for credit in listed if credit.role == "software" and not credit.citation.acknowledgement]
    pages = dict.fromkeys(credit.citation.page for credit in listed if credit.citation.page)
    lines = ["Acknowledgements", "", *texts, f"Software: {', '.join(plain)}.", "", "Publications", ""]
    lines += [reference.short for reference in _all_references(listed)]
    lines += ["", "The owners' present requests decide", "", *pages] if pages else []
    return "\n".join(lines) + "\n"


def as_bibtex(credits_to_give: Iterable[Credit]) -> str:
    """Return the publications as the text of a BibTeX file, each once."""
    return "\n\n".join(reference.as_bibtex() for reference in _all_references(credits_to_give)) + "\n"


def as_values(credits_to_give: Iterable[Credit]) -> list[dict[str, Any]]:
    """Return the credits as values for JSON."""
    return [
        {
            "role": credit.role, "name": credit.name, "acknowledgement": credit.citation.acknowledgement,
            "page": credit.citation.page, "references": [vars(reference) for reference in credit.references],
        }
        for credit in credits_to_give
    ]  # fmt: skip


def _all_references(credits_to_give: Iterable[Credit]) -> tuple[Reference, ...]:
    return _unique(reference for credit in credits_to_give for reference in credit.references)
