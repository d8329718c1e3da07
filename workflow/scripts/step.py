"""Run the step that the rule is named after."""

from daxa_wf.chain.runner import run_from_snakemake

run_from_snakemake(snakemake)
