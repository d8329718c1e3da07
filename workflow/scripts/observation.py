"""Draw the observation's page, after all its other steps if the job has them."""

from daxa_wf.chain.observation import run_from_snakemake

run_from_snakemake(snakemake)
