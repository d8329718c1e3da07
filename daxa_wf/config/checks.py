"""Find contradictions between the keys of a mission's section, and with the facts of the mission."""

from __future__ import annotations

from collections.abc import Iterator

from daxa_wf.config.mission import ROUTES, Mission
from daxa_wf.config.mission_section import Source

Problems = Iterator[tuple[str, str]]
"""A key of the mission's section, and its problem."""


def problems_of(mission: Mission) -> Iterator[str]:
    """Yield all problems of a mission's section as a whole, each with its key."""
    for key, problem in _problems(mission):
        yield f"missions.{mission.name}.{key}: {problem}"


def _problems(mission: Mission) -> Problems:
    yield from _observations(mission)
    unknown = list(_instruments(mission))
    yield from unknown
    source = mission.section.source
    if source is None:
        return
    if mission.section.engine is not None and mission.section.engine not in mission.engines:
        engines = ", ".join(mission.engines)
        yield "engine", f"engine {mission.section.engine} cannot process {mission.name}; write one of {engines}"
        return
    yield from _source(mission, source)
    if not unknown:
        yield from _deliveries(mission)
    yield from _sections_without_effect(mission)
    if mission.section.products.further and not mission.spec.has_further_products:
        yield "products.further", f"{mission.name} has no further products; remove it"
    if not unknown:
        yield from _processed_instruments(mission)
    yield from mission.section.problems(mission, () if unknown else mission.instruments)


def _observations(mission: Mission) -> Problems:
    """Yield impossible ObsIDs, and ObsIDs that are both requested and excluded."""
    spec, section = mission.spec, mission.section
    select = section.select
    chosen = {"obsids": section.obsids or ()}
    if select is not None:
        chosen |= {"select.obsids": select.obsids or (), "select.exclude": select.exclude or ()}
    for key, obsids in chosen.items():
        for obsid in obsids:
            if not spec.is_obsid(obsid):
                quotes = "" if set(obsid) - set("0123456789") else " (leading zeros are part of it)"
                yield key, f"{obsid!r} is not an ObsID of {spec.pretty_name}; expected {spec.obsid_pattern}{quotes}"
    if chosen["obsids"] and chosen.get("select.obsids"):
        yield "select.obsids", "ObsIDs are in both 'obsids' and 'select.obsids'; remove one of the two keys"
    requested = {
        same for key in ("obsids", "select.obsids") for obsid in chosen.get(key, ()) for same in _same(mission, obsid)
    }
    for obsid in chosen.get("select.exclude", ()):
        if requested & _same(mission, obsid):
            yield "select.exclude", f"{obsid} is also in 'obsids'; remove it from one of the two"


def _same(mission: Mission, obsid: str) -> set[str]:
    return {obsid, *mission.spec.values_for("obsid", obsid)}


def _instruments(mission: Mission) -> Problems:
    for instrument in mission.section.instruments or ():
        try:
            mission.spec.instruments_named(instrument)
        except KeyError as error:
            yield "instruments", error.args[0]


def _source(mission: Mission, source: Source) -> Problems:
    name, spec, section, engine = mission.name, mission.spec, mission.section, mission.engine
    organised = engine.takes_whole_observations
    is_chosen = section.obsids is not None or section.select is not None
    if organised and source.local is not None and not is_chosen and "preprocessed" not in engine.steps:
        yield (
            "source.local",
            f"engine {engine.name} searches the observations of {name} by ObsID in a directory with the data centre's layout; "
            "list them in 'obsids', or select them with 'select'",
        )
    for data_centre in source.archives if isinstance(source.archives, tuple) else ():
        if data_centre not in spec.archives:
            yield "source.archives", f"{data_centre} does not have {name}; choose from {', '.join(spec.archives)}"
    if source.archives is not None and not spec.archives:
        yield "source.archives", f"{name} has no known data centre; use 'source.local'"
    if section.fetch is not None and source.local is not None and not organised:
        yield "fetch", "'fetch' selects what to download, but 'source.local' downloads nothing; remove 'fetch'"
    elif engine.name != "raw" and engine.route not in mission.routes:
        yield (
            "fetch",
            f"engine {engine.name} starts from {engine.route} data, not from {section.fetch}; remove it, or write both",
        )


def _deliveries(mission: Mission) -> Problems:
    """Yield requested data that cannot be fetched or organised, because the mission's module lacks a pattern for them."""
    spec, chosen = mission.spec, mission.instruments
    for route in mission.routes if mission.uses_raw_store else ():
        fetched = [pattern for pattern in spec.files if pattern.route == route]
        if not any(not pattern.instruments or set(pattern.instruments) & set(chosen) for pattern in fetched):
            others = [
                other for other in ROUTES if other != route and any(pattern.route == other for pattern in spec.files)
            ]
            key = "fetch" if mission.section.fetch else "engine"
            instead = f"write {key}: {others[0]}" if others else "remove the mission"
            yield key, f"the {route} files of {spec.pretty_name} cannot be fetched; {instead}"
            return
    organised = {name for pattern in spec.products for name in spec.instruments_of(pattern)}
    if "preprocessed" not in mission.engine.steps or any(name in organised for name in chosen):
        return
    if not organised:
        yield (
            "engine",
            f"products of {spec.pretty_name} cannot be organised; write engine: raw to fetch its files unchanged",
        )
    elif detectors := [item.name for item in spec.instruments if item.name in chosen and item.is_detector]:
        known = ", ".join(item.name for item in spec.instruments if item.name in organised)
        yield (
            "instruments",
            f"products of {', '.join(detectors)} cannot be organised, only products of {known}; "
            "write engine: raw to fetch the files unchanged",
        )


def _sections_without_effect(mission: Mission) -> Problems:
    """Yield sections of steps that do not process the mission's observations."""
    section, engine_steps = mission.section, mission.engine.steps
    used = [key for key, steps in section.step_sections.items() if set(steps) & set(engine_steps)]
    for key in set(section.step_sections) & section.model_fields_set - set(used):
        if not getattr(section, key).model_fields_set:
            continue
        others = [
            name for name, engine in mission.engines.items() if set(section.step_sections[key]) & set(engine.steps)
        ]
        instead = f", or write engine: {others[0]}" if others else ""
        yield (
            key,
            f"engine {mission.engine.name} of {mission.name} does not run this step, so this section has no effect; "
            f"remove it{instead} (sections with an effect: {', '.join(used) or 'none'})",
        )


def _processed_instruments(mission: Mission) -> Problems:
    steps = {step.name: step for step in mission.pipeline.steps}
    named = [name for step in mission.engine.steps if step in steps for name in steps[step].instruments]
    able = tuple(dict.fromkeys(named))
    for name in mission.instruments:
        if able and name not in able:
            yield "instruments", f"engine {mission.engine.name} can process {', '.join(able)}, not {name}"
