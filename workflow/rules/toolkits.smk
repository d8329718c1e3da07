rule toolkit_image:
    """Fetch the container image of a toolkit, once. Before the steps whose tasks run in it."""
    output:
        f"{plan.place(plan.layout.root)}/containers/{{toolkit}}_{{digest}}.sif",
    log:
        f"{plan.place(plan.layout.root)}/logs/{{toolkit}}_image_{{digest}}.log",
    localrule: True
    conda:
        "../envs/apptainer.yaml"
    params:
        section=lambda wildcards: plan.config.toolkit(wildcards.toolkit),
    shell:
        "{params.section.runtime} pull --name {output:q} {params.section.container:q} 2>&1 | tee {log:q} >&2"
