"""Rules, files and functions stay short enough to be read at once."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median

from tests.contract.source import ROOT, sources, tree_of

LONGEST_RULE, LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FILE = 20, 450, 40, 100


def lines_of(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text().splitlines())


def rules_in(text: str) -> dict[str, int]:
    """Map each rule of a Snakemake file to its number of lines, without the empty lines after it."""
    lengths: dict[str, int] = {}
    for match in re.finditer(
        r"^([ \t]*)(?:rule|checkpoint) (\w+)[^\n]*:\n((?:\1[ \t]+[^\n]*\n|[ \t]*\n)*)", text, re.MULTILINE
    ):
        lengths[match[2]] = 1 + len(match[3].rstrip().splitlines())
    return lengths


def test_lines_of_rules_are_counted() -> None:
    text = 'rule one:\n    input:\n        "a",\n\n    shell:\n        "b"\n\n\n'
    text += 'if x:\n\n    checkpoint two:\n        output: "c"\n'
    assert rules_in(text) == {"one": 6, "two": 2}


def test_rules_are_short() -> None:
    files = [ROOT / "workflow" / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    lengths = {f"{path.name}: {name}": lines for path in files for name, lines in rules_in(path.read_text()).items()}
    assert len(lengths) > 15
    assert ({rule for rule, lines in lengths.items() if lines > LONGEST_RULE}) == set()


def test_files_are_short() -> None:
    lengths = {module: lines_of(path) for module, path in sources().items()}
    assert ({module for module, lines in lengths.items() if lines > LONGEST_FILE}) == set()
    assert median(lengths.values()) < MEDIAN_FILE


def functions_in(tree: ast.Module) -> dict[str, int]:
    """Map each function of a module to its number of lines, docstring included."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}


def test_functions_are_short() -> None:
    long = {
        f"{module}: {name}"
        for module, path in sources().items()
        for name, lines in functions_in(tree_of(path)).items()
        if lines > LONGEST_FUNCTION
    }
    assert long == set()
