"""What it costs to flush files to the disk before they are renamed; python benchmarks/publishing.py [DIRECTORY]."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from daxa_wf.files import publish_file

SIZES = {"record, 5 kB": (5_000, 200), "product, 10 MB": (10_000_000, 10)}
REPEATS = 5


def seconds_a_file(directory: Path, size: int, count: int, flush: bool) -> float:
    """Return the seconds that writing and publishing a file takes, with or without the flush."""
    content = os.urandom(size)
    started = time.perf_counter()
    for number in range(count):
        part, target = directory / f"{number}.part", directory / str(number)
        part.write_bytes(content)
        if flush:
            publish_file(part, target)
        else:
            part.replace(target)
    return (time.perf_counter() - started) / count


def main() -> None:
    """Print medians of interleaved runs: a file that is only renamed, and one that is flushed first."""
    for name, (size, count) in SIZES.items():
        with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
            runs = [
                [seconds_a_file(Path(folder), size, count, flush) for flush in (False, True)] for _ in range(REPEATS)
            ]
        plain, flushed = (statistics.median(each) * 1000 for each in zip(*runs, strict=True))
        print(f"{name}: renamed {plain:.2f} ms, flushed and renamed {flushed:.2f} ms, ratio {flushed / plain:.1f}")


if __name__ == "__main__":
    main()
