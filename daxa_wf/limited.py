"""Run functions that may crash or take all memory in a separate process with limits.

`python -m daxa_wf.limited MODULE:FUNCTION ARGUMENT` prints the array that a function returns, in NumPy's format.
"""

from __future__ import annotations

import importlib
import io
import os
import resource
import subprocess
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

SECONDS = 120
"""Longest time of a function in seconds."""
MEMORY = 4 << 30
"""Largest memory of a function's data in bytes."""
REFUSED = 3
"""Exit code if the function raised an exception, which is the last line of the standard error."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")


def run_limited(function: str, argument: str) -> NDArray[Any]:
    """Return the array that `module:function` makes of a text. ValueError if it fails, crashes, or exceeds the limits."""
    command = [sys.executable, "-m", "daxa_wf.limited", function, argument]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            env={**os.environ, **ONE_THREAD},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"it takes more than {SECONDS} s to read") from None
    if done.returncode == 0:
        return np.asarray(np.load(io.BytesIO(done.stdout), allow_pickle=False))
    last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    raise ValueError(
        last[0][:300] if done.returncode == REFUSED and last else "its reader crashed, or ran out of memory"
    )


def main(function: str, argument: str) -> int:
    """Run a function within the limits, and print its array. Return the exit code."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    module, _, name = function.partition(":")
    try:
        array = getattr(importlib.import_module(module), name)(argument)
    except BaseException as error:  # noqa: BLE001 - a panic of Rust code is not an Exception
        sys.stderr.write(f"\n{type(error).__name__}: {' '.join(str(error).split())}\n")
        return REFUSED
    np.save(sys.stdout.buffer, array, allow_pickle=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
