rule simulator:
    """Simulate small observations: a mirror of data centres, and the missions' tables. Before the manifest."""
    output:
        plan.simulation,
    log:
        "logs/simulator.log",
    script:
        "../scripts/simulator.py"
