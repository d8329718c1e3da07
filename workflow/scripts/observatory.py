"""Simulate the observations of the embedded observatory."""

from pathlib import Path

from daxa_wf_simulator.tree import make_tree

make_tree(Path(snakemake.output[0]).parent)
