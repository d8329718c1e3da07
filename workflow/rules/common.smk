# Both functions wait for the checkpoint manifest, like every input function that needs the list of units.
def every_record(wildcards):
    return plan.all_records()


def every_report(wildcards):
    return plan.all_records("report")
