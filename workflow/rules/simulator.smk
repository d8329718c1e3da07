rule simulator:
    """Simulate small observations: a mirror of data centres, and the missions' tables. Before the manifest."""
    output:
        plan.simulation,
    log:
        plan.place(plan.layout.root / "logs" / "simulator.log"),
    conda:
        "../envs/daxa_wf.yaml"
    script:
        "../scripts/simulator.py"
