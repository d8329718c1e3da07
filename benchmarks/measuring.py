"""Runs a piece of Python in a process of its own; its seconds and its peak memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

WRAPPER = """
import json, resource, time
{setup}
started = time.perf_counter()
{code}
seconds = time.perf_counter() - started
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def measure(setup: str, code: str, repeats: int = 3) -> tuple[float, float]:
    """Median seconds of `code` after `setup`, and the largest peak memory in MB, of fresh processes."""
    results = []
    for _ in range(repeats):
        text = WRAPPER.format(setup=setup, code=code)
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    return statistics.median(seconds for seconds, _ in results), max(memory for _, memory in results)
