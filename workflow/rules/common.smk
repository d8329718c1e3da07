def every_record(wildcards):
    checkpoints.manifest.get()
    return [ancient(path) for path in plan.all_records()]


def every_report(wildcards):
    checkpoints.manifest.get()
    return [ancient(path) for path in plan.all_records("report")]
