def every_record(wildcards):
    checkpoints.manifest.get()
    return plan.all_records()


def every_report(wildcards):
    checkpoints.manifest.get()
    return plan.all_records("report")
