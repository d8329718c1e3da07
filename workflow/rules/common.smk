# Both wait for the checkpoint manifest, as every function of input that asks which units there are.
def every_record(wildcards):
    return plan.all_records()


def every_report(wildcards):
    return plan.all_records("report")


def shown(path, caption):
    """Return an output of the archive that Snakemake's report shows."""
    caption = f"../report/{caption}.rst"
    return report(plan.place(path), caption=caption, category="Archive")
