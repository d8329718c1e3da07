"""Run the step that the rule is named after."""

from daxa_wf.steps.runner import run_from_snakemake

run_from_snakemake(snakemake)
