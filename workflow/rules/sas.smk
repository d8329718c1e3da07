rule cifbuild:
    """Make the index of the calibration files for an observation."""
    input:
        manifest=ancient(plan.layout.manifest.name),
        acquire=plan.records_of("acquire"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("cifbuild"),
    log:
        plan.log("cifbuild"),
    params:
        options=sas.calibration,
        context=sas.context,
    script:
        "../scripts/step.py"


rule odfingest:
    """Make the summary of an observation's raw data."""
    input:
        acquire=plan.records_of("acquire"),
        cifbuild=plan.record("cifbuild"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("odfingest"),
    log:
        plan.log("odfingest"),
    params:
        context=sas.context,
    script:
        "../scripts/step.py"


rule epchain:
    """Make the calibrated event lists of a pn exposure."""
    input:
        cifbuild=plan.record("cifbuild"),
        odfingest=plan.record("odfingest"),
        inventory=plan.record("inventory"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("epchain"),
    log:
        plan.log("epchain"),
    params:
        context=sas.context,
    script:
        "../scripts/step.py"


rule emchain:
    """Make the calibrated event list of a MOS exposure."""
    input:
        cifbuild=plan.record("cifbuild"),
        odfingest=plan.record("odfingest"),
        inventory=plan.record("inventory"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("emchain"),
    log:
        plan.log("emchain"),
    params:
        context=sas.context,
    script:
        "../scripts/step.py"


rule emanom:
    """Find the CCDs of a MOS exposure that are in an anomalous state."""
    input:
        cifbuild=plan.record("cifbuild"),
        odfingest=plan.record("odfingest"),
        emchain=plan.record("emchain"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("emanom"),
    log:
        plan.log("emanom"),
    params:
        context=sas.context,
    script:
        "../scripts/step.py"


rule rgs_events:
    """Make the calibrated events of an RGS exposure."""
    input:
        cifbuild=plan.record("cifbuild"),
        odfingest=plan.record("odfingest"),
        inventory=plan.record("inventory"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("rgs_events"),
    log:
        plan.log("rgs_events"),
    params:
        context=sas.context,
    script:
        "../scripts/step.py"


rule rgs_angles:
    """Compute the dispersion angles of an RGS exposure's events."""
    input:
        cifbuild=plan.record("cifbuild"),
        odfingest=plan.record("odfingest"),
        rgs_events=plan.record("rgs_events"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("rgs_angles"),
    log:
        plan.log("rgs_angles"),
    params:
        context=sas.context,
    script:
        "../scripts/step.py"


rule rgs_filter:
    """Keep the good events of an RGS exposure."""
    input:
        cifbuild=plan.record("cifbuild"),
        odfingest=plan.record("odfingest"),
        rgs_angles=plan.record("rgs_angles"),
        image=ancient(plan.image("sas")),
    output:
        plan.record("rgs_filter"),
    log:
        plan.log("rgs_filter"),
    params:
        context=sas.context,
    script:
        "../scripts/step.py"
