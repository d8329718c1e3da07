"""SVG text: everything from outside is escaped, files of their own have their colours."""

from __future__ import annotations

from xml.etree import ElementTree

from daxa_wf.report.svg.elements import drawing, standalone, tag, text

HOSTILE = '"><script>alert(1)</script>'


def test_hostile_words_stay_words() -> None:
    svg = drawing(10, 10, HOSTILE, [text(HOSTILE, 1, 2), tag("g", tag("path"), data_name=HOSTILE)])
    assert "<script>" not in svg
    root = ElementTree.fromstring(svg)
    title, label, group = list(root)
    assert title.text == label.text == group.get("data-name") == HOSTILE


def test_a_file_of_its_own_is_light_and_complete() -> None:
    svg = standalone(drawing(100, 50, "A curve", [tag("path", d="M0 0L1 1", class_="kept")]))
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == "0 0 100 50"
    style = root[0].text or ""
    assert "--kept: #1f6fb4" in style
    assert ".chart .kept" in style
    assert "prefers-color-scheme" not in style
