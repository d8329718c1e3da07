"""Users' credentials for proprietary data, from files that only they can read, or from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from daxa_wf.errors import ConfigError
from daxa_wf.text import remember_secret

PARAMETERS = {"xsa": ("AIOUSER", "AIOPWD")}
"""Data centre -> its names of the parameters for user and password."""


def read_secrets(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the parameters to send to each data centre for which the user has credentials.

    Without a file, `DAXA_WF_XSA_USERNAME` and `DAXA_WF_XSA_PASSWORD` of the environment are used. Raise ConfigError if
    others can read a file, or if it lacks one of the two lines.
    """
    secrets = {}
    for centre, (user, password) in PARAMETERS.items():
        login = _from_file(centre, Path(files[centre])) if centre in files else _from_environment(centre)
        if login:
            remember_secret(login["password"])
            secrets[centre] = {user: login["username"], password: login["password"]}
    return secrets


def _from_environment(centre: str) -> dict[str, str]:
    names = {key: f"DAXA_WF_{centre.upper()}_{key.upper()}" for key in ("username", "password")}
    login = {key: os.environ[name] for key, name in names.items() if os.environ.get(name)}
    return login if len(login) == len(names) else {}


def _from_file(centre: str, path: Path) -> dict[str, str]:
    try:
        mode = path.stat().st_mode & 0o777
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigError(f"credentials.{centre}: {path} cannot be read: {reason}") from None
    if mode & 0o077:
        raise ConfigError(f"credentials.{centre}: others can read {path} (mode {mode:o}); chmod 600 it")
    pairs = (line.partition("=") for line in lines if "=" in line)
    login = {key.strip().lower(): value.strip() for key, _, value in pairs}
    if not login.get("username") or not login.get("password"):
        raise ConfigError(f"credentials.{centre}: {path} must hold the lines 'username = ...' and 'password = ...'")
    return login
