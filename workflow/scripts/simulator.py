"""Make the simulator's tree."""

from pathlib import Path

from daxa_wf_simulator.tree import make_tree

make_tree(Path(snakemake.output[0]).parent)
