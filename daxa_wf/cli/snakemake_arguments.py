"""Snakemake's arguments, checked before it runs: it would answer a mistake with a hundred lines of usage."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path

from daxa_wf.errors import ConfigError

NO_EXECUTOR = re.compile(r"argument --executor/-e: invalid choice: '([^']*)'")
PRINTS_AND_ENDS = {"-h", "--help", "-v", "--version"}


def with_own_profiles(arguments: Sequence[str], profiles: Path) -> list[str]:
    """Return the arguments with the path of each profile of ours in place of its name."""
    known = {profile.name: str(profile) for profile in profiles.iterdir() if profile.is_dir()}
    replaced: list[str] = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name = argument if before == "--profile" else argument.removeprefix("--profile=")
        is_profile = before == "--profile" or name != argument
        replaced.append(argument.removesuffix(name) + known[name] if is_profile and name in known else argument)
    return replaced


def check_arguments(arguments: Sequence[str]) -> None:
    """Raise ConfigError with Snakemake's own reason, and the remedy, if it would not accept the arguments."""
    if PRINTS_AND_ENDS.intersection(arguments):
        return
    from snakemake.cli import parse_args

    printed = io.StringIO()
    try:
        with redirect_stderr(printed):
            parse_args(list(arguments))
    except SystemExit as end:
        if end.code:
            raise ConfigError(_reason(printed.getvalue())) from None
    except Exception as error:  # noqa: BLE001 - its own converters of arguments raise exceptions of many kinds
        raise ConfigError(f"Snakemake does not accept these arguments: {error}") from None


def _reason(printed: str) -> str:
    """Return the last line that Snakemake printed, without the name of its program."""
    last = (printed.strip().splitlines() or ["it printed no reason"])[-1]
    reason = re.sub(r"^\S*: error: |^Error: ", "", last)
    if missing := NO_EXECUTOR.search(reason):
        return (
            f"Snakemake has no executor {missing[1]!r}; correct its name, or install its plugin. SLURM's is installed with "
            "'pip install snakemake-executor-plugin-slurm' or 'conda install -c bioconda snakemake-executor-plugin-slurm'"
        )
    return f"Snakemake does not accept these arguments: {reason}"
