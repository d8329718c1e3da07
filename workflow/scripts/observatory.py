"""Simulate the observations of the embedded observatory."""

from pathlib import Path

from daxa_wf_simulator.observatory import make_observatory

make_observatory(Path(snakemake.output[0]).parent)
