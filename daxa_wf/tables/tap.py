"""Fetch mission tables from TAP services, and check them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daxa_wf.errors import ServiceError
from daxa_wf.mission.spec import TableSource
from daxa_wf.tables.xml import refuse_more_than_data
from daxa_wf.text import make_printable, mask_secrets

if TYPE_CHECKING:
    import pandas as pd

    from daxa_wf.tables.http import PatientSession

MARGIN = 1000
"""Rows that may be added to a table between counting and fetching it."""
EXCERPT = 120
"""Characters of an error that messages quote."""
MOSTLY = 0.99
"""Fraction of a table's declinations that must be possible. Single bad rows are dropped and counted later."""
JOB_SECONDS = 1800
"""Longest time in seconds of an asynchronous job."""


def table_query(source: TableSource, top: int, columns: Sequence[str]) -> str:
    """Return the ADQL for a whole table. It has a TOP, because services silently cap answers without one.

    >>> from daxa_wf.mission.spec import Column, TableSource
    >>> table_query(TableSource("heasarc", "numaster", (Column("obsid", "obsid"),)), 10, ["obsid", "ra"])
    'SELECT TOP 10 obsid, ra FROM numaster'
    """
    return f"SELECT TOP {top} {', '.join(columns)} FROM {source.table}"


def count_query(source: TableSource) -> str:
    """Return the ADQL for the number of rows of a table."""
    return f"SELECT COUNT(*) AS number_of_rows FROM {source.table}"


def fetch_table(source: TableSource, urls: Sequence[str], session: PatientSession) -> tuple[pd.DataFrame, str, str]:
    """Return all rows of a table, the query, and the URL of the service: the first of `urls` that answers correctly.

    ServiceError reports the fault of each service: not a VOTable, a missing column, fewer rows than counted, an error.
    """
    problems, bodies = [], []
    for address in urls:
        try:
            url = session.accept(address)
            with session.expecting(session.limits.table):
                return *_fetch(source, url, session), url
        except ServiceError as error:
            problems.append(str(error))
            bodies.append(error.body)
    raise ServiceError("; ".join(problems) or f"no service is configured for {source.service}", b"".join(bodies))


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
    """Return the rows of an asynchronous job, whose cap is often higher, or the given rows if the job fails."""
    try:
        more = _ask(url, query, expected + MARGIN, session, source, asynchronous=True)
    except ServiceError:
        return rows
    return max(rows, more, key=len)


def _ask(
    url: str, query: str, maxrec: int, session: PatientSession, source: TableSource, asynchronous: bool = False
) -> pd.DataFrame:
    """Return the answer to a query as columns in lower case. Text stays text."""
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
                _job_answer(service, query, maxrec)
                if asynchronous
                else _answer(service.create_query(query, maxrec=maxrec))
            )
        except DALFormatError as error:
            wrong = f"{url}: the answer about {source.table} is not a VOTable: {_excerpt(error)}"
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
    """Remove control characters and surrounding space from the texts of a table, in place, and return it.

    A service's text goes to terminals and pages. An identifier that ends with a newline would pass for another one.
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


def _answer(query: Any) -> bytes:
    """Return the body of a service's answer to a query. ValueError quotes it if the status reports an error."""
    response = query.submit()
    body: bytes = response.content
    if response.status_code >= 400:
        raise ValueError(f"status {response.status_code}: {body[:1000].decode(errors='replace')}")
    return body


def _job_answer(service: Any, query: str, maxrec: int) -> bytes:
    """Run a query as an asynchronous job, return the body of its result, and delete the job."""
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


def rows_of(body: bytes, url: str, table: str = "a query") -> pd.DataFrame:
    """Return the rows of a VOTable, its columns in lower case. ServiceError if it is not a VOTable, or more than data."""
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
        raise ServiceError(f"{what} is not a VOTable: {_excerpt(error)}", body) from None
    except DALAccessError as error:
        raise ServiceError(f"{url}: {table}: {_excerpt(error)}", body) from None
    except Exception as error:  # noqa: BLE001 - astropy raises what its XML parser and converters raise
        raise ServiceError(f"{what} is not a readable VOTable: {_excerpt(error)}", body) from None
    frame.columns = [make_printable(str(name)).lower() for name in frame.columns]
    return printable_texts(frame)


def _check(rows: Any, source: TableSource, url: str, expected: int) -> None:
    required = [column.source for column in source.columns if column.required]
    missing = [name for name in required if name.lower() not in rows.columns]
    if missing:
        raise ServiceError(f"{url}: {source.table} came without {', '.join(missing)}; it has {', '.join(rows.columns)}")
    if len(rows) < expected:
        raise ServiceError(f"{url}: {source.table} came with {len(rows)} of {expected} rows: the answer is cut off")
    declination = next((column.source.lower() for column in source.columns if column.name == "dec"), None)
    if declination and rows[declination].dropna().between(-90, 90).mean() < MOSTLY:
        raise ServiceError(
            f"{url}: {source.table} has declinations beyond 90 degrees: the service has changed its columns"
        )


def _excerpt(error: Exception) -> str:
    """Return the beginning of an error's text, without markup and credentials."""
    plain = re.sub(r"<[^>]*>", " ", str(error)[:100_000])
    plain = re.sub(r"(?i)((?:pass(?:word|wd)?|pwd|token|user)=)[^&\s]+", r"\1...", plain)
    return " ".join(make_printable(mask_secrets(plain)).split())[:EXCERPT]
