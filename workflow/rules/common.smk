# Both functions wait for the checkpoint manifest, like every input function that needs the list of units.
def every_record(wildcards):
    return plan.all_records()


def every_report(wildcards):
    return plan.all_records("report")


def shown(path, caption):
    """Return an output of the archive that Snakemake's report shows."""
    caption = f"../report/{caption}.rst"
    return report(plan.place(path), caption=caption, category="Archive")


def shown_observation(record):
    """Return the record of an observation's page, which Snakemake's report lists by mission and ObsID."""
    labels = {"mission": "{mission}", "ObsID": "{obsid}"}
    return report(
        record,
        caption="../report/observation.rst",
        category="Observations",
        labels=labels,
    )
