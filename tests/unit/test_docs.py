"""The examples on the pages of the documentation give the results that they show."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, stamp_file, write_record
from daxa_wf.events.examples import write_example
from daxa_wf.units import Unit

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [page.name for page in sorted(DOCS.glob("*.md")) if ">>> " in page.read_text()]
PN = Unit("xmm_pointed", "0201903501", "PN")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with an archive of one event list, where the examples run."""
    layout = Layout(tmp_path / "my_archive")
    path = layout.product(PN, "finalevents")
    path.parent.mkdir(parents=True)
    write_example(path)
    stamp = stamp_file(path, layout.relative(path), "finalevents")
    write_record(layout, Record("merge", PN, Status.DONE, products=[stamp]))
    monkeypatch.chdir(tmp_path)


def test_pages_with_examples_exist() -> None:
    assert "python.md" in PAGES


@pytest.mark.parametrize("page", PAGES)
def test_examples_of_a_page_give_what_they_show(page: str, project: None) -> None:
    blocks = re.findall(r"^```pycon\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    text = "\n".join(blocks)
    assert text.count(">>> ") == (DOCS / page).read_text().count(">>> "), "examples are in blocks of the kind pycon"
    example = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    result = doctest.DocTestRunner().run(example)
    assert (result.failed, result.attempted) == (0, text.count(">>> "))
