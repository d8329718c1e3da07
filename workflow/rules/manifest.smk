checkpoint manifest:
    """Say which exposures there are to process."""
    input:
        ancient(plan.simulation),
    output:
        plan.layout.manifest.name,
    log:
        "logs/manifest.log",
    retries: 0
    localrule: True
    params:
        missions=plan.selection_options(),
        tables=plan.tables_identity(),
        data_centres=plan.data_centres,
    script:
        "../scripts/manifest.py"
