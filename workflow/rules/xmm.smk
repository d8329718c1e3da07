rule cifbuild:
    """Make the index of the calibration files for an observation. First with SAS, after acquire where data are downloaded."""
    input:
        **plan.inputs("cifbuild"),
    output:
        plan.record("cifbuild"),
    log:
        plan.log("cifbuild"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("cifbuild"),
    params:
        **plan.params("cifbuild"),
    script:
        "../scripts/step.py"


rule odfingest:
    """Make the summary of an observation's raw data. After cifbuild."""
    input:
        **plan.inputs("odfingest"),
    output:
        plan.record("odfingest"),
    log:
        plan.log("odfingest"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("odfingest"),
    params:
        **plan.params("odfingest"),
    script:
        "../scripts/step.py"


rule inventory:
    """Find out which exposures of an observation are fit for science. First natively; with SAS after odfingest."""
    input:
        **plan.inputs("inventory"),
    output:
        plan.record("inventory"),
    log:
        plan.log("inventory"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("inventory"),
    params:
        **plan.params("inventory"),
    script:
        "../scripts/step.py"


rule epchain:
    """Make the calibrated event lists of a pn exposure. After inventory."""
    input:
        **plan.inputs("epchain"),
    output:
        plan.record("epchain"),
    log:
        plan.log("epchain"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("epchain"),
    params:
        **plan.params("epchain"),
    script:
        "../scripts/step.py"


rule emchain:
    """Make the calibrated event list of a MOS exposure. After inventory."""
    input:
        **plan.inputs("emchain"),
    output:
        plan.record("emchain"),
    log:
        plan.log("emchain"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("emchain"),
    params:
        **plan.params("emchain"),
    script:
        "../scripts/step.py"


rule emanom:
    """Find the CCDs of a MOS exposure that are in an anomalous state. After emchain, if requested."""
    input:
        **plan.inputs("emanom"),
    output:
        plan.record("emanom"),
    log:
        plan.log("emanom"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("emanom"),
    params:
        **plan.params("emanom"),
    script:
        "../scripts/step.py"


rule anomalous_ccds:
    """Find the CCDs of a MOS exposure that are in an anomalous state, without SAS. After inventory, if requested."""
    input:
        **plan.inputs("anomalous_ccds"),
    output:
        plan.record("anomalous_ccds"),
    log:
        plan.log("anomalous_ccds"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("anomalous_ccds"),
    params:
        **plan.params("anomalous_ccds"),
    script:
        "../scripts/step.py"


rule espfilt:
    """Find the good time intervals of an exposure, which exclude soft-proton flares. After inventory, or epchain and emchain."""
    input:
        **plan.inputs("espfilt"),
    output:
        plan.record("espfilt"),
    log:
        plan.log("espfilt"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("espfilt"),
    params:
        **plan.params("espfilt"),
    script:
        "../scripts/step.py"


rule evselect:
    """Keep the events of an exposure that pass the filters within the good time intervals. After espfilt and emanom."""
    input:
        **plan.inputs("evselect"),
    output:
        plan.record("evselect"),
    log:
        plan.log("evselect"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("evselect"),
    params:
        **plan.params("evselect"),
    script:
        "../scripts/step.py"


rule merge:
    """Merge the cleaned exposures of an instrument into its final event list. After evselect of its exposures."""
    input:
        **plan.inputs("merge"),
    output:
        plan.record("merge"),
    log:
        plan.log("merge"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("merge"),
    params:
        **plan.params("merge"),
    script:
        "../scripts/step.py"


rule images:
    """Make the counts images of an instrument. After merge."""
    input:
        **plan.inputs("images"),
    output:
        plan.record("images"),
    log:
        plan.log("images"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("images"),
    params:
        **plan.params("images"),
    script:
        "../scripts/step.py"


rule exposure_maps:
    """Make the exposure maps of an instrument, on the pixels of its images. After images."""
    input:
        **plan.inputs("exposure_maps"),
    output:
        plan.record("exposure_maps"),
    log:
        plan.log("exposure_maps"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("exposure_maps"),
    params:
        **plan.params("exposure_maps"),
    script:
        "../scripts/step.py"


rule rgs_events:
    """Make the calibrated events of an RGS exposure. After inventory."""
    input:
        **plan.inputs("rgs_events"),
    output:
        plan.record("rgs_events"),
    log:
        plan.log("rgs_events"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("rgs_events"),
    params:
        **plan.params("rgs_events"),
    script:
        "../scripts/step.py"


rule rgs_angles:
    """Compute the dispersion angles of an RGS exposure's events. After rgs_events."""
    input:
        **plan.inputs("rgs_angles"),
    output:
        plan.record("rgs_angles"),
    log:
        plan.log("rgs_angles"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("rgs_angles"),
    params:
        **plan.params("rgs_angles"),
    script:
        "../scripts/step.py"


rule rgs_filter:
    """Keep the good events of an RGS exposure. After rgs_angles."""
    input:
        **plan.inputs("rgs_filter"),
    output:
        plan.record("rgs_filter"),
    log:
        plan.log("rgs_filter"),
    conda:
        "../envs/daxa_wf.yaml"
    threads: 1
    resources:
        **plan.resources("rgs_filter"),
    params:
        **plan.params("rgs_filter"),
    script:
        "../scripts/step.py"
