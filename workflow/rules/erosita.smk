rule flaregti:
    """Find the times of an eROSITA observation without flares. First, after acquire where data are downloaded."""
    input:
        **plan.inputs("flaregti"),
    output:
        plan.record("flaregti"),
    log:
        plan.log("flaregti"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("flaregti"),
    params:
        **plan.params("flaregti"),
    script:
        "../scripts/step.py"


rule evtool:
    """Keep the events of an eROSITA observation that pass the filters, within the times without flares. After flaregti."""
    input:
        **plan.inputs("evtool"),
    output:
        plan.record("evtool"),
    log:
        plan.log("evtool"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("evtool"),
    params:
        **plan.params("evtool"),
    script:
        "../scripts/step.py"


rule erosita_images:
    """Make the counts images of an eROSITA observation. After evtool."""
    input:
        **plan.inputs("erosita_images"),
    output:
        plan.record("erosita_images"),
    log:
        plan.log("erosita_images"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("erosita_images"),
    params:
        **plan.params("erosita_images"),
    script:
        "../scripts/step.py"


rule erosita_exposure_maps:
    """Make the exposure maps of an eROSITA observation, on the pixels of its images. After erosita_images."""
    input:
        **plan.inputs("erosita_exposure_maps"),
    output:
        plan.record("erosita_exposure_maps"),
    log:
        plan.log("erosita_exposure_maps"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("erosita_exposure_maps"),
    params:
        **plan.params("erosita_exposure_maps"),
    script:
        "../scripts/step.py"
