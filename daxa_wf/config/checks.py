"""What the keys of a mission's section say against each other, or against what the mission is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from daxa_wf.mission.catalogue import CHAINS, processed_instruments
from daxa_wf.mission.registry import MISSIONS, why_unknown
from daxa_wf.mission.spec import Route
from daxa_wf.observatories.xmm.sas.list_commands import METHODS as SAS_METHODS

if TYPE_CHECKING:
    from daxa_wf.config.model import Mission, Source

Problems = Iterator[tuple[str, str]]
"""A key of the mission's section, and what is wrong with it."""

ROUTES: tuple[Route, ...] = ("preprocessed", "raw")

SECTIONS = {
    "products": "preprocessed", "cifbuild": "cifbuild", "emanom": "emanom", "espfilt": "espfilt", "evselect": "evselect",
    "merge": "merge", "images": "images", "exposure_maps": "exposure_maps", "flaregti": "flaregti", "evtool": "evtool",
}  # fmt: skip
"""Section of a mission -> the step that it is for; eROSITA's own images and exposure maps go by the same sections."""

BY_ENGINE = ("espfilt", "evselect", "merge", "images", "exposure_maps")
"""Sections of the steps that more than one engine can do."""

FLARE_OPTIONS = {
    "espfilt": {
        "with_smoothing": ("esas20",),
        "with_binning": ("esas20", "esas19", "sn_optimal", "ratio"),
        "ratio": ("ratio",),
        "filter_lo_en": ("esas20", "esas19", "sn_optimal"),
        "filter_hi_en": ("esas20", "esas19", "sn_optimal"),
        "range_scale": ("esas20",),
        "allowed_sigma": ("esas20",),
        "gauss_fit_lims": ("esas20",),
        "threshold": ("threshold",),
    },
    "flaregti": {
        "threshold": ("flaregti", "threshold"),
        "thresholds": ("threshold",),
        "sigma": ("gaussian",),
        "source_size": ("flaregti",),
        "source_like": ("flaregti",),
    },
}
"""Section -> option of a flare filter -> the methods that heed it, where not all do (docs/flare_filters.md, flaregti.md).

SAS's espfilt is told all but the threshold, whichever the method.
"""


def problems_of(name: str, mission: Mission) -> Iterator[str]:
    """All that is wrong with a mission's section as a whole, each with the key that it is about."""
    if name not in MISSIONS:
        yield f"missions.{name}: {why_unknown(name)}"
        return
    for key, problem in _problems(name, mission):
        yield f"missions.{name}.{key}: {problem}"


def _problems(name: str, mission: Mission) -> Problems:
    yield from _observations(name, mission)
    unknown = list(_instruments(name, mission))
    yield from unknown
    source = mission.source
    if source is None:
        return
    engine = mission.engine_for(name)
    if engine in ("native", "sas", "esass") and engine not in MISSIONS[name].engines:
        able = ", ".join(sorted(each for each in MISSIONS if engine in MISSIONS[each].engines))
        yield "engine", f"engine {engine} cannot process {name}; it can process {able}"
        return
    yield from _source(name, mission, source)
    if not unknown:
        yield from _deliveries(name, mission)
    yield from _unheeded_sections(name, mission)
    if not unknown:
        yield from _engines(name, mission)
        yield from _telescope_modules(name, mission)
    yield from _flare_options(name, mission)


def _observations(name: str, mission: Mission) -> Problems:
    """ObsIDs that cannot be any, or that are both wanted and not."""
    spec, select = MISSIONS[name], mission.select
    chosen = {"obsids": mission.obsids or ()}
    if select is not None:
        chosen |= {"select.obsids": select.obsids or (), "select.exclude": select.exclude or ()}
    for key, obsids in chosen.items():
        for obsid in obsids:
            if not spec.is_obsid(obsid):
                quotes = "" if set(obsid) - set("0123456789") else " (leading zeros are part of it)"
                yield key, f"{obsid!r} is not an ObsID of {spec.pretty_name}; expected {spec.obsid_pattern}{quotes}"
    if chosen["obsids"] and chosen.get("select.obsids"):
        yield "select.obsids", "'obsids' beside 'select' names ObsIDs too; name them in one of the two"
    wanted = {
        each for key in ("obsids", "select.obsids") for obsid in chosen.get(key, ()) for each in _same(name, obsid)
    }
    for obsid in chosen.get("select.exclude", ()):
        if wanted & _same(name, obsid):
            yield "select.exclude", f"{obsid} is among the 'obsids' that are wanted; take it out of one of the two"


def _same(name: str, obsid: str) -> set[str]:
    return {obsid, *MISSIONS[name].values_for("obsid", obsid)}


def _instruments(name: str, mission: Mission) -> Problems:
    for instrument in mission.instruments or ():
        try:
            MISSIONS[name].instruments_named(instrument)
        except KeyError as error:
            yield "instruments", error.args[0]


def _source(name: str, mission: Mission, source: Source) -> Problems:
    spec, engine = MISSIONS[name], mission.engine_for(name)
    organised = engine in ("preprocessed", "raw")
    if organised and source.embedded is not None:
        yield (
            "source",
            f"what {name} has is organised as it is downloaded; write 'archives: any', and name a mirror of yours under the "
            "key 'archives' at the top",
        )
    if organised and source.local is not None and mission.obsids is None and mission.select is None:
        yield (
            "source.local",
            f"the observations of {name} are looked for by their ObsIDs in a directory laid out like the data centre; "
            "name them with 'obsids', or choose them with 'select'",
        )
    for archive in source.archives if isinstance(source.archives, tuple) else ():
        if archive not in spec.archives:
            yield "source.archives", f"{archive} does not have {name}; it is in {', '.join(spec.archives)}"
    if source.archives is not None and not spec.archives:
        yield "source.archives", f"no archive of {name} is known"
    if engine == "sas" and source.embedded is not None:
        yield "source.embedded", "the observatory's ODFs have no data, which engine sas needs; leave out 'engine'"
    if mission.fetch is not None and source.local is not None and not organised:
        yield "fetch", "it says what to download, and of 'source.local' nothing is; leave it out"
    elif engine != "raw" and (lacking := set(mission.needed_routes(name)) - set(mission.routes_for(name))):
        needed = " and ".join(sorted(lacking))
        yield (
            "fetch",
            f"engine {engine} starts from {needed} data, not from {mission.fetch}; leave it out, or write both",
        )


def _deliveries(name: str, mission: Mission) -> Problems:
    """Yield requested data that cannot be fetched or organised, because the mission's file has no pattern for them."""
    spec, engine = MISSIONS[name], mission.engine_for(name)
    chosen = mission.instruments_for(name)
    for route in mission.routes_for(name) if mission.uses_raw_store(name) else ():
        fetched = [each for each in spec.files if each.route == route]
        if not any(not each.instruments or set(each.instruments) & set(chosen) for each in fetched):
            others = [other for other in ROUTES if other != route and any(each.route == other for each in spec.files)]
            key = "fetch" if mission.fetch else "engine"
            instead = f"write {key}: {others[0]}" if others else "leave the mission out"
            yield key, f"{spec.pretty_name} has no {route} files that can be fetched; {instead}"
            return
    organised = {each for pattern in spec.products for each in spec.instruments_of(pattern)}
    if engine != "preprocessed" or any(each in organised for each in chosen):
        return
    if not organised:
        yield (
            "engine",
            f"no products of {spec.pretty_name} are organised; write engine: raw to fetch its files as they are",
        )
    elif detectors := [each.name for each in spec.instruments if each.name in chosen and each.is_detector]:
        known = ", ".join(each.name for each in spec.instruments if each.name in organised)
        yield (
            "instruments",
            f"products of {', '.join(detectors)} are not organised, only those of {known}; "
            "write engine: raw to fetch its files as they are",
        )


def _unheeded_sections(name: str, mission: Mission) -> Problems:
    """Sections that say something to a step which the mission's observations do not go through."""
    chain, engine = CHAINS[mission.chain_for(name)], mission.engine_for(name)
    heeded = [key for key, step in SECTIONS.items() if step in chain or f"erosita_{step}" in chain]
    for key in set(SECTIONS) & mission.model_fields_set - set(heeded):
        if not getattr(mission, key).model_fields_set:
            continue
        other = [
            each for each in MISSIONS[name].engines if SECTIONS[key] in CHAINS[MISSIONS[name].chains.get(each, each)]
        ]
        instead = f", or write engine: {other[0]}" if other else ""
        yield (
            key,
            f"engine {engine} has no such step for {name}, so that this does nothing; leave it out{instead} "
            f"(it heeds {', '.join(heeded) or 'no section of a step'})",
        )


def _engines(name: str, mission: Mission) -> Problems:
    """What the engines of a mission and of its steps ask of each other, and of the options."""
    engine = mission.engine_for(name)
    able = processed_instruments(mission.chain_for(name))
    for each in mission.instruments_for(name):
        if able and each not in able:
            yield "instruments", f"engine {engine} can process {', '.join(able)}, not {each}"
    for step in BY_ENGINE:
        if engine != "sas" and mission.step_engine(name, step) == "sas":
            yield f"{step}.engine", "sas needs what SAS made of raw data: write engine: sas for the mission"
    if engine == "esass" and mission.flaregti.native_only:
        ours = ", ".join(mission.flaregti.native_only)
        yield "flaregti", f"eSASS's flaregti has no {ours}; leave it out, or write engine: native"


def _telescope_modules(name: str, mission: Mission) -> Problems:
    """eROSITA's telescope modules that have no threshold, or of which none is left."""
    chosen, flaregti = mission.instruments_for(name), mission.flaregti
    if mission.evtool.modules and not set(mission.evtool.modules) & set(chosen):
        yield "evtool.modules", f"none of them is among the instruments that are processed: {', '.join(chosen)}"
    lacking = [each for each in chosen if each not in flaregti.thresholds]
    if flaregti.method == "threshold" and flaregti.threshold < 0 and lacking:
        yield (
            "flaregti.thresholds",
            f"there is none for {', '.join(lacking)}; name them, or give one 'threshold' for all",
        )


def _flare_options(name: str, mission: Mission) -> Problems:
    """Options of a flare filter that is not the chosen one; a filter that the engine does not have."""
    for section, heeding in FLARE_OPTIONS.items():
        options = getattr(mission, section)
        method = options.method
        with_sas = section == "espfilt" and mission.step_engine(name, "espfilt") == "sas"
        if with_sas and method not in SAS_METHODS:
            yield "espfilt.method", f"SAS has {', '.join(SAS_METHODS)}; for {method} write engine: native there"
            continue
        for option, methods in heeding.items():
            if with_sas and option not in ("ratio", "threshold"):
                continue
            if option in options.model_fields_set and method not in methods:
                meant = " or ".join(methods)
                yield (
                    f"{section}.{option}",
                    f"the flare filter {method!r} does not heed it; leave it out, or write method: {meant}",
                )
