"""Commands that lock an archive, and make it again from the lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ArchivePlace, archive_at
from daxa_wf.errors import ConfigError
from daxa_wf.files import write_atomically

if TYPE_CHECKING:
    from daxa_wf.archive.lock import Lock

commands = typer.Typer()

LockFile = Annotated[Path, typer.Argument(metavar="LOCK", help="a file that `daxa-wf lock` wrote", show_default=False)]


@commands.command()
def lock(
    config: ArchivePlace,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the file to write [default: CONFIG.lock.json]")
    ] = None,
) -> None:
    """Write what an archive was made from and what came out into one file: options, observations, sources, products.

    For the directory of an archive, the configuration is the one of its newest version.
    """
    from daxa_wf.archive.lock import make_lock, write_lock

    layout = Layout(archive_at(config))
    made = make_lock(layout, _configuration_at(config, layout))
    place = config.resolve() if config.is_dir() else config
    path = output or place.with_name(f"{place.stem if config.is_file() else place.name}.lock.json")
    write_lock(path, made)
    print(f"{path}: {len(made.steps)} steps, {len(made.products)} products, {len(made.sources)} source files")


def _configuration_at(place: Path, layout: Layout) -> dict[str, Any]:
    """Return the values of a configuration file, or of the newest version of an archive. ConfigError if it has none."""
    from daxa_wf.archive.history import read_history
    from daxa_wf.archive.made_from import kept_configuration
    from daxa_wf.config.reading import read_values, resolved_values

    if not place.is_dir():
        return resolved_values(place)
    latest = read_history(layout).latest
    if latest is None or not latest.configuration:
        raise ConfigError(f"{place} does not hold its configuration; name the file of the configuration")
    return read_values(kept_configuration(layout, latest.configuration).with_suffix(".yaml"))


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
