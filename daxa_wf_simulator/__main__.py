"""Run `python -m daxa_wf_simulator DIRECTORY`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from daxa_wf_simulator.tree import make_tree


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the simulator's tree in a directory and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m daxa_wf_simulator",
        description="Simulate small observations: a mirror of the data centres, the missions' tables, and the truth.",
    )
    parser.add_argument("directory", type=Path, help="where to write mirror/, tables/ and truth.json")
    directory = parser.parse_args(arguments).directory
    try:
        make_tree(directory)
    except OSError as error:
        print(f"{error.filename or directory}: {error.strerror or error}; choose another directory", file=sys.stderr)
        return 1
    print(f"simulated observations in {directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
