"""What import and start-up cost; python benchmarks/startup.py."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STEPS = ("espfilt", "evselect", "merge", "images", "exposure_maps")


def seconds(code: str) -> float:
    """Median wall time of a fresh Python that runs some code."""
    times = []
    for _ in range(7):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Print milliseconds above a bare Python."""
    bare = seconds("pass")
    print(f"bare Python {bare * 1000:.0f} ms")
    print(f"import daxa_wf +{(seconds('import daxa_wf') - bare) * 1000:.0f} ms (under 50)")
    for step in STEPS:
        code = (
            f"import daxa_wf.chain.runner, daxa_wf.observatories.xmm.steps.{step}; "
            f"import daxa_wf.observatories.xmm.native.{MODULES[step]}; "
            f"from daxa_wf.mission.registry import STEPS; STEPS['{step}']"
        )
        print(f"start of {step} +{(seconds(code) - bare) * 1000:.0f} ms (under 600)")


MODULES = {"espfilt": "espfilt", "evselect": "evselect", "merge": "merge", "images": "images",
           "exposure_maps": "exposure_map"}  # fmt: skip

if __name__ == "__main__":
    main()
