"""Paths at data centres and in the raw store, from a mission's templates and an observation's facts."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import Any

from daxa_wf.errors import CorruptFileError
from daxa_wf.files import checked_relative
from daxa_wf.mission.spec import VERSION, FilePattern, MissionSpec, Route, SharedDirectory

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
"""A table's value that may become part of a path: without separators, quotes and queries."""
FIELDS = ("obsid", "start", "instruments", "scw_ver", "archive_file", "revolution")
"""Columns of the observation table that templates may name. The manifest keeps them."""


class _Template(string.Formatter):
    """Templates such as `{obsid[1:3]}/{start:%Y_%m}`: slices of text, formats of times."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:  # noqa: ARG002 - string.Formatter's
        name, _, index = field_name.partition("[")
        value = kwargs[name]
        if not index:
            return value, name
        first, colon, last = index.rstrip("]").partition(":")
        if not colon:
            return value[int(first)], name
        return value[slice(int(first) if first else None, int(last) if last else None)], name


def fill(template: str, facts: Mapping[str, Any]) -> str:
    """Fill a template with an observation's facts: its columns, its mission's own fields, and `obsid_lower`.

    Raise CorruptFileError if a fact is missing or cannot be part of a path, or if the filled path is not a plain one.
    """
    obsid = str(facts["obsid"])
    known = {**facts, "obsid_lower": obsid.lower()}
    for name, value in known.items():
        if f"{{{name}" not in template:
            continue
        if not isinstance(value, datetime) and not PLAIN.fullmatch(str(value)):
            raise CorruptFileError(f"{obsid}: {name} is {value!r}, which cannot be part of a path; check the table")
    try:
        filled = _Template().format(template, **{k: v if isinstance(v, datetime) else str(v) for k, v in known.items()})
    except (KeyError, IndexError) as error:
        raise CorruptFileError(f"{obsid}: the table does not say {error}, which the path {template} needs") from None
    if path := filled.partition("?")[0].strip("/"):
        checked_relative(path, f"{obsid}: the facts of the table in the template {template}")
    return filled


def paths_at(of: MissionSpec | SharedDirectory, centre: str, facts: Mapping[str, Any]) -> list[str]:
    """Return the paths below a data centre's base that may hold an observation or a shared directory.

    The S3 bucket has HEASARC's paths.
    """
    templates = of.archive_paths.get("heasarc" if centre == "s3" else centre, ())
    if isinstance(of, MissionSpec):
        facts = {**facts, **own_fields(of, str(facts["obsid"]))}
    return [fill(template, facts) for template in ((templates,) if isinstance(templates, str) else templates)]


def own_fields(spec: MissionSpec, obsid: str) -> Mapping[str, str]:
    """Return the fields of a mission's path templates that follow from the ObsID."""
    return spec.path_fields(obsid) if spec.path_fields else {}


def facts_in_tree(spec: MissionSpec, roots: Mapping[str, Sequence[Path]], obsid: str) -> dict[str, Any] | None:
    """Return the facts that an observation's paths need, read from directories laid out like the data centres.

    `roots` are directories by data centre. Return None if a path needs more than the ObsID, and none of the directories
    holds the observation.
    """
    plain: dict[str, Any] = {"obsid": obsid}
    derived = own_fields(spec, obsid)
    needed = _fields_of(spec.raw_path)
    for centre, directories in roots.items():
        templates = spec.archive_paths.get("heasarc" if centre == "s3" else centre, ())
        for template in (templates,) if isinstance(templates, str) else templates:
            if not (_fields_of(template) | needed) - {*plain, *derived}:
                return plain
            for root in directories:
                facts = _facts_below(root, template, {**plain, **derived})
                if facts is not None and needed <= set(facts):
                    return {name: value for name, value in facts.items() if name not in derived}
    return None


def _fields_of(template: str) -> set[str]:
    """Return the facts that a template names, except the ones that follow from the ObsID."""
    names = {name.partition("[")[0] for _, name, _, _ in string.Formatter().parse(template) if name}
    return names - {"obsid_lower"}


def _facts_below(root: Path, template: str, plain: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the facts in the name of an observation's directory below `root`, of the newest version if it has several."""
    pattern, expression, formats = "", "", {}
    for literal, name, form, _ in string.Formatter().parse(template):
        pattern += escape(literal)
        expression += re.escape(literal)
        if not name:
            continue
        field = name.partition("[")[0]
        if field in _fields_of(template) - set(plain):
            pattern += "*"
            expression += f"(?P={field})" if field in formats else f"(?P<{field}>[^/]+)"
            formats[field] = form or ""
        else:
            filled = fill(f"{{{name}}}", plain)
            pattern += escape(filled)
            expression += re.escape(filled)
    for path in sorted(root.glob(pattern.strip("/")), reverse=True):
        match = re.fullmatch(expression.strip("/"), path.relative_to(root).as_posix())
        if match is None or not path.is_dir():
            continue
        try:
            times = {name: datetime.strptime(match[name], form) for name, form in formats.items() if form}
        except ValueError:
            continue
        return {**plain, **match.groupdict(), **times}
    return None


def raw_directory(spec: MissionSpec, facts: Mapping[str, Any]) -> str:
    """Return the directory of an observation's files in the raw store."""
    return f"{spec.name}_raw/{fill(spec.raw_path, facts)}"


def wanted_globs(
    spec: MissionSpec,
    facts: Mapping[str, Any],
    routes: Iterable[Route],
    instruments: Sequence[str],
    version: str = "",
    further: bool = False,
) -> tuple[str, ...]:
    """Return the globs of the files that routes and instruments need of an observation's tree.

    `version` is the data centre's version of the files, '' for all. With `further`, the further products are included.
    """
    return tuple(
        dict.fromkeys(
            glob.replace("{obsid}", str(facts["obsid"])).replace(VERSION, version or "*")
            for pattern in spec.files
            if pattern.route in routes and _serves(pattern, instruments) and (further or not pattern.further)
            for glob in pattern.globs
        )
    )


def _serves(pattern: FilePattern, instruments: Sequence[str]) -> bool:
    return not pattern.instruments or not set(pattern.instruments).isdisjoint(instruments)


@lru_cache(maxsize=10_000)
def glob_expression(glob: str) -> re.Pattern[str]:
    """Compile a glob as a regular expression with a group for each `*`. Only `**` matches `/`."""
    parts = re.split(r"(\*\*|\*|\?|\[[^\]]+\])", glob)
    translated = {"**": "(.*)", "*": "([^/]*)", "?": "[^/]"}
    return re.compile("".join(translated.get(p, p if p.startswith("[") else re.escape(p)) for p in parts))


def is_wanted(path: str, globs: Iterable[str]) -> bool:
    """Return True if a path matches one of the globs."""
    return any(glob_expression(glob).fullmatch(path) for glob in globs)


def may_hold_wanted(directory: str, globs: Iterable[str]) -> bool:
    """Return True if a file below a directory may match one of the globs."""
    depth = directory.strip("/").count("/") + 1
    heads = ("/".join(glob.split("/")[:depth]) for glob in globs if glob.count("/") >= depth or "**" in glob)
    return any("**" in head or glob_expression(head).fullmatch(directory.strip("/")) for head in heads)
