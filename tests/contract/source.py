"""Read the package's own source: modules, what they import, and the names in their code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "daxa_wf"


def module_name(path: Path) -> str:
    """Return the dotted name of a module, of a package for its `__init__.py`."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> dict[str, Path]:
    """Map the dotted name of each module of the package to its file."""
    return {module_name(path): path for path in sorted((ROOT / PACKAGE).rglob("*.py"))}


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a source file."""
    return ast.parse(path.read_text())


def imports_of(name: str, path: Path) -> set[str]:
    """Return the modules that a module imports at any depth of its code, with relative names resolved."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imported: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            members = {f"{base}.{alias.name}" for alias in node.names}
            modules = members & set(sources())
            imported |= modules | ({base} if modules != members else set())
    return imported


def room_of(module: str) -> str:
    """Return the room of one of the package's modules: the folder below `daxa_wf`, or '' for root modules."""
    parts = module.split(".")
    is_folder = len(parts) > 2 or (len(parts) == 2 and (ROOT / PACKAGE / parts[1]).is_dir())
    return parts[1] if is_folder else ""


def wing_of(module: str) -> str:
    """Return the observatory of a module in `observatories`: `rosat` for `rosat_pointed`, '' for the room itself."""
    parts = module.split(".")
    return parts[2].partition("_")[0] if len(parts) > 2 and parts[1] == "observatories" else ""


def _bare_strings(tree: ast.Module) -> set[int]:
    """Return the ids of the nodes of docstrings: strings that are statements of their own."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def code_texts(path: Path) -> Iterator[str]:
    """Yield every identifier and every string of a module's code; docstrings and comments are left out."""
    tree = tree_of(path)
    docstrings = _bare_strings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            yield node.value.decode("latin-1")
        for attribute in ("id", "attr", "arg", "name", "module"):
            text = getattr(node, attribute, None)
            if isinstance(text, str):
                yield text


def words_of(text: str) -> set[str]:
    """Split a text into words: at punctuation and underscores, and between the parts of camelCase."""
    words = re.findall(r"[A-Za-z0-9]+", text.replace("_", " "))
    parts = [part for word in words for part in re.findall(r"[A-Z]+[a-z0-9]*|[a-z0-9]+", word)]
    joined = re.findall(r"[A-Za-z0-9_]+", text)
    return {*words, *parts, *joined}
