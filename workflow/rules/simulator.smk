rule simulator:
    """Simulate small observations: a mirror of data centres, and the missions' tables. Before the manifest."""
    output:
        plan.simulation,
    log:
        plan.place(plan.layout.root / "logs" / "simulator.log"),
    script:
        "../scripts/simulator.py"
