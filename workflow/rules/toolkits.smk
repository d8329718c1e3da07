rule toolkit_image:
    """Tell where Snakemake put a toolkit's container image: its tasks run in it, each in a directory of its own."""
    output:
        temp(plan.place(plan.layout.root / "toolkits") + "/{toolkit}.image"),
    log:
        plan.place(plan.layout.root / "logs") + "/{toolkit}_image.log",
    localrule: True
    container:
        lambda wildcards: plan.toolkit(wildcards.toolkit)["container"]
    shell:
        'image="${{APPTAINER_CONTAINER:-${{SINGULARITY_CONTAINER:-}}}}"; '
        'if [ -z "$image" ]; then '
        'echo "the container image is not used: run with --software-deployment-method apptainer" | tee {log:q} >&2; exit 1; fi; '
        'printf %s "$image" > {output:q}'
