"""A first configuration with comments, made from a few answers (`daxa-wf init`)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from daxa_wf.config.model import section_of
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS, engine_of, pipeline_of, why_unknown

IMAGES = "images"
"""Section of the steps that make images, which asks for bands of energy."""


@dataclass(frozen=True)
class Choices:
    """The user's choices: output directory, missions with their engines, the selection, and the bands of images."""

    archive: str
    engines: Mapping[str, str]
    """Missions in order, each with the name of its engine."""
    select: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the section `select`."""
    obsids: tuple[str, ...] = ()
    local: str = ""
    """Directory with the user's own files, or '' to download."""
    bands: tuple[tuple[str, str], ...] = ()
    """Lower and upper energy of each band, with units."""


def checked_missions(text: str) -> tuple[str, ...]:
    """Return the missions of a list with commas. Raise ConfigError if it is empty or names an unknown mission.

    >>> checked_missions("chandra, xmm_pointed")
    ('chandra', 'xmm_pointed')
    """
    names = words(text)
    unknown = [f"{name!r}: {why_unknown(name)}" for name in names if name not in MISSIONS]
    if unknown or not names:
        raise ConfigError("; ".join(unknown) or "name at least one mission")
    return names


def engines_of(mission: str) -> tuple[str, ...]:
    """Return the names of a mission's engines, the default first."""
    return tuple(pipeline_of(mission).engines_of(MISSIONS[mission]))


def makes_images(mission: str, engine: str) -> bool:
    """Return True if an engine makes images of a mission's events."""
    steps = section_of(mission).step_sections.get(IMAGES, ())
    return bool(set(steps) & set(engine_of(mission, engine).steps))


def takes_whole_observations(mission: str, engine: str) -> bool:
    """Return True if an engine needs the ObsIDs of local data, because it takes directories as data centres have them."""
    return engine_of(mission, engine).takes_whole_observations


def words(text: str) -> tuple[str, ...]:
    """Return the parts of a list with commas, without repetitions and empty parts.

    >>> words("Abell 907, M31,")
    ('Abell 907', 'M31')
    """
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def checked_region(text: str) -> dict[str, Any]:
    """Return the keys of `select` for a cone (RA, Dec, radius) or a rectangle (two opposite corners), in degrees.

    Raise ConfigError if the text has not three or four finite numbers.

    >>> checked_region("149.6 -11.1 0.5")
    {'positions': [[149.6, -11.1]], 'radius': '0.5 deg'}
    >>> checked_region("30, -8, 39, -2")
    {'rectangle': {'lower_left': [30.0, -8.0], 'upper_right': [39.0, -2.0]}}
    """
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) not in (3, 4) or not all(map(math.isfinite, numbers)):
        raise ConfigError(
            f"{text!r} is not a region; write 'RA DEC RADIUS', or RA and DEC of the lower left and of the upper right corner, "
            "all in degrees"
        )
    if len(numbers) == 3:
        return {"positions": [numbers[:2]], "radius": f"{numbers[2]:g} deg"}
    return {"rectangle": {"lower_left": numbers[:2], "upper_right": numbers[2:]}}


def checked_bands(text: str) -> tuple[tuple[str, str], ...]:
    """Return bands of energy in keV from a list such as '0.5-2, 2-10'. Raise ConfigError if a part is not a band.

    >>> checked_bands("0.5-2, 2-10")
    (('0.5 keV', '2 keV'), ('2 keV', '10 keV'))
    """
    bands = []
    for part in words(text):
        low, dash, high = part.removesuffix("keV").strip().partition("-")
        try:
            energies = float(low), float(high)
        except ValueError:
            energies = (math.nan, math.nan)
        if not dash or not 0 <= energies[0] < energies[1] < math.inf:
            raise ConfigError(f"{part!r} is not a band; write the lower and the upper energy in keV, such as 0.5-2")
        bands.append((f"{energies[0]:g} keV", f"{energies[1]:g} keV"))
    return tuple(bands)


def commented_config(answers: Choices, path: str) -> str:
    """Return the text of a configuration. `path`: the file for it, which the comments name."""
    return "\n".join(_lines(answers, path)) + "\n"


def _lines(answers: Choices, path: str) -> Iterator[str]:
    name = " ".join(path.split())
    yield f"# daxa-wf check-config {name}   finds mistakes; docs/configuration.md lists every key with its default."
    yield f"# daxa-wf plan {name}           shows the observations and steps of a run."
    yield f"# daxa-wf run {name}            makes the archive, or continues it."
    yield ""
    yield "# Your output directory. Relative paths start where you start the run."
    yield f"archive: {_inline(answers.archive)}"
    if not answers.local:
        yield "# Downloads are kept here. Archives that share the directory fetch a file only once."
        yield "# data: daxa_wf_data"
    yield ""
    yield "missions:"
    for mission, engine in answers.engines.items():
        yield from (f"  {line}".rstrip() for line in _mission(answers, mission, engine))


def _mission(answers: Choices, mission: str, engine: str) -> Iterator[str]:
    yield f"{mission}:"
    if answers.local:
        yield "  # Your directory is searched with its subdirectories. Files have the names that data centres give them."
        yield f"  source: {{local: {_inline(answers.local)}}}"
    else:
        yield "  # The first data centre that has the data."
        yield "  source: {archives: any}"
    yield f"  # Or {', '.join(other for other in engines_of(mission) if other != engine)}."
    yield f"  engine: {engine}"
    if answers.obsids:
        yield "  # In quotes, because leading zeros count."
        yield f"  obsids: {json.dumps(list(answers.obsids))}"
    if answers.select:
        yield "  # All conditions must hold; docs/selection.md explains further ones, such as times and exposures."
        yield "  select:"
        yield from (f"    {key}: {_inline(value)}" for key, value in answers.select.items())
        if "radius" not in answers.select and "rectangle" not in answers.select:
            yield "    # Around each position; without it, 1.2 fields of view of each instrument."
            yield "    # radius: 10 arcmin"
    if answers.bands and makes_images(mission, engine):
        yield "  # Images and exposure maps are made in these bands."
        yield f"  {IMAGES}:"
        yield "    bands:"
        yield from (f"      - {_inline(list(band))}" for band in answers.bands)


def _inline(value: Any) -> str:
    """Return a value as YAML on one line, in quotes where it needs them."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True, sort_keys=False)
    return text.removesuffix("...\n").strip()
