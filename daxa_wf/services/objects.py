"""What SIMBAD and NED know of a named object, through astroquery: position, kind of object, other names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daxa_wf.errors import ServiceError


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

    asked = name.replace("'", "''")
    basic = Simbad.query_tap(
        "SELECT basic.oid, main_id, ra, dec, otypes FROM basic JOIN ident ON ident.oidref = basic.oid "
        f"LEFT JOIN alltypes ON alltypes.oidref = basic.oid WHERE ident.id = '{asked}'"
    )
    if len(basic) == 0:
        return None
    row = basic[0]
    others = Simbad.query_tap(f"SELECT id FROM ident WHERE oidref = {int(row['oid'])}")
    kinds = tuple(kind for kind in str(row["otypes"]).split("|") if kind)
    aliases = tuple(" ".join(str(each).split()) for each in others["id"])
    return NamedObject(str(row["main_id"]), float(row["ra"]), float(row["dec"]), kinds, aliases, "SIMBAD")


def from_ned(name: str) -> NamedObject | None:
    """The object in NED; None if it has none of that name. NED's main table has no other names."""
    from astroquery.exceptions import RemoteServiceError
    from astroquery.ipac.ned import Ned

    try:
        found = Ned.query_object(name)
    except RemoteServiceError as error:
        if "not currently recognized" in str(error) or "no object" in str(error).lower():
            return None
        raise
    row = found[0]
    return NamedObject(str(row["Object Name"]), float(row["RA"]), float(row["DEC"]), (str(row["Type"]),), (), "NED")
