"""Look up a named object in SIMBAD and NED, through astroquery: position, kind of object, other names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daxa_wf.errors import ServiceError
from daxa_wf.text import make_printable


@dataclass(frozen=True)
class NamedObject:
    """An object of a service: the service's name for it, ICRS degrees, kinds of object (the service's codes), other names."""

    name: str
    ra: float
    dec: float
    kinds: tuple[str, ...]
    aliases: tuple[str, ...]
    service: str


def look_up(name: str) -> NamedObject | None:
    """Return the object with a name, from SIMBAD or else NED; None if both services do not know it.

    ServiceError if neither service answers.
    """
    problems = []
    services: Sequence[tuple[str, Callable[[str], NamedObject | None]]] = (("SIMBAD", from_simbad), ("NED", from_ned))
    for service, ask in services:
        try:
            known = ask(name)
        except Exception as error:  # noqa: BLE001 - astroquery raises what its many layers raise
            problems.append(f"{service}: {type(error).__name__}: {' '.join(str(error).split())[:120]}")
            continue
        if known is not None:
            return known
    if len(problems) == len(services):
        raise ServiceError(f"{name!r} cannot be looked up: {'; '.join(problems)}")
    return None


def from_simbad(name: str) -> NamedObject | None:
    """Return the object with a name from SIMBAD's tables `basic`, `ident` and `alltypes`, or None."""
    from astroquery.simbad import Simbad
    from pyvo.dal import TAPService

    from daxa_wf.tables.http import session

    # Our session has limits; astroquery's has none.
    service = TAPService(Simbad.tap.baseurl, session=session(retries=1))
    quoted = name.replace("'", "''")
    basic = service.run_sync(
        "SELECT basic.oid, main_id, ra, dec, otypes FROM basic JOIN ident ON ident.oidref = basic.oid "
        f"LEFT JOIN alltypes ON alltypes.oidref = basic.oid WHERE ident.id = '{quoted}'"
    ).to_table()
    if len(basic) == 0:
        return None
    row = basic[0]
    others = service.run_sync(f"SELECT id FROM ident WHERE oidref = {int(row['oid'])}").to_table()
    kinds = tuple(kind for kind in make_printable(str(row["otypes"])).split("|") if kind)
    aliases = tuple(" ".join(make_printable(str(alias)).split()) for alias in others["id"])
    return NamedObject(
        make_printable(str(row["main_id"])), float(row["ra"]), float(row["dec"]), kinds, aliases, "SIMBAD"
    )


def from_ned(name: str) -> NamedObject | None:
    """Return the object with a name from NED, or None. NED's main table has no other names."""
    from astroquery.exceptions import RemoteServiceError
    from astroquery.ipac.ned import NedClass

    from daxa_wf.tables.http import session

    ned = NedClass()
    # A session with limits: astroquery has no public way to give it one.
    ned._session = session(retries=1)
    try:
        rows = ned.query_object(name)
    except RemoteServiceError as error:
        if "not currently recognized" in str(error) or "no object" in str(error).lower():
            return None
        raise
    row = rows[0]
    name, kind = make_printable(str(row["Object Name"])), make_printable(str(row["Type"]))
    return NamedObject(name, float(row["RA"]), float(row["DEC"]), (kind,), (), "NED")
