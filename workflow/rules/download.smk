rule acquire:
    """Fetch the files of an observation from data centres. After the manifest."""
    input:
        ancient(plan.simulation),
        **plan.inputs("acquire"),
    output:
        plan.record("acquire"),
    log:
        plan.log("acquire"),
    localrule: True
    conda:
        "../envs/daxa_wf.yaml"
    params:
        **plan.params("acquire"),
    script:
        "../scripts/step.py"


rule preprocessed:
    """Put the data centre's own products into the archive's layout. After acquire."""
    input:
        **plan.inputs("preprocessed"),
    output:
        plan.record("preprocessed"),
    log:
        plan.log("preprocessed"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("preprocessed"),
    params:
        **plan.params("preprocessed"),
    script:
        "../scripts/step.py"
