"""Options of the logger plugin on Snakemake's command line: --logger-daxa-quiet and --logger-daxa-log-file."""

# Snakemake reads the types of the fields, which must not be texts: no `from __future__ import annotations` here.
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """What the plugin prints, and where."""

    quiet: bool = field(default=False, metadata={"help": "Print errors and the summary, and nothing else"})
    log_file: Optional[Path] = field(  # noqa: UP045 - the form that Snakemake understands
        default=None, metadata={"help": "File to which a line of JSON is added for every job that ends"}
    )
