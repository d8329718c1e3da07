rule flaregti:
    """Find the times of an eROSITA observation without flares."""
    input:
        acquire=plan.records_of("acquire"),
        image=ancient(plan.image("esass")),
    output:
        plan.record("flaregti"),
    log:
        plan.log("flaregti"),
    params:
        options=erosita.flares,
        context=erosita.context,
        raw=plan.raw("events"),
    script:
        "../scripts/step.py"


rule evtool:
    """Keep the events of an eROSITA observation that pass the filters, within the times without flares."""
    input:
        flaregti=plan.record("flaregti"),
        image=ancient(plan.image("esass")),
    output:
        plan.record("evtool"),
    log:
        plan.log("evtool"),
    params:
        options=erosita.options("evtool"),
        context=erosita.context,
    script:
        "../scripts/step.py"


rule erosita_images:
    """Make the counts images of an eROSITA observation."""
    input:
        evtool=plan.record("evtool"),
        image=ancient(plan.image("esass")),
    output:
        plan.record("erosita_images"),
    log:
        plan.log("erosita_images"),
    params:
        options=erosita.images,
        context=erosita.context,
    script:
        "../scripts/step.py"


rule erosita_exposure_maps:
    """Make the exposure maps of an eROSITA observation, on the pixels of its images."""
    input:
        evtool=plan.record("evtool"),
        erosita_images=plan.record("erosita_images"),
        image=ancient(plan.image("esass")),
    output:
        plan.record("erosita_exposure_maps"),
    log:
        plan.log("erosita_exposure_maps"),
    params:
        options=erosita.options("exposure_maps"),
        context=erosita.context,
    script:
        "../scripts/step.py"
