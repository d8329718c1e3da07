"""The command that looks for the tasks that a configuration needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.errors import ConfigError

commands = typer.Typer()


@commands.command()
def doctor(
    config: Annotated[
        Path | None, typer.Argument(help="look for what this configuration needs, where it says", show_default=False)
    ] = None,
    setup_script: Annotated[
        list[Path] | None, typer.Option(help="source this first; may be given more than once")
    ] = None,
) -> None:
    """Show which tasks of SAS and eSASS are found, their releases and calibration files, and what is missing.

    With a configuration the exit code is 1 if something that it needs is missing.
    """
    from daxa_wf.observatories.erosita.esass.examine import examine_esass
    from daxa_wf.observatories.xmm.sas.examine import examine_sas
    from daxa_wf.tools.doctor import lines_of
    from daxa_wf.tools.environment import ToolEnvironment

    if config is not None:
        raise typer.Exit(_examine_for(config))
    for script in setup_script or ():
        if not script.is_file():
            raise ConfigError(f"--setup-script {script}: there is no such file")
    environment = ToolEnvironment(setup_scripts=tuple(setup_script or ()))
    for toolkit, examine in (("SAS", examine_sas), ("eSASS", examine_esass)):
        print(f"{toolkit}, with {environment.describe()}:")
        print("\n".join(f"  {line}" for line in lines_of(examine(environment))))


def _examine_for(path: Path) -> int:
    """Look for what a configuration needs. Return 1 if something is missing."""
    from daxa_wf.chain.plan import Plan
    from daxa_wf.config.model import read_config
    from daxa_wf.observatories.erosita.esass.examine import examine_esass
    from daxa_wf.observatories.erosita.plan import ErositaPlan
    from daxa_wf.observatories.xmm.plan import SasPlan
    from daxa_wf.observatories.xmm.sas.examine import examine_sas
    from daxa_wf.tools.doctor import lines_of
    from daxa_wf.tools.environment import environment_from

    plan = Plan(read_config(path), Path.cwd())
    needed = [
        ("SAS", plan.toolkit("sas"), SasPlan(plan).tasks(), examine_sas),
        ("eSASS", plan.toolkit("esass"), ErositaPlan(plan).tasks(), examine_esass),
    ]
    needed = [each for each in needed if each[2]]
    if not needed:
        print(f"{path} needs no tasks of SAS or eSASS")
        return 0
    problems: list[str] = []
    for label, toolkit, tasks, examine in needed:
        environment = environment_from(toolkit)
        findings = examine(environment, tasks)
        print(f"{label}, with {environment.describe()}:")
        print("\n".join(f"  {line}" for line in lines_of(findings)))
        problems += [each.subject for each in findings if each.is_problem]
    print(f"missing for {path}: {', '.join(problems)}" if problems else f"all that {path} needs is there")
    return 1 if problems else 0
