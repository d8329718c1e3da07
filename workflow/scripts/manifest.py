"""Write the manifest."""

from daxa_wf.steps.manifest import manifest_from_snakemake

manifest_from_snakemake(snakemake)
