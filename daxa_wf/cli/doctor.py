"""The command that looks for the tasks that a configuration needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.cli.shared import lines_of_user_defaults
from daxa_wf.errors import ConfigError

commands = typer.Typer()


@commands.command()
def doctor(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            help="look only for the tasks that this configuration needs, in the environments that it names",
            show_default=False,
        ),
    ] = None,
    setup_script: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="source this shell script first; may be repeated (without CONFIG, which names its own)"
        ),
    ] = None,
) -> None:
    """Show which tasks of external software are found, their releases and calibration files, and what is missing.

    With a configuration the exit code is 1 if something that it needs is missing.
    """
    from daxa_wf.mission.registry import toolkits
    from daxa_wf.mission.step import load
    from daxa_wf.tools.doctor import lines_of
    from daxa_wf.tools.environment import ToolEnvironment

    if config is not None and setup_script:
        raise ConfigError(
            f"--setup-script: {config} names its own setup scripts; remove the option, or the configuration"
        )
    for line in lines_of_user_defaults(config):
        print(line)
    if config is not None:
        raise typer.Exit(_examine_for(config))
    for script in setup_script or ():
        if not script.is_file():
            raise ConfigError(f"--setup-script {script} does not exist")
    environment = ToolEnvironment(setup_scripts=tuple(setup_script or ()))
    for toolkit in toolkits():
        print(f"{toolkit.label}, with {environment.describe()}:")
        print("\n".join(f"  {line}" for line in lines_of(load(toolkit.examine)(environment))))


def _examine_for(path: Path) -> int:
    """Look for what a configuration needs; return 1 if something is missing."""
    from daxa_wf.chain.plan import Plan
    from daxa_wf.config.reading import read_config
    from daxa_wf.mission.registry import toolkits
    from daxa_wf.mission.step import load
    from daxa_wf.tools.doctor import lines_of
    from daxa_wf.tools.environment import environment_from

    plan = Plan(read_config(path), Path.cwd())
    needed = [(toolkit, tasks) for toolkit in toolkits() if (tasks := plan.toolkit_tasks(toolkit.name))]
    if not needed:
        print(f"{path} needs no tasks of {' or '.join(toolkit.label for toolkit in toolkits())}")
        return 0
    problems: list[str] = []
    for toolkit, tasks in needed:
        environment = environment_from(plan.toolkit(toolkit.name))
        diagnoses = load(toolkit.examine)(environment, tasks)
        print(f"{toolkit.label}, with {environment.describe()}:")
        print("\n".join(f"  {line}" for line in lines_of(diagnoses)))
        problems += [diagnosis.subject for diagnosis in diagnoses if diagnosis.is_problem]
    print(f"missing for {path}: {', '.join(problems)}" if problems else f"everything that {path} needs is installed")
    return 1 if problems else 0
