"""A light TAP service on loopback: answers the queries that daxa_wf sends, from tables in memory."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

QUERY = re.compile(
    r"SELECT\s+(?:TOP\s+(?P<top>\d+)\s+)?(?P<columns>.+?)\s+FROM\s+(?P<table>[\w.]+)\s*", re.IGNORECASE | re.DOTALL
)
COUNT = re.compile(r"COUNT\(\*\)\s+AS\s+(\w+)", re.IGNORECASE)

HttpAnswer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class QueryError(Exception):
    """A query that the service does not understand."""


def answer(query: str, tables: Mapping[str, Any]) -> Any:
    """Return the table (astropy) that a query selects: columns or COUNT(*) of one table, at most TOP rows."""
    from astropy.table import Table

    match = QUERY.fullmatch(query.strip())
    if match is None or match["table"] not in tables:
        raise QueryError(f"cannot answer {query!r}; tables are {', '.join(tables)}")
    table = tables[match["table"]]
    counted = COUNT.fullmatch(match["columns"].strip())
    if counted:
        return Table({counted[1]: [len(table)]})
    names = [name.strip() for name in match["columns"].split(",")]
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise QueryError(f"no column {', '.join(missing)} in {match['table']}")
    return Table.from_pandas(table[names].iloc[: int(match["top"] or len(table))])


def votable(table: Any) -> bytes:
    """Return a table as a VOTable that is marked as a complete answer."""
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import Info

    document = from_table(table)
    document.resources[0].type = "results"
    document.resources[0].infos.append(Info(name="QUERY_STATUS", value="OK"))
    stream = io.BytesIO()
    document.to_xml(stream)
    return stream.getvalue()


def respond(query: str, tables: Mapping[str, Any]) -> HttpAnswer:
    """Return the service's answer to a query."""
    try:
        return 200, {"Content-Type": "application/x-votable+xml"}, votable(answer(query, tables))
    except QueryError as error:
        return 400, {"Content-Type": "text/plain"}, str(error).encode()


JOB = """<?xml version="1.0" encoding="UTF-8"?>
<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1">
<uws:jobId>{number}</uws:jobId><uws:phase>{phase}</uws:phase>
<uws:results><uws:result id="result" xlink:href="{base}/async/{number}/results/result"/></uws:results>
</uws:job>"""
"""Form of a job in UWS 1.1."""


def job_answer(path: str, query: str, queries: list[str], tables: Mapping[str, Any], base: str) -> HttpAnswer:
    """Return the service's answer to a request about asynchronous jobs. Each job is done as soon as it is made."""
    if path.endswith("/async"):
        queries.append(query)
        return 303, {"Location": f"{base}/async/{len(queries) - 1}"}, b""
    parts = path.split("/async/")[1].split("/")
    if parts[1:] == ["results", "result"]:
        return respond(queries[int(parts[0])], tables)
    if parts[1:] == ["phase"]:
        return 303, {"Location": f"{base}/async/{parts[0]}"}, b""
    return 200, {"Content-Type": "text/xml"}, JOB.format(number=parts[0], phase="COMPLETED", base=base).encode()


class _TapHandler(BaseHTTPRequestHandler):
    """Answers one request; a subclass holds the tables of a service, and the queries of its jobs."""

    tables: Mapping[str, Any]
    queries: list[str]
    change: Callable[[str, HttpAnswer], HttpAnswer]
    accepts_jobs: bool

    def do_POST(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        query = parse_qs(self.rfile.read(length).decode()).get("QUERY", [""])[0]
        if "/async" in self.path and self.accepts_jobs:
            base = f"http://{self.headers['Host']}/tap"
            self.send(*job_answer(self.path.split("?")[0], query, self.queries, self.tables, base))
        else:
            self.send(*type(self).change(query, respond(query, self.tables)))

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print nothing."""


@contextmanager
def serve_tables(
    tables: Mapping[str, Any], change: Callable[[str, HttpAnswer], HttpAnswer] | None = None, jobs: bool = False
) -> Iterator[str]:
    """Serve pandas tables by name and yield the base URL, as long as the context is open.

    `change` may alter the answer to a synchronous query, for tests. With `jobs`, asynchronous jobs are accepted too.
    """
    altered = staticmethod(change or (lambda _, answer: answer))
    content = {"tables": tables, "queries": [], "change": altered, "accepts_jobs": jobs}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Bound", (_TapHandler,), content))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tap"
    finally:
        server.shutdown()
        server.server_close()
