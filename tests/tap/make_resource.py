"""Writes a DaCHS resource of recorded HEASARC tables; python make_resource.py TABLES FOLDER."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from xml.sax.saxutils import quoteattr

from astropy.table import Table

RECORDED = {"rosmaster": "heasarc_rosmaster_1000rows.vot.xml", "intscwpub": "heasarc_intscw_1000rows.vot.xml"}
TYPES = {"f": "double precision", "i": "integer", "u": "integer"}
HEAD = """<resource schema="heasarc">
  <meta name="title">Recorded mission tables</meta><meta name="creationDate">2026-01-01T00:00:00</meta>
  <meta name="description">Recorded HEASARC tables, for tests.</meta><meta name="subject">x-ray-astronomy</meta>
  <meta name="creator">daxa_wf tests</meta>
"""


def main(tables: Path, folder: Path) -> None:
    """Write q.rd and a CSV file for each table."""
    parts = [HEAD]
    for name, recorded in RECORDED.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = Table.read(tables / recorded)
        frame = table.to_pandas()
        frame.columns = [str(column).lower() for column in frame.columns]
        frame = frame.drop(columns=["w3___row", "search_offset"], errors="ignore")
        frame.to_csv(folder / "data" / f"{name}.csv", index=False)
        columns = "".join(
            f"<column name={quoteattr(column)} type={quoteattr(TYPES.get(frame[column].dtype.kind, 'text'))}"
            f"{'><values nullLiteral=' + quoteattr('-999999999') + '/></column>' if frame[column].dtype.kind in 'iu' else '/>'}"
            for column in frame.columns
        )
        parts.append(f'<table id="{name}" onDisk="True" adql="True">{columns}</table>\n')
        parts.append(
            f'<data id="import_{name}"><sources>data/{name}.csv</sources><csvGrammar/>'
            f'<make table="{name}"><rowmaker idmaps="*"/></make></data>\n'
        )
    (folder / "q.rd").write_text("".join([*parts, "</resource>\n"]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
