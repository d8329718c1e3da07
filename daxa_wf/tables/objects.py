"""What SIMBAD and NED know of a named object, through astroquery: position, kind of object, other names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daxa_wf.errors import ServiceError
from daxa_wf.text import make_printable


@dataclass(frozen=True)
class NamedObject:
    """An object as a service has it: its name there, ICRS degrees, kinds of object (the service's codes), other names."""

    name: str
    ra: float
    dec: float
    kinds: tuple[str, ...]
    aliases: tuple[str, ...]
    service: str


def look_up(name: str) -> NamedObject | None:
    """The object of a name, from SIMBAD or else NED; None if neither knows it, ServiceError if neither can be asked."""
    said = []
    services: Sequence[tuple[str, Callable[[str], NamedObject | None]]] = (("SIMBAD", from_simbad), ("NED", from_ned))
    for service, ask in services:
        try:
            found = ask(name)
        except Exception as error:  # noqa: BLE001 - astroquery raises what its many layers raise
            said.append(f"{service}: {type(error).__name__}: {' '.join(str(error).split())[:120]}")
            continue
        if found is not None:
            return found
    if len(said) == len(services):
        raise ServiceError(f"{name!r} cannot be looked up: {'; '.join(said)}")
    return None


def from_simbad(name: str) -> NamedObject | None:
    """The object in SIMBAD's tables `basic`, `ident` and `alltypes`; None if it has none of that name."""
    from astroquery.simbad import Simbad
    from pyvo.dal import TAPService

    from daxa_wf.tables.http import session

    # Asked through a session with limits, which astroquery's own has not.
    service = TAPService(Simbad.tap.baseurl, session=session(retries=1))
    asked = name.replace("'", "''")
    basic = service.run_sync(
        "SELECT basic.oid, main_id, ra, dec, otypes FROM basic JOIN ident ON ident.oidref = basic.oid "
        f"LEFT JOIN alltypes ON alltypes.oidref = basic.oid WHERE ident.id = '{asked}'"
    ).to_table()
    if len(basic) == 0:
        return None
    row = basic[0]
    others = service.run_sync(f"SELECT id FROM ident WHERE oidref = {int(row['oid'])}").to_table()
    kinds = tuple(kind for kind in make_printable(str(row["otypes"])).split("|") if kind)
    aliases = tuple(" ".join(make_printable(str(each)).split()) for each in others["id"])
    return NamedObject(
        make_printable(str(row["main_id"])), float(row["ra"]), float(row["dec"]), kinds, aliases, "SIMBAD"
    )


def from_ned(name: str) -> NamedObject | None:
    """The object in NED; None if it has none of that name. NED's main table has no other names."""
    from astroquery.exceptions import RemoteServiceError
    from astroquery.ipac.ned import NedClass

    from daxa_wf.tables.http import session

    ned = NedClass()
    # A session with limits: astroquery has no public way to give it one.
    ned._session = session(retries=1)
    try:
        found = ned.query_object(name)
    except RemoteServiceError as error:
        if "not currently recognized" in str(error) or "no object" in str(error).lower():
            return None
        raise
    row = found[0]
    name, kind = make_printable(str(row["Object Name"])), make_printable(str(row["Type"]))
    return NamedObject(name, float(row["RA"]), float(row["DEC"]), (kind,), (), "NED")
