"""eROSITA as data: missions, steps, engines, toolkit."""

from __future__ import annotations

from daxa_wf.mission.citation import Citation
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.step import Engine, Panels, Step, ToolkitSpec
from daxa_wf.observatories.erosita import all_sky, calpv
from daxa_wf.observatories.erosita.telescope import BRUNNER

HERE = "daxa_wf.observatories.erosita"

STEPS = (
    Step(
        "flaregti", "observation", f"{HERE}.steps.flaregti:run", "times without flares",
        needs=("acquire",), raw=("events",), makes=("events", "lightcurve", "maskimage", "thresholdimage"),
        intermediate=("events",), tasks=("evtool", "flaregti"), is_first=True,
        section="flaregti", options=f"{HERE}.steps.jobs:FlaregtiJob",
        job_options=f"{HERE}.steps.jobs:flares",
        memory_mb=4000, minutes=240,
    ),
    Step(
        "evtool", "observation", f"{HERE}.steps.evtool:run", "events kept by the filters and these times",
        needs=("flaregti",), makes=("finalevents",), tasks=("evtool",), section="evtool", is_final=True,
        options=f"{HERE}.steps.jobs:EvtoolJob", job_options=f"{HERE}.steps.jobs:engine",
        memory_mb=4000, minutes=120,
    ),
    Step(
        "erosita_images", "observation", f"{HERE}.steps.erosita_images:run", "counts images in energy bands",
        needs=("evtool",), makes=("image",), tasks=("evtool",), section="images",
        options=f"{HERE}.steps.jobs:ImagesJob", job_options=f"{HERE}.steps.jobs:engine",
    ),
    Step(
        "erosita_exposure_maps", "observation", f"{HERE}.steps.erosita_exposure_maps:run", "exposure maps in the same bands",
        needs=("evtool", "erosita_images"), makes=("expmap",), tasks=("expmap",), section="exposure_maps",
        options=f"{HERE}.steps.jobs:ExposureMapsJob", job_options=f"{HERE}.steps.jobs:engine",
    ),
)  # fmt: skip

CHAIN = tuple(step.name for step in STEPS)
FIND_LOCAL, IGNORED_IN = f"{HERE}.local:local_erosita_manifest", f"{HERE}.local:ignored_in"

PIPELINE = Pipeline(
    missions=(all_sky.MISSION, calpv.MISSION),
    engines=(
        Engine("native", CHAIN, "raw", find_local=FIND_LOCAL, ignored_in=IGNORED_IN),
        Engine("esass", CHAIN, "raw", toolkit="esass", find_local=FIND_LOCAL, ignored_in=IGNORED_IN),
    ),
    steps=STEPS,
    section=f"{HERE}.section:ErositaSection",
    toolkits=(
        ToolkitSpec(
            "esass", "eSASS", tasks=f"{HERE}.esass.tasks:ESASS_TASKS", examine=f"{HERE}.esass.examine:examine_esass",
            citation=Citation("Event lists were processed with eSASS, the software of the eROSITA-DE team.", (BRUNNER,)),
        ),
    ),
    subset=f"{HERE}.native.telescope_modules:write_subset",
    panels=Panels(
        plots={"flaregti": f"{HERE}.panels:flare_plots"},
        times={"flaregti": f"{HERE}.panels:kept_times"},
        tables=(f"{HERE}.panels:module_table",),
        instruments=f"{HERE}.panels:modules_of",
    ),
)  # fmt: skip
