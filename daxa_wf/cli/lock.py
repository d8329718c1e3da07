"""Commands that lock an archive, and make it again from the lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ConfigFile
from daxa_wf.errors import ConfigError
from daxa_wf.files import write_atomically

if TYPE_CHECKING:
    from daxa_wf.archive.lock import Lock

commands = typer.Typer()

LockFile = Annotated[Path, typer.Argument(metavar="LOCK", help="a file that `daxa-wf lock` wrote", show_default=False)]


@commands.command()
def lock(
    config: ConfigFile,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the file to write [default: CONFIG.lock.json]")
    ] = None,
) -> None:
    """Write what an archive was made from and what came out into one file: options, observations, sources, products."""
    from daxa_wf.archive.lock import make_lock, write_lock
    from daxa_wf.config.reading import read_config, resolved_values

    archive = Layout(Path.cwd() / read_config(config).archive)
    made = make_lock(archive, resolved_values(config))
    path = output or config.with_suffix(".lock.json")
    write_lock(path, made)
    print(f"{path}: {len(made.steps)} steps, {len(made.products)} products, {len(made.sources)} source files")


@commands.command()
def reproduce(
    lock: LockFile,
    to: Annotated[Path, typer.Option(help="the directory to make: a configuration and the archive")],
    cores: Annotated[int, typer.Option(help="cores to use", min=1)] = 1,
) -> None:
    """Make an archive again from a lock, and compare it product by product.

    Relative paths of sources start from the current directory, as they did for the first archive. The exit code is 1 if a
    product differs; the cause is named.
    """
    from daxa_wf.archive.lock import compare, make_lock, read_lock

    expected = read_lock(lock)
    configuration = _configuration_of(expected, to)
    path = to / "config.yaml"
    to.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _yaml(configuration))
    _say_other_versions(expected)
    command = [sys.executable, "-m", "daxa_wf", "run", "--cores", str(cores), str(path)]
    code = subprocess.run(command, check=False).returncode
    if code > 1:
        raise typer.Exit(code)
    made = make_lock(Layout(to.absolute() / "archive"), configuration)
    differences = compare(expected, made)
    for difference in differences:
        print(f"{difference.product}: {difference.cause}")
    print(f"{len(expected.products)} products, {len(differences)} differences")
    raise typer.Exit(1 if differences else 0)


def _configuration_of(expected: Lock, to: Path) -> dict[str, Any]:
    """Return the locked configuration with the archive in `to`, and only the locked observations.

    Raise ConfigError if `to` is not empty, or if the configuration has passwords, which locks do not hold.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ConfigError(f"--to {to}: it exists and is not an empty directory; choose another one")
    text = _yaml(expected.configuration)
    if "***" in text:
        raise ConfigError(
            "the lock's configuration had passwords in URLs, which locks do not hold; put them into the lock"
        )
    missions = dict(expected.configuration.get("missions", {}))
    for name, obsids in expected.obsids.items():
        missions[name] = {**missions.get(name, {}), "obsids": obsids}
    return {**expected.configuration, "archive": str(to.absolute() / "archive"), "missions": missions}


def _yaml(configuration: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True)


def _say_other_versions(expected: Lock) -> None:
    """Print the versions that differ from those of the first step, since products may differ because of them."""
    import daxa_wf
    from daxa_wf.archive.software import software_versions

    present = {"daxa_wf": daxa_wf.__version__, **software_versions()}
    locked = next(iter(expected.steps.values())).versions
    for name in sorted(present.keys() & locked.keys()):
        if present[name] != locked[name]:
            print(
                f"daxa-wf: the archive was made with {name} {locked[name]}, and this is {present[name]}",
                file=sys.stderr,
            )
