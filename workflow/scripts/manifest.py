"""Write the manifest."""

from daxa_wf.chain.manifest import manifest_from_snakemake

manifest_from_snakemake(snakemake)
