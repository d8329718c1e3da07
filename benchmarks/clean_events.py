"""Cleaning a large list against reading and writing the same bytes; python benchmarks/clean_events.py [ROWS]."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import measure
from synthetic import write_list

EXPRESSION = "#XMMEA_EM && (PATTERN<=12) && (PI in [500:10000])"
CLEAN = "evselect(EpicEventList.open(Path({path!r})), {expression!r}, read_gti(Path({gti!r})), Path({output!r}))"
IMPORTS = """
from pathlib import Path
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.evselect import evselect
from daxa_wf.events.gti_files import read_gti
import astropy.io.fits, isal.igzip
"""
PLAIN_COPY = """
with open({path!r}, "rb") as source:
    while source.readinto(buffer): pass
with open({output!r}, "wb") as target:
    left = {size}
    while left > 0:
        target.write(view[:min(left, len(buffer))]); left -= len(buffer)
"""
ASTROPY = """
with fits.open({path!r}) as hdus:
    data, gti = hdus["EVENTS"].data, fits.getdata({gti!r}, 1)
    keep = ((data["FLAG"] & 0x766ba000) == 0) & (data["PATTERN"] <= 12) & (data["PI"] >= 500) & (data["PI"] <= 10000)
    inside = np.zeros(len(data), bool)
    for row in gti: inside |= (data["TIME"] >= row["START"]) & (data["TIME"] <= row["STOP"])
    hdus["EVENTS"].data = data[keep & inside]
    hdus.writeto({output!r}, overwrite=True, checksum=True)
"""
BARE_GZIP = """
with igzip.open({path!r}, "rb") as stream:
    while stream.readinto(buffer): pass
"""
BUFFER = "buffer = bytearray(4 << 20); view = memoryview(buffer)"


def main(rows: int) -> None:
    """Print seconds, ratios and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        path, output, gti = (str(Path(folder) / name) for name in ("list.fits", "clean.fits", "gti.fits"))
        write_list(Path(path), rows)
        names = {"path": path, "output": output, "gti": gti, "expression": EXPRESSION}
        seconds, memory = measure(IMPORTS, CLEAN.format(**names))
        baseline, _ = measure(BUFFER, PLAIN_COPY.format(**names, size=Path(output).stat().st_size))
        print(f"{rows} rows: read, expression, GTI, write, checksums {seconds:.2f} s, peak {memory:.0f} MB")
        print(
            f"  plain read and write of the bytes {baseline:.2f} s: ratio {seconds / baseline:.1f} (at most 5, aim 3)"
        )
        idiomatic, _ = measure("import numpy as np\nfrom astropy.io import fits", ASTROPY.format(**names), 1)
        print(f"  idiomatic astropy {idiomatic:.2f} s: ratio {idiomatic / baseline:.1f}")
        short = str(Path(folder) / "short.fits")
        write_list(Path(short), rows // 8)
        _, small = measure(IMPORTS, CLEAN.format(**{**names, "path": short}), 1)
        print(f"  peak memory of a list an eighth as long {small:.0f} MB (under 400, independent of length)")
        subprocess.run(["gzip", "-1", "-k", path], check=True)
        packed, _ = measure(IMPORTS, CLEAN.format(**{**names, "path": path + ".gz"}))
        bare, _ = measure("from isal import igzip\n" + BUFFER, BARE_GZIP.format(path=path + ".gz"))
        print(f"  gzip input {packed:.2f} s, bare isal {bare:.2f} s: ratio {packed / bare:.2f} (at most 1.5)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000)
