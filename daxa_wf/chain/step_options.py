"""Options of the common steps that come from the manifest and the configuration."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from daxa_wf.chain.planned import facts_from
from daxa_wf.mission.step import ACQUIRE, load
from daxa_wf.tables.endpoints import TRANSFERS
from daxa_wf.time_limit import STEP_TIME

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan
    from daxa_wf.config.mission import Mission
    from daxa_wf.mission.step import Step


def is_downloaded(mission: Mission) -> bool:
    """Return True if a mission's data come from data centres."""
    return mission.section.source is not None and mission.section.source.archives is not None


def acquire_options(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the data to fetch of an observation."""
    mission = plan.mission(wildcards.mission)
    source = mission.section.source
    (facts,) = {row.facts for row in plan.rows(wildcards.mission, wildcards.obsid)}
    version = mission.section.processing_version
    return {
        "facts": facts,
        "routes": mission.routes,
        "instruments": mission.instruments,
        "decompress": bool(source and source.decompress),
        **({"version": version} if version else {}),
        **({"further": True} if mission.section.products.further else {}),
    }


def places_of(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the addresses of data centres, the raw store and the credentials, for the step `acquire`."""
    config, started_in = plan.config, plan.started_in
    return {
        "store": str(started_in / config.data),
        "archives": config.archives_for(wildcards.mission, started_in),
        "transfers": {**TRANSFERS, **config.transfers},
        "credentials": plan.credentials(wildcards.obsid),
        "tables": str(started_in / config.tables),
        "limits": asdict(config.limits.limits()),
    }


def context_of(plan: Plan, step: Step, wildcards: Any, resources: Any) -> dict[str, Any]:
    """Return the context of a step: facts about this machine that records do not keep, and its longest time."""
    del resources
    seconds = plan.config.limits.seconds_of(step.name)
    limited = {STEP_TIME: seconds} if seconds else {}
    if step is ACQUIRE:
        return places_of(plan, wildcards) | limited
    engine = plan.mission(wildcards.mission).engine
    if not (engine.toolkit and step.tasks):
        return dict(limited)
    raw = load(engine.raw_data)(plan, wildcards) if engine.raw_data else {}
    return {"toolkit": plan.toolkit(engine.toolkit), **raw, **limited}


def preprocessed_options(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the instruments whose products the archive keeps, and the observation's instruments."""
    mission = plan.mission(wildcards.mission)
    rows = plan.rows(wildcards.mission, wildcards.obsid)
    listed = " ".join(str(facts_from(row.facts).get("instruments", "")) for row in rows if row.facts)
    return {"instruments": mission.instruments, "observed_with": mission.spec.named_instruments(listed)}
