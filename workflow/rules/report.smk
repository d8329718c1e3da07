rule report:
    """Draw an observation's page. After all of its other steps, or with them if one job runs all steps of an observation."""
    input:
        **observations.inputs(),
    output:
        shown_observation(plan.record("report")),
    log:
        plan.log("report"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("report"),
    params:
        **plan.params("report"),
        calls=observations.calls,
    script:
        "../scripts/observation.py"


rule archive_report:
    """Draw the archive's page and write the table of outcomes, from all observations. Last."""
    input:
        every_report,
    output:
        page=shown(plan.layout.report, "archive"),
        status=shown(plan.layout.status, "status"),
    log:
        plan.place(plan.layout.root / "logs" / "archive_report.log"),
    conda:
        "../envs/daxa_wf.yaml"
    params:
        description=describer.for_job,
    script:
        "../scripts/archive_report.py"
