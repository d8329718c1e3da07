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

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class QueryError(Exception):
    """A query that the service does not understand."""


def answer(query: str, tables: Mapping[str, Any]) -> Any:
    """The table (astropy) that a query selects: columns or COUNT(*) of one table, TOP so many rows."""
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
    """A table as a VOTable that says it is an answer, and complete."""
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import Info

    document = from_table(table)
    document.resources[0].type = "results"
    document.resources[0].infos.append(Info(name="QUERY_STATUS", value="OK"))
    stream = io.BytesIO()
    document.to_xml(stream)
    return stream.getvalue()


def respond(query: str, tables: Mapping[str, Any]) -> Answer:
    """What the service sends for a query."""
    try:
        return 200, {"Content-Type": "application/x-votable+xml"}, votable(answer(query, tables))
    except QueryError as error:
        return 400, {"Content-Type": "text/plain"}, str(error).encode()


@contextmanager
def serve_tables(tables: Mapping[str, Any], change: Callable[[str, Answer], Answer] | None = None) -> Iterator[str]:
    """Serve pandas tables by name; the base URL. `change` may alter what is sent, for tests of faults."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            query = parse_qs(self.rfile.read(length).decode()).get("QUERY", [""])[0]
            status, headers, body = respond(query, tables)
            if change is not None:
                status, headers, body = change(query, (status, headers, body))
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tap"
    finally:
        server.shutdown()
        server.server_close()
