"""SVG elements as text. Every attribute and every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files


def number(value: float) -> str:
    """Return a coordinate with at most one decimal.

    >>> number(12.0), number(12.345), number(-0.01)
    ('12', '12.3', '0')
    """
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")


def tag(name: str, *content: str, **attributes: object) -> str:
    """Return an element with its content, which must be SVG already. Numbers are rounded; `class_` stands for `class`.

    >>> tag("circle", cx=1.25, r=2, class_='a"b')
    '<circle cx="1.2" r="2" class="a&quot;b"/>'
    """
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{words}>{''.join(content)}</{name}>" if content else f"<{name}{words}/>"


def text(label: str, x: float, y: float, class_: str | None = None, anchor: str | None = None) -> str:
    """Return a label. Its text is escaped."""
    return tag("text", escape(label), x=x, y=y, class_=class_, text_anchor=anchor)


def _attribute(value: object) -> str:
    return number(value) if isinstance(value, float) else escape(str(value))


def polyline(points: Iterable[tuple[float, float]], close: bool = False) -> str:
    """Return the path data of a line through points.

    >>> polyline([(0, 0), (1.5, 2)])
    'M0 0L1.5 2'
    """
    path = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f"M{path}{'Z' if close else ''}" if path else ""


def drawing(width: float, height: float, label: str, content: Sequence[str], style: str = "chart") -> str:
    """Return a whole drawing that takes the width of its place. `label` describes it to people who cannot see it."""
    return tag(
        "svg", tag("title", escape(label)), *content,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {number(width)} {number(height)}", role="img", class_=style,
    )  # fmt: skip


def standalone(svg: str) -> str:
    """Return a drawing as a file of its own, with the light colours of the style sheet inside."""
    style = (files("daxa_wf.report") / "templates" / "charts.css").read_text(encoding="utf-8")
    light = (files("daxa_wf.report") / "templates" / "light.css").read_text(encoding="utf-8")
    start = svg.index(">") + 1
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return f"{svg[:start]}<style>{light}{style}</style>{paper}{svg[start:]}\n"
