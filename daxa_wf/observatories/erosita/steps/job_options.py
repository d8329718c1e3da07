"""Options of eROSITA's steps that come from the manifest and from the mission's engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan


def engine(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the engine of the mission's steps."""
    return {"engine": plan.mission(wildcards.mission).engine.name}


def flares(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the chosen telescope modules, the unused lists, and problems.

    The key `problems` exists only if no list of the observation can be opened.
    """
    rows = plan.rows(wildcards.mission, wildcards.obsid)
    problems = sorted({row.problem for row in rows} - {""})
    return {
        **engine(plan, wildcards),
        **({"problems": problems} if problems else {}),
        "instruments": list(plan.mission(wildcards.mission).instruments),
        "passed_over": sorted({row.passed_over for row in rows} - {""}),
    }
