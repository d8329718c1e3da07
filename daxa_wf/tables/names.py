"""Resolve the names of objects with Sesame, or else SIMBAD and NED, and keep the positions for use offline."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from daxa_wf.errors import ConfigError, CorruptFileError, ServiceError
from daxa_wf.files import set_aside, write_atomically
from daxa_wf.json_files import read_json
from daxa_wf.tables.urls import shown

log = logging.getLogger("daxa_wf")
POSITION = re.compile(
    r"^%J\s+([0-9]{1,3}(?:\.[0-9]{1,20})?)\s*([+-]?[0-9]{1,2}(?:\.[0-9]{1,20})?)(?![0-9.])", re.MULTILINE
)
"""The line of an answer with the position in degrees, ICRS J2000 (Sesame's documentation, "text output")."""
J_COORDINATES = re.compile(
    r"(?P<prefix>(?:.* )?[A-Za-z0-9]*)[Jj] ?(?P<ra>\d{8}|\d{4}(?:\d\d)?(?:\.\d{1,6})?)(?P<sign>[-+\N{MINUS SIGN}])"
    r"(?P<dec>\d{7}|\d\d(?:\d\d(?:\d\d)?)?(?:\.\d{1,6})?)",
    re.ASCII,
)
"""Names such as J1347.5-1145, RX J1347-1145, SDSSJ134730.59-114509.3; 2MASS J13473032-1145104 has fractions without points."""
DATABASES = "SNV"
"""SIMBAD, NED and VizieR, in this order."""
SESAME_URLS = ("https://cds.unistra.fr/cgi-bin/nph-sesame/", "https://vizier.cfa.harvard.edu/viz-bin/nph-sesame/")
NAMES = "names.json"
"""File of resolved names in a directory of tables."""
REMEDY = "names are looked up again"


@dataclass(frozen=True)
class _ResolvedName:
    """An entry of the file of names: the position in ICRS degrees, the service, and when (UTC)."""

    name: str
    ra: float
    dec: float
    service: str
    resolved: str


class NameStore:
    """A file of resolved names, `names.json`, in a directory of tables."""

    def __init__(self, directory: Path, urls: Sequence[str] = SESAME_URLS) -> None:
        self.path, self.urls = directory / NAMES, tuple(urls)

    def resolve(self, name: str) -> tuple[float, float]:
        """Return right ascension and declination of an object in ICRS degrees.

        A name with J-coordinates (see j_position) needs no service, unless a service has resolved it earlier. ConfigError
        if the services do not know the name, ServiceError if they do not answer.
        """
        key = " ".join(name.split()).lower()
        known = self._known()
        if key not in known and (position := j_position(name)) is not None:
            return position
        if key not in known:
            ra, dec, service = self._ask(name)
            known[key] = _ResolvedName(name, ra, dec, service, datetime.now(UTC).isoformat(timespec="seconds"))
            text = json.dumps({key: asdict(entry) for key, entry in known.items()}, indent=1, sort_keys=True)
            write_atomically(self.path, text + "\n")
        return known[key].ra, known[key].dec

    def _known(self) -> dict[str, _ResolvedName]:
        try:
            known: dict[str, _ResolvedName] = read_json(self.path, dict[str, _ResolvedName], "a list of names", REMEDY)
        except FileNotFoundError:
            return {}
        except CorruptFileError as error:
            set_aside(self.path, str(error))
            return {}
        return {name: entry for name, entry in known.items() if is_on_the_sky(entry.ra, entry.dec)}

    def _ask(self, name: str) -> tuple[float, float, str]:
        import requests

        from daxa_wf.tables.http import session

        patient = session(retries=1)
        for url in self.urls:
            try:
                response = patient.get(f"{url.rstrip('/')}/{DATABASES}?{quote(name)}")
            except (requests.RequestException, ServiceError) as error:
                log.info("Sesame at %s: %s", shown(url), error)
                continue
            if response.status_code >= 400 or not response.text.lstrip().startswith(("#", "%")):
                continue
            match = POSITION.search(response.text)
            if match is None:
                raise ConfigError(f"Sesame does not know the name {name!r}; give the object's position in degrees")
            ra, dec = float(match[1]), float(match[2])
            if is_on_the_sky(ra, dec):
                return ra, dec, "Sesame"
        return self._ask_others(name)

    def _ask_others(self, name: str) -> tuple[float, float, str]:
        from daxa_wf.tables.objects import look_up

        try:
            known = look_up(name)
        except ServiceError as error:
            raise ServiceError(f"{name!r} cannot be resolved: no answer from {', '.join(self.urls)}; {error}") from None
        if known is None:
            raise ConfigError(f"SIMBAD and NED do not know the name {name!r}; give the object's position in degrees")
        return known.ra, known.dec, known.service


def j_position(name: str) -> tuple[float, float] | None:
    """Return the position in degrees that the J-coordinates in a name state, or None for a name without J-coordinates.

    Digits are hours, minutes and seconds, and degrees, minutes and seconds; the last of them may have a fraction
    (IAU, "Specifications concerning designations for astronomical radiation sources outside the solar system"). Such
    coordinates are truncated, so the position is as precise as the last digit. B1950 names are not read. Impossible digits
    are a ConfigError, unless the name has a prefix: then it may be another kind of name, and the result is None.

    >>> j_position("RX J1347.5-1145"), j_position("J1200+3000"), j_position("M31")
    ((206.875, -11.75), (180.0, 30.0), None)
    """
    match = J_COORDINATES.fullmatch(" ".join(name.split()))
    if match is None:
        return None
    (hours, *smaller), (degrees, *others) = _packed(match["ra"]), _packed(match["dec"])
    if max(*smaller, *others, 0) >= 60 or hours >= 24 or _decimal([degrees, *others]) > 90:
        if match["prefix"]:
            return None
        raise ConfigError(f"{name!r} looks like J-coordinates, but the sky has no such place; correct its digits")
    sign = 1 if match["sign"] == "+" else -1
    return 15 * _decimal([hours, *smaller]), sign * _decimal([degrees, *others])


def _packed(digits: str) -> list[float]:
    """Return the numbers in packed digits such as 1347.5, 004244.33 or 00424433: two digits each, the last with a fraction."""
    whole, _, fraction = digits.partition(".")
    whole, fraction = whole[:6], fraction or whole[6:]
    numbers = [float(whole[start : start + 2]) for start in range(0, len(whole), 2)]
    return [*numbers[:-1], numbers[-1] + float(f"0.{fraction or 0}")]


def _decimal(numbers: Sequence[float]) -> float:
    return sum(number / 60**power for power, number in enumerate(numbers))


def is_on_the_sky(ra: float, dec: float) -> bool:
    """Return True if a position in degrees is possible. A damaged file of names may hold impossible ones.

    >>> is_on_the_sky(10.7, 41.3), is_on_the_sky(10.7, 91.0)
    (True, False)
    """
    return -360 <= ra <= 360 and -90 <= dec <= 90
