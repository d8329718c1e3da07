"""Mission tables from TAP services, checked before they are believed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daxa_wf.download.data_centres import refuse_entities
from daxa_wf.errors import ServiceError
from daxa_wf.mission.spec import TableSource
from daxa_wf.text import make_printable, mask_secrets

if TYPE_CHECKING:
    import pandas as pd

    from daxa_wf.tables.http import PatientSession

MARGIN = 1000
"""Rows that may be added to a table between counting and fetching it."""
EXCERPT = 120
STREAM_ELSEWHERE = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?STREAM\b[^>]{0,2000}\bhref", re.IGNORECASE)
"""Data of a VOTable that are not in it: astropy would open the file or URL."""
MOSTLY = 0.99
"""Part of a table's declinations that must be possible; single bad rows are dropped, and counted, later."""
JOB_SECONDS = 1800
"""Time that an asynchronous job may take."""


def table_query(source: TableSource, top: int, columns: Sequence[str]) -> str:
    """The ADQL for a whole table. TOP is said because services cap answers silently without it."""
    return f"SELECT TOP {top} {', '.join(columns)} FROM {source.table}"


def count_query(source: TableSource) -> str:
    """The ADQL for the number of rows."""
    return f"SELECT COUNT(*) AS number_of_rows FROM {source.table}"


def fetch_table(source: TableSource, urls: Sequence[str], session: PatientSession) -> tuple[pd.DataFrame, str, str]:
    """All rows of a table, from the first of the services that answers as it must; the rows, its URL, the query.

    ServiceError tells what each service said: no VOTable, a column missing, fewer rows than it counted, an error.
    """
    said, bodies = [], []
    for each in urls:
        try:
            url = session.accept(each)
            with session.expecting(session.limits.table):
                return *_fetch(source, url, session), url
        except ServiceError as error:
            said.append(str(error))
            bodies.append(error.body)
    raise ServiceError("; ".join(said) or f"no service is configured for {source.service}", b"".join(bodies))


def _fetch(source: TableSource, url: str, session: PatientSession) -> tuple[pd.DataFrame, str]:
    counted = _ask(url, count_query(source), 1, session, source)
    if len(counted) != 1 or len(counted.columns) != 1:
        raise ServiceError(f"{url}: counting {source.table} gave {len(counted)} rows; expected one number")
    expected = int(counted.to_numpy()[0, 0])
    if expected == 0:
        raise ServiceError(f"{url}: {source.table} is empty; expected a table of observations")
    optional = [column.source for column in source.columns if not column.required]
    try:
        query = table_query(source, expected + MARGIN, [column.source for column in source.columns])
        rows = _ask(url, query, expected + MARGIN, session, source)
    except ServiceError:
        if not optional:
            raise
        query = table_query(source, expected + MARGIN, [column.source for column in source.columns if column.required])
        rows = _ask(url, query, expected + MARGIN, session, source)
    if len(rows) < expected:
        rows = _uncapped(rows, url, query, expected, session, source)
    _check(rows, source, url, expected)
    return rows, query


def _uncapped(
    rows: pd.DataFrame, url: str, query: str, expected: int, session: PatientSession, source: TableSource
) -> pd.DataFrame:
    """The rows by an asynchronous job, whose cap is often higher; those that there are, if the service has none."""
    try:
        more = _ask(url, query, expected + MARGIN, session, source, asynchronous=True)
    except ServiceError:
        return rows
    return max(rows, more, key=len)


def _ask(
    url: str, query: str, maxrec: int, session: PatientSession, source: TableSource, asynchronous: bool = False
) -> pd.DataFrame:
    """The answer to a query as columns in lower case; text stays text."""
    import warnings

    import requests
    from pyvo.dal import TAPService
    from pyvo.dal.exceptions import DALAccessError, DALFormatError

    body = b""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            service = TAPService(url, session=session)
            body = (
                _sent_later(service, query, maxrec)
                if asynchronous
                else _sent(service.create_query(query, maxrec=maxrec))
            )
        except DALFormatError as error:
            wrong = f"{url}: the answer about {source.table} is no VOTable: {_excerpt(error)}"
            raise ServiceError(wrong, body) from None
        except DALAccessError as error:
            raise ServiceError(f"{url}: {source.table}: {_excerpt(error)}", body) from None
        except requests.RequestException as error:
            raise ServiceError(f"{url}: {source.table}: no answer ({type(error).__name__})", body) from None
        except (ValueError, OSError) as error:
            wrong = f"{url}: the answer about {source.table} cannot be read: {_excerpt(error)}"
            raise ServiceError(wrong, body) from None
    return rows_of(body, url, source.table)


def printable_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts have no control characters and no space around them, so that they may be shown.

    A service's text goes to terminals and pages; an identifier that ends with a newline would pass for another one.
    """
    import pandas as pd

    def clean(value: Any) -> Any:
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        if not isinstance(text, str):
            return text
        return (text if text.isprintable() else make_printable(text)).strip()

    for name in frame.columns:
        if pd.api.types.is_object_dtype(frame[name]) or pd.api.types.is_string_dtype(frame[name]):
            frame[name] = frame[name].map(clean)
    return frame


def _sent(query: Any) -> bytes:
    """What a service sends for a query. ValueError with its words if the status is none of success."""
    response = query.submit()
    body: bytes = response.content
    if response.status_code >= 400:
        raise ValueError(f"status {response.status_code}: {body[:1000].decode(errors='replace')}")
    return body


def _sent_later(service: Any, query: str, maxrec: int) -> bytes:
    """What a service's asynchronous job sends for a query; the job is deleted."""
    job = service.submit_job(query, maxrec=maxrec)
    try:
        job.run().wait(timeout=JOB_SECONDS)
        job.raise_if_error()
        if job.result_uri is None:
            raise ValueError("its job has no result")
        response = service._session.get(job.result_uri)
        response.raise_for_status()
        body: bytes = response.content
        return body
    finally:
        job.delete()


def refuse_more_than_data(body: bytes, what: str) -> None:
    """Raise ServiceError if a VOTable defines entities, or has its data elsewhere, which astropy would open."""
    refuse_entities(body, what)
    if STREAM_ELSEWHERE.search(body):
        raise ServiceError(f"{what} has its data in another file (a STREAM with 'href'): refused", body)


def rows_of(body: bytes, url: str, table: str = "a query") -> pd.DataFrame:
    """Return the rows of a VOTable, its columns in lower case; ServiceError if it is not one, or more than data."""
    import io
    import warnings

    from astropy.io.votable import parse
    from pyvo.dal.exceptions import DALAccessError, DALFormatError
    from pyvo.dal.tap import TAPResults

    what = f"{url}: the answer about {table}"
    refuse_more_than_data(body, what)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = TAPResults(parse(io.BytesIO(body)), url=url).to_table().to_pandas()
    except DALFormatError as error:
        raise ServiceError(f"{what} is no VOTable: {_excerpt(error)}", body) from None
    except DALAccessError as error:
        raise ServiceError(f"{url}: {table}: {_excerpt(error)}", body) from None
    except Exception as error:  # noqa: BLE001 - astropy raises what its XML parser and converters raise
        raise ServiceError(f"{what} is no VOTable that can be read: {_excerpt(error)}", body) from None
    frame.columns = [make_printable(str(name)).lower() for name in frame.columns]
    return printable_texts(frame)


def _check(rows: Any, source: TableSource, url: str, expected: int) -> None:
    missing = [each.source for each in source.columns if each.required and each.source.lower() not in rows.columns]
    if missing:
        raise ServiceError(f"{url}: {source.table} came without {', '.join(missing)}; it has {', '.join(rows.columns)}")
    if len(rows) < expected:
        raise ServiceError(f"{url}: {source.table} came with {len(rows)} of {expected} rows: the answer is cut off")
    declination = next((each.source.lower() for each in source.columns if each.name == "dec"), None)
    if declination and rows[declination].dropna().between(-90, 90).mean() < MOSTLY:
        raise ServiceError(
            f"{url}: {source.table} has declinations beyond 90 degrees: its columns are not what they were"
        )


def _excerpt(error: Exception) -> str:
    """The beginning of what went wrong, without markup or anything that looks like a credential."""
    plain = re.sub(r"<[^>]*>", " ", str(error)[:100_000])
    plain = re.sub(r"(?i)((?:pass(?:word|wd)?|pwd|token|user)=)[^&\s]+", r"\1...", plain)
    return " ".join(make_printable(mask_secrets(plain)).split())[:EXCERPT]
