rule report:
    """Draw an observation's page."""
    input:
        acquire=plan.records_of("acquire"),
        preprocessed=plan.records_of("preprocessed"),
        inventory=plan.records_of("inventory"),
        espfilt=plan.records_of("espfilt"),
        evselect=plan.records_of("evselect"),
        merge=plan.records_of("merge"),
        images=plan.records_of("images"),
        exposure_maps=plan.records_of("exposure_maps"),
        flaregti=plan.records_of("flaregti"),
        evtool=plan.records_of("evtool"),
        erosita_images=plan.records_of("erosita_images"),
        erosita_exposure_maps=plan.records_of("erosita_exposure_maps"),
    output:
        plan.record("report"),
    log:
        plan.log("report"),
    script:
        "../scripts/step.py"


rule archive_report:
    """Draw the archive's page from all observations."""
    input:
        every_report,
    output:
        plan.layout.report.name,
    log:
        "logs/archive_report.log",
    script:
        "../scripts/archive_report.py"
