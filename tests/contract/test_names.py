"""No two things share a name: classes and aliases of types, private ones too, in all packages."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.source import ROOT, tree_of

PACKAGES = ("daxa_wf", "daxa_wf_simulator", "snakemake_logger_plugin_daxa")
ALIAS = re.compile(r"_?[A-Z][a-z]\w*")


def names_of_types(tree: ast.Module) -> Iterator[str]:
    """Yield the names of all classes, and of the aliases at the top of a module, without leading underscores."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name.lstrip("_")
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and ALIAS.fullmatch(target.id):
                yield target.id.lstrip("_")


@pytest.fixture(scope="module")
def modules_by_name() -> dict[str, list[str]]:
    """Map each name of a type to the modules that define it."""
    modules: dict[str, list[str]] = defaultdict(list)
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        for name in names_of_types(tree_of(path)):
            modules[name].append(Path(path).relative_to(ROOT).as_posix())
    return modules


def test_names_are_found() -> None:
    text = (
        "Edges = tuple[float, float]\nLIMIT: int = 3\n_Pair: type = int\ndef f():\n    class _Inner:\n        Own = 1\n"
    )
    assert sorted(names_of_types(ast.parse(text))) == ["Edges", "Inner", "Pair"]


def test_no_two_types_share_a_name(modules_by_name: dict[str, list[str]]) -> None:
    assert len(modules_by_name) > 250
    assert {name: modules for name, modules in modules_by_name.items() if len(modules) > 1} == {}


def test_types_are_named_by_nouns(modules_by_name: dict[str, list[str]]) -> None:
    participles = {name: modules for name, modules in modules_by_name.items() if re.fullmatch("[A-Z][a-z]*ed", name)}
    assert participles == {}


VAGUE = {"each", "found", "said", "told", "wanted", "mine", "there", "meant"}
"""Identifiers that do not name the thing."""


def identifiers_of(tree: ast.Module) -> set[str]:
    """Return the names of variables, arguments, attributes and functions in a module's code."""
    names = {getattr(node, attribute, None) for node in ast.walk(tree) for attribute in ("id", "arg", "attr", "name")}
    return {name for name in names if isinstance(name, str)}


def test_identifiers_name_the_thing() -> None:
    assert identifiers_of(ast.parse("def f(said):\n    return [each.mine for each in f'{there}']")) >= VAGUE - {
        "found", "told", "wanted", "meant"
    }  # fmt: skip
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    vague = {
        path.relative_to(ROOT).as_posix(): names for path in paths if (names := identifiers_of(tree_of(path)) & VAGUE)
    }
    assert vague == {}
