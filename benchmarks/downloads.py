"""Verified downloads against curl without verification, from the same loopback server; python benchmarks/downloads.py [MB]."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.tables.http import session
from daxa_wf_simulator.mirror_server import serve_mirror

TREE = "heasarc/rosat/data/pspc/processed_data/500000/rp500211n00"
PARALLEL = 8
REPEATS = 3


def make_files(root: Path, count: int, size: int) -> list[str]:
    """FITS files with CHECKSUMs; their names are a mission's."""
    folder = root / TREE
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    names = []
    for number in range(count):
        data = rng.integers(0, 2**15, max(size // 2, 1), dtype=np.int16)
        name = f"n{number:05d}_bas.fits"
        fits.PrimaryHDU(data).writeto(folder / name, checksum=True)
        names.append(name)
    return names


def by_curl(base: str, names: list[str], target: Path) -> float:
    """Seconds of curl, files in parallel."""
    target.mkdir()
    urls = target / "urls"
    urls.write_text("".join(f'url = "{base}/{TREE}/{name}"\noutput = "{target / name}"\n' for name in names))
    started = time.perf_counter()
    command = [
        "curl",
        "-s",
        "--no-progress-meter",
        "--parallel",
        "--parallel-max",
        str(PARALLEL),
        "--config",
        str(urls),
    ]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def fetch(base: str, store: Path) -> None:
    """Print the seconds of ours (listing, verification and ledger included), the files, and the process's peak memory."""
    spec = MISSIONS["rosat_pointed"]
    fetcher = Fetcher(store, session(), {"heasarc": (f"{base}/heasarc/",)}, {"heasarc": PARALLEL})
    request = FileRequest(spec, {"obsid": "RP500211N00"}, ("preprocessed",), ("PSPCB",))
    started = time.perf_counter()
    files = fetcher.acquire(request).files
    seconds = time.perf_counter() - started
    print(json.dumps([seconds, len(files), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def by_us(base: str, store: Path) -> tuple[float, int, float]:
    """Seconds, files and MB of ours, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "fetch", base, str(store)], capture_output=True, text=True, check=True
    )
    seconds, files, memory = json.loads(done.stdout)
    return seconds, files, memory


def compare(count: int, size: int) -> None:
    """Print both, their ratio, and what a rerun costs."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = make_files(root / "served", count, size)
        server = subprocess.Popen(
            [sys.executable, __file__, "serve", str(root / "served")], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        base = server.stdout.readline().strip()
        try:
            by_curl(base, names, root / "warm")
            curl = statistics.median(by_curl(base, names, root / f"curl{n}") for n in range(REPEATS))
            runs = [by_us(base, root / f"store{n}") for n in range(REPEATS)]
            again, files, _ = by_us(base, root / "store0")
        finally:
            server.kill()
        ours, memory = statistics.median(run[0] for run in runs), max(run[2] for run in runs)
        print(
            f"{count} files, {count * size / 1e6:.0f} MB: {ours:.2f} s, curl {curl:.2f} s: {ours / curl:.2f}; "
            f"again {again / files * 1000:.2f} ms a file; {memory:.0f} MB of memory"
        )


def main() -> None:
    """Serve, or compare."""
    if sys.argv[1:2] == ["serve"]:
        with serve_mirror(Path(sys.argv[2])) as archives:
            print(archives.base, flush=True)
            time.sleep(86400)
    if sys.argv[1:2] == ["fetch"]:
        fetch(sys.argv[2], Path(sys.argv[3]))
        return
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    compare(200, megabytes * 1_000_000 // 2000)
    compare(200, megabytes * 1_000_000 // 200)
    compare(10_000, 5_000)


if __name__ == "__main__":
    main()
