"""Positions of named objects: Sesame, else SIMBAD and NED; kept once resolved, so that it repeats offline."""

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
DATABASES = "SNV"
"""SIMBAD, NED and VizieR, in this order."""
SESAME_URLS = ("https://cds.unistra.fr/cgi-bin/nph-sesame/", "https://vizier.cfa.harvard.edu/viz-bin/nph-sesame/")
REMEDY = "names are looked up again"


@dataclass(frozen=True)
class _Known:
    """What is kept of a name."""

    name: str
    ra: float
    dec: float
    service: str
    resolved: str


class NameStore:
    """Resolved names in a directory of tables: `names.json`."""

    def __init__(self, directory: Path, urls: Sequence[str] = SESAME_URLS) -> None:
        self.path, self.urls = directory / "names.json", tuple(urls)

    def resolve(self, name: str) -> tuple[float, float]:
        """Right ascension and declination in ICRS degrees.

        ConfigError if the services know no such object, ServiceError if none of them can be reached.
        """
        key = " ".join(name.split()).lower()
        known = self._known()
        if key not in known:
            ra, dec, service = self._ask(name)
            known[key] = _Known(name, ra, dec, service, datetime.now(UTC).isoformat(timespec="seconds"))
            text = json.dumps({each: asdict(place) for each, place in known.items()}, indent=1, sort_keys=True)
            write_atomically(self.path, text + "\n")
        return known[key].ra, known[key].dec

    def _known(self) -> dict[str, _Known]:
        try:
            known: dict[str, _Known] = read_json(self.path, dict[str, _Known], "a list of names", REMEDY)
        except FileNotFoundError:
            return {}
        except CorruptFileError as error:
            set_aside(self.path, str(error))
            return {}
        return {name: place for name, place in known.items() if is_on_the_sky(place.ra, place.dec)}

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
                raise ConfigError(f"no object is called {name!r}, says Sesame; give its position in degrees")
            ra, dec = float(match[1]), float(match[2])
            if is_on_the_sky(ra, dec):
                return ra, dec, "Sesame"
        return self._ask_others(name)

    def _ask_others(self, name: str) -> tuple[float, float, str]:
        from daxa_wf.tables.objects import look_up

        try:
            found = look_up(name)
        except ServiceError as error:
            raise ServiceError(f"{name!r} cannot be resolved: no answer of {', '.join(self.urls)}; {error}") from None
        if found is None:
            raise ConfigError(f"no object is called {name!r}, say SIMBAD and NED; give its position in degrees")
        return found.ra, found.dec, found.service


def is_on_the_sky(ra: float, dec: float) -> bool:
    """Return whether a position in degrees is one; a damaged store of names may hold others, which are looked up again."""
    return -360 <= ra <= 360 and -90 <= dec <= 90
