"""Decide when to ask data centres again for data that are not public yet, by a condition in the record.

Asking in every run would burden the data centre and end each run with a fault. The next request follows once the release
date of the mission's table has passed, or once the user's credentials have changed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets as random_bytes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daxa_wf.archive.record_facts import RecordFacts
from daxa_wf.archive.records import Record, Status
from daxa_wf.tables.urls import has_login

NOT_PUBLIC = "notPublic"
"""Reason of the verdict."""
KEY = ".daxa_wf.key"
"""File of the raw store with a random key, without which the marks of credentials reveal nothing."""


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class RetryCondition:
    """The time to ask data centres again: once the release date has passed, or the credentials have changed.

    `released` is the date of the mission's table in UTC, None if it is not known. `logins` is the mark of the credentials.
    """

    released: datetime | None
    logins: str

    @classmethod
    def from_record(cls, record: Record | RecordFacts) -> RetryCondition | None:
        """Return the condition in the record of an observation that was not public, or None if it cannot be read."""
        try:
            condition = record.results["ask_again"]
            released = datetime.fromisoformat(condition["released"]) if condition["released"] else None
            readable = released is None or released.tzinfo is not None
            return cls(released, condition["logins"]) if readable else None
        except (KeyError, TypeError, ValueError):
            return None

    def as_results(self) -> dict[str, Any]:
        """Return the condition as a record holds it."""
        return {"ask_again": {"released": self.released.isoformat() if self.released else "", "logins": self.logins}}

    def is_met(self, now: datetime, mark: str) -> bool:
        """Return True if the release date has passed, or if the mark of the present credentials is another one."""
        return self.logins != mark or (self.released is not None and self.released <= now)


def when_asked_again(release: datetime | None) -> str:
    """Return the part of a verdict's message that explains when data centres are asked again."""
    until = f"until {release:%Y-%m-%d}" if release else "and the mission's table has no release date for it"
    after = "after that, when" if release else "when"
    return (
        f"is not public {until}; archives are asked again {after} credentials for it appear or change, or after "
        "'daxa-wf retry'"
    )


def may_be_had(record: Record | RecordFacts, marks: Mapping[str, str], now: datetime) -> bool:
    """Return True for the record of an observation that was not public, and may be now: it must be acquired again.

    `marks` has the mark of the credentials by login_key. A condition that cannot be read counts as met, so that a new one
    replaces it.
    """
    if record.step != "acquire" or record.status is not Status.REJECTED or record.reason != NOT_PUBLIC:
        return False
    condition = RetryCondition.from_record(record)
    mark = marks.get(login_key(record.unit.mission, record.unit.obsid), marks.get(login_key(record.unit.mission), ""))
    return condition is None or condition.is_met(now, mark)


def login_key(mission: str, obsid: str = "") -> str:
    """Return the key of the mark of a mission's credentials, or of those of one observation.

    >>> login_key("xmm_pointed"), login_key("xmm_pointed", "0201903501")
    ('xmm_pointed', 'xmm_pointed 0201903501')
    """
    return f"{mission} {obsid}".strip()


def mark_of_logins(
    store: Path, secrets: Mapping[str, Mapping[str, str]], archives: Mapping[str, Sequence[str]], makes_key: bool = True
) -> str:
    """Return a text that changes with the credentials but does not reveal them, or '' without credentials.

    `secrets` has parameters by data centre. URLs of data centres may hold a user and a password, too. Without `makes_key`
    nothing is written: a store without a key has made no mark to compare with.
    """
    urls = [url for urls in archives.values() for url in urls if has_login(url)]
    used = {archive: dict(secrets[archive]) for archive in archives if archive in secrets}
    if not urls and not used:
        return ""
    key = _key(store, makes_key)
    if not key:
        return "some"
    logins = json.dumps([used, urls], sort_keys=True).encode()
    return hmac.new(key, logins, hashlib.sha256).hexdigest()[:32]


def _key(store: Path, makes_key: bool) -> bytes:
    """Return the raw store's random key, and make it at its first use if that is allowed. Return b'' if there is none."""
    path = store / KEY
    try:
        if makes_key:
            store.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(random_bytes.token_bytes(32))
    except FileExistsError:
        pass
    except OSError:
        return b""
    try:
        return path.read_bytes()
    except OSError:
        return b""
