rule report:
    """Draw an observation's page."""
    input:
        acquire=plan.records_of("acquire"),
        preprocessed=plan.records_of("preprocessed"),
        cifbuild=plan.records_of("cifbuild"),
        odfingest=plan.records_of("odfingest"),
        inventory=plan.records_of("inventory"),
        epchain=plan.records_of("epchain"),
        emchain=plan.records_of("emchain"),
        emanom=plan.records_of("emanom"),
        espfilt=plan.records_of("espfilt"),
        evselect=plan.records_of("evselect"),
        merge=plan.records_of("merge"),
        images=plan.records_of("images"),
        exposure_maps=plan.records_of("exposure_maps"),
        rgs_events=plan.records_of("rgs_events"),
        rgs_angles=plan.records_of("rgs_angles"),
        rgs_filter=plan.records_of("rgs_filter"),
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
