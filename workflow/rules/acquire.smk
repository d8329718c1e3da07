rule acquire:
    """Fetch what is needed of an observation from the archives."""
    input:
        ancient(plan.observatories()),
        manifest=ancient(plan.layout.manifest.name),
    output:
        plan.record("acquire"),
    log:
        plan.log("acquire"),
    localrule: True
    params:
        options=plan.acquisition,
        context=plan.places,
    script:
        "../scripts/step.py"


rule preprocessed:
    """Put the products that the archive made into our layout."""
    input:
        acquire=plan.record("acquire"),
    output:
        plan.record("preprocessed"),
    log:
        plan.log("preprocessed"),
    params:
        options=plan.product_options,
    script:
        "../scripts/step.py"


rule inventory:
    """Look at what an observation holds, and say which exposures are fit for science."""
    input:
        manifest=ancient(plan.layout.manifest.name),
        acquire=plan.records_of("acquire"),
        odfingest=plan.records_of("odfingest"),
    output:
        plan.record("inventory"),
    log:
        plan.log("inventory"),
    params:
        options=sas.planning,
        raw=plan.raw("events"),
    script:
        "../scripts/step.py"
