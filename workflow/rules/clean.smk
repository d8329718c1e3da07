rule espfilt:
    """Find the good time intervals of an exposure: those without soft-proton flares."""
    input:
        inventory=plan.record("inventory"),
        cifbuild=plan.records_of("cifbuild"),
        odfingest=plan.records_of("odfingest"),
        epchain=plan.records_of("epchain"),
        emchain=plan.records_of("emchain"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("espfilt"),
    log:
        plan.log("espfilt"),
    params:
        options=plan.options("espfilt"),
        context=sas.context,
        raw=plan.raw("events"),
    script:
        "../scripts/step.py"


rule evselect:
    """Keep the events of an exposure that pass the filters within the good time intervals."""
    input:
        espfilt=plan.record("espfilt"),
        cifbuild=plan.records_of("cifbuild"),
        odfingest=plan.records_of("odfingest"),
        epchain=plan.records_of("epchain"),
        emchain=plan.records_of("emchain"),
        emanom=plan.records_of("emanom"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("evselect"),
    log:
        plan.log("evselect"),
    params:
        options=sas.cleaning,
        context=sas.context,
        raw=plan.raw("events", "ootevents"),
    script:
        "../scripts/step.py"


rule merge:
    """Merge the cleaned exposures of an instrument into its final event list."""
    input:
        evselect=plan.records_of("evselect"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("merge"),
    log:
        plan.log("merge"),
    params:
        options=plan.options("merge"),
        context=sas.context,
    script:
        "../scripts/step.py"
