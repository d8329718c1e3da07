"""Known offenders against the contracts of structure: a list that only shrinks.

`python -m tests.contract.not_yet` runs the contract tests and writes the list anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

LIST = Path(__file__).with_name("not_yet.json")
REWRITE = "DAXA_WF_WRITE_NOT_YET"


def _listed() -> dict[str, list[str]]:
    return json.loads(LIST.read_text()) if LIST.exists() else {}


def unlisted(contract: str, offenders: set[str]) -> set[str]:
    """Return the offenders that are not on the list; warn of how many are."""
    listed = _listed()
    if os.environ.get(REWRITE):
        LIST.write_text(json.dumps({**listed, contract: sorted(offenders)}, indent=1, sort_keys=True) + "\n")
        return set()
    known = set(listed.get(contract, ()))
    remaining = len(offenders & known)
    warnings.warn(f"{contract}: {remaining} known offenders, {len(known) - remaining} mended", stacklevel=2)
    return offenders - known


if __name__ == "__main__":
    LIST.unlink(missing_ok=True)
    tests = [str(LIST.with_name(name)) for name in ("test_floors.py", "test_sizes.py")]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", *tests], env={**os.environ, REWRITE: "1"}, check=False
    )
    counts = {contract: len(offenders) for contract, offenders in _listed().items()}
    sys.stdout.write(f"{counts}\n")
