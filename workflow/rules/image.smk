rule images:
    """Make the counts images of an instrument."""
    input:
        merge=plan.record("merge"),
    output:
        plan.record("images"),
    log:
        plan.log("images"),
    params:
        options=plan.options("images"),
    script:
        "../scripts/step.py"


rule exposure_maps:
    """Make the exposure maps of an instrument, on the pixels of its images."""
    input:
        merge=plan.record("merge"),
        images=plan.record("images"),
        evselect=plan.records_of("evselect"),
        attitude=plan.raw("attitude"),
    output:
        plan.record("exposure_maps"),
    log:
        plan.log("exposure_maps"),
    params:
        options=plan.options("exposure_maps"),
        raw=plan.fetched("attitude"),
    script:
        "../scripts/step.py"
