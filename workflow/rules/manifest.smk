rule observatory:
    """Simulate the observations of the embedded observatory."""
    output:
        "{observatory}/truth.json",
    log:
        "logs/observatory{observatory}.log",
    wildcard_constraints:
        observatory=".+",
    script:
        "../scripts/observatory.py"


checkpoint manifest:
    """Say which exposures there are to process."""
    input:
        ancient(plan.observatories()),
    output:
        plan.layout.manifest.name,
    log:
        "logs/manifest.log",
    retries: 0
    localrule: True
    params:
        missions=plan.selection_options(),
        connections=plan.connections,
    script:
        "../scripts/manifest.py"
