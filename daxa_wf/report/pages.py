"""The templates of the pages, which escape every text from outside; and the places of pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.layout import Layout
from daxa_wf.files import write_atomically
from daxa_wf.units import Unit

PAGE = "report.html"
THUMBNAIL = "thumbnail.png"
STYLES = ("light.css", "charts.css", "page.css")


@cache
def part(name: str) -> str:
    """Return the text of a file of the templates."""
    return (files("daxa_wf.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, select_autoescape

    return Environment(
        loader=FunctionLoader(part), autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True
    )


def render(template: str, values: Mapping[str, Any], script: str = "") -> str:
    """Return the text of a page, with its style and its script inside.

    The page's policy allows images of its folder and this script, and no request to another place.
    """
    allowed = f"script-src 'sha256-{_digest(script)}'; " if script else ""
    policy = f"default-src 'none'; img-src 'self' file: data:; {allowed}style-src 'unsafe-inline'"
    own = {"policy": policy, "style": "".join(map(part, STYLES)), "script": script, "version": daxa_wf.__version__}
    text: str = _environment().get_template(template).render(**values, **own)
    return text


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def observation_folder(layout: Layout, unit: Unit) -> Path:
    """Return the directory of an observation's page: with its products, or in `failed_data`."""
    failed = layout.failed_observation(unit)
    return failed if failed.exists() else layout.observation(unit)


UNMARKED = '<p id="requested"></p>'
MARKED = '<p id="requested" class="unrequested">This observation is no longer requested by the configuration.</p>'
"""A line of an observation's page, before and after the observation was dropped from the configuration."""
LONGEST_HEAD = 30_000
"""Characters at the start of a page that contain its style sheet and its banner."""


def with_banner(text: str, requested: bool) -> str:
    """Return the text of an observation's page with the note about dropped observations added or removed."""
    return text.replace(MARKED, UNMARKED) if requested else text.replace(UNMARKED, MARKED)


def mark_page(page: Path, requested: bool) -> None:
    """Note on an observation's page whether it is still requested. A correct page is not written again."""
    if not page.exists():
        return
    with page.open(encoding="utf-8") as stream:
        is_marked = MARKED in stream.read(LONGEST_HEAD)
    if is_marked == requested:
        write_atomically(page, with_banner(page.read_text(encoding="utf-8"), requested))
