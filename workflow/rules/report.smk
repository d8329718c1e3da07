rule report:
    """Draw an observation's page. After all of its other steps."""
    input:
        **plan.inputs("report"),
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
