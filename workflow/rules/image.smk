rule images:
    """Make the counts images of an instrument."""
    input:
        merge=plan.record("merge"),
        cifbuild=plan.records_of("cifbuild"),
        odfingest=plan.records_of("odfingest"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("images"),
    log:
        plan.log("images"),
    params:
        options=plan.options("images"),
        context=sas.context,
    script:
        "../scripts/step.py"


rule exposure_maps:
    """Make the exposure maps of an instrument, on the pixels of its images."""
    input:
        merge=plan.record("merge"),
        images=plan.record("images"),
        evselect=plan.records_of("evselect"),
        cifbuild=plan.records_of("cifbuild"),
        odfingest=plan.records_of("odfingest"),
        epchain=plan.records_of("epchain"),
        emchain=plan.records_of("emchain"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("exposure_maps"),
    log:
        plan.log("exposure_maps"),
    params:
        options=plan.options("exposure_maps"),
        context=sas.context,
        raw=plan.raw("attitude"),
    script:
        "../scripts/step.py"
