"""Users' credentials for proprietary data, from files that only they can read, or from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from daxa_wf.errors import ConfigError
from daxa_wf.text import remember_secret

PARAMETERS = {"xsa": ("AIOUSER", "AIOPWD")}
"""What archives call user and password."""


def read_secrets(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Parameters to send, by archive. ConfigError if a file can be read by others, or does not hold both lines.

    `DAXA_WF_XSA_USERNAME` and `DAXA_WF_XSA_PASSWORD` in the environment stand in for a file.
    """
    found = {}
    for archive, (user, password) in PARAMETERS.items():
        said = _from_file(archive, Path(files[archive])) if archive in files else _from_environment(archive)
        if said:
            remember_secret(said["password"])
            found[archive] = {user: said["username"], password: said["password"]}
    return found


def _from_environment(archive: str) -> dict[str, str]:
    names = {key: f"DAXA_WF_{archive.upper()}_{key.upper()}" for key in ("username", "password")}
    said = {key: os.environ[name] for key, name in names.items() if os.environ.get(name)}
    return said if len(said) == len(names) else {}


def _from_file(archive: str, path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode & 0o777
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigError(f"credentials.{archive}: {path} cannot be read: {reason}") from None
    if mode & 0o077:
        raise ConfigError(f"credentials.{archive}: others can read {path} (mode {mode:o}); chmod 600 it")
    pairs = (line.partition("=") for line in lines if "=" in line)
    said = {key.strip().lower(): value.strip() for key, _, value in pairs}
    if not said.get("username") or not said.get("password"):
        raise ConfigError(f"credentials.{archive}: {path} must hold the lines 'username = ...' and 'password = ...'")
    return said
