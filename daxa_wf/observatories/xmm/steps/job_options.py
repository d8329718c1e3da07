"""Options of XMM-Newton's steps that come from the manifest, or from another step's section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daxa_wf.chain.planned import facts_from

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan
    from daxa_wf.observatories.xmm.section import XmmSection


def calibration(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the day of an observation from the mission's table, or '' if it is unknown."""
    facts = next((row.facts for row in plan.rows(wildcards.mission, wildcards.obsid) if row.facts), "")
    start = facts_from(facts).get("start") if facts else None
    return {"observation_date": start.date().isoformat() if start is not None else ""}


def planning(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the planned exposures to compare with the raw data (with SAS), and the problems of unusable event lists.

    A new problem repeats the inventory.
    """
    mission = plan.mission(wildcards.mission)
    rows = plan.rows(wildcards.mission, wildcards.obsid)
    reasons = sorted({row.problem for row in rows if not row.events and row.problem})
    problems: dict[str, Any] = {"problems": reasons} if reasons else {}
    if "odfingest" not in mission.steps:
        return problems
    return {
        **problems,
        "instruments": mission.instruments,
        "process_unscheduled": mission.section.process_unscheduled,
    }


def cleaning(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the states of CCDs that evselect accepts, if a step judges the CCDs."""
    mission = plan.mission(wildcards.mission)
    if not {"emanom", "anomalous_ccds"} & set(mission.steps):
        return {}
    section: XmmSection = mission.section  # type: ignore[assignment]
    return {"acceptable_states": list(section.emanom.acceptable_states)}


def raw_data(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the path of an observation's raw data on this machine, and the reason if they cannot be used."""
    rows = plan.rows(wildcards.mission, wildcards.obsid)
    problems = {row.problem for row in rows if not row.odf}
    root = plan.source_of(wildcards.mission, wildcards.obsid)
    return {"odf": str(root / next(row.odf for row in rows)), "problem": "; ".join(sorted(problems - {""}))}
