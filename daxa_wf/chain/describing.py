"""Describe a run for the version of the archive that it may make: author, reason and configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_wf.archive.made_from import Configuration
from daxa_wf.archive.versions import RunDescription
from daxa_wf.config.model import Config
from daxa_wf.config.reading import read_values
from daxa_wf.errors import ConfigError

MESSAGE = "message"
"""Value for Snakemake's --config, or key of a module's configuration: the reason of the run, for its version."""
MESSAGE_VARIABLE = "DAXA_WF_MESSAGE"
"""Environment variable with the reason, which `daxa-wf run --message` sets."""


@dataclass(frozen=True)
class RunDescriber:
    """Describes a run when it ends: from the configuration as models, Snakemake's values, and the files they come from."""

    config: Config
    values: Mapping[str, Any]
    files: Sequence[str | Path] = ()
    is_module: bool = False
    """True if another workflow uses this one as a module, so that its hooks do not run."""

    def __call__(self) -> RunDescription:
        """Return the description."""
        message = str(self.values.get(MESSAGE) or os.environ.get(MESSAGE_VARIABLE, ""))
        return RunDescription(self.config.author, message, Configuration(self._given(), _resolved(self.config)))

    def for_job(self, wildcards: Any, resources: Any) -> RunDescription | None:
        """Return the description for the last job of a module, or None for a run that ends with its own hooks.

        It depends on `resources`, so Snakemake leaves it out of the params trigger: a reason repeats no job.
        """
        del wildcards, resources
        return self() if self.is_module else None

    def _given(self) -> str:
        """Return the text of the only configuration file, with its comments, or else all values as YAML."""
        import yaml

        values = {key: value for key, value in self.values.items() if key != MESSAGE}
        if len(self.files) == 1:
            path = Path(self.files[0])
            try:
                if read_values(path) == values:
                    return path.read_text(encoding="utf-8")
            except (ConfigError, OSError):
                pass  # the file changed or vanished during the run
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _resolved(config: Config) -> dict[str, Any]:
    """Return a configuration with all defaults, without missions that it does not have."""
    values = config.values()
    missions = {name: section for name, section in values["missions"].items() if section is not None}
    return {**values, "missions": missions}
