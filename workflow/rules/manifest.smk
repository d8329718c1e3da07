checkpoint manifest:
    """List the exposures to process, from the selection. First: every other rule waits for the manifest."""
    input:
        ancient(plan.simulation),
    output:
        plan.manifest,
    log:
        plan.place(plan.layout.root / "logs" / "manifest.log"),
    benchmark:
        plan.place(plan.layout.root / "logs" / "manifest.benchmark.tsv")
    retries: 0
    localrule: True
    conda:
        "../envs/daxa_wf.yaml"
    params:
        missions=plan.selection_options(),
        tables=plan.tables_identity(),
        data_centres=plan.data_centres,
    script:
        "../scripts/manifest.py"


# Rules whose input depends on the manifest wait for it, also if a caller requests a single rule. The processes of jobs start
# after the manifest is written.
if workflow.is_main_process:
    plan.await_manifest = checkpoints.manifest.get
