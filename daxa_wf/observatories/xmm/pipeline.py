"""XMM-Newton as data: missions, steps, engines, toolkit."""

from __future__ import annotations

from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.step import Engine, Panels, Step, ToolkitSpec
from daxa_wf.observatories.xmm import pointed, slew
from daxa_wf.observatories.xmm.citation import SAS

HERE = "daxa_wf.observatories.xmm"
MOS = ("M1", "M2")
EPIC = ("PN", *MOS)
RGS = ("R1", "R2")
CALIBRATED = ("cifbuild", "odfingest", "epchain", "emchain")
"""Steps whose records name the calibration, the summary and the calibrated lists that SAS made of an observation."""

STEPS = (
    Step(
        "cifbuild", "observation", f"{HERE}.steps.cifbuild:run", "the calibration files for its date",
        needs=("acquire",), makes=("cif",), own_names={"cif": "ccf.cif"}, tasks=("cifbuild",), is_first=True,
        section="cifbuild", options=f"{HERE}.options:CifbuildJob", job_options=f"{HERE}.steps.job_options:calibration",
    ),
    Step(
        "odfingest", "observation", f"{HERE}.steps.odfingest:run", "the summary of its raw data",
        needs=("acquire", "cifbuild"), makes=("summary",), own_names={"summary": "*SUM.SAS"}, tasks=("odfingest",),
    ),
    Step(
        "inventory", "observation", f"{HERE}.steps.inventory:run", "which exposures are here and fit for science",
        needs=("acquire", "odfingest"), raw=("events",), is_first=True,
        options=f"{HERE}.options:InventoryJob", job_options=f"{HERE}.steps.job_options:planning",
    ),
    Step(
        "epchain", "exposure", f"{HERE}.steps.epchain:run", "calibrated events of pn, and its out-of-time list",
        needs=("inventory",), reads=("cifbuild", "odfingest"), makes=("events", "ootevents", "attitude"),
        intermediate=("events", "ootevents"),
        instruments=("PN",), tasks=("epchain",),
        memory_mb=8000, minutes=480,
    ),
    Step(
        "emchain", "exposure", f"{HERE}.steps.emchain:run", "calibrated events of a MOS",
        needs=("inventory",), reads=("cifbuild", "odfingest"), makes=("events", "attitude"), intermediate=("events",),
        instruments=MOS, tasks=("emchain",),
        memory_mb=4000, minutes=480,
    ),
    Step(
        "emanom", "exposure", f"{HERE}.steps.emanom:run", "CCDs of a MOS in an anomalous state",
        needs=("emchain",), reads=("cifbuild", "odfingest"), makes=("anomalies",),
        instruments=MOS, tasks=("emanom",), section="emanom", is_optional=True,
    ),
    Step(
        "anomalous_ccds", "exposure", f"{HERE}.steps.anomalous_ccds:run", "CCDs of a MOS in an anomalous state, without SAS",
        needs=("inventory",), raw=("events",), instruments=MOS, section="emanom", is_optional=True,
    ),
    Step(
        "espfilt", "exposure", f"{HERE}.steps.espfilt:run", "good time intervals without soft-proton flares",
        needs=("inventory", "epchain", "emchain"), reads=("cifbuild", "odfingest"), raw=("events",),
        makes=("gti", "lightcurve", "cornerlightcurve", "hist", "allgoodevents", "allgoodootevents"), instruments=EPIC,
        tasks=("espfilt",), section="espfilt",
        options=f"{HERE}.flare_options:EspfiltOptions",
    ),
    Step(
        "evselect", "exposure", f"{HERE}.steps.evselect:run", "events kept by the filters and the GTIs",
        needs=("espfilt", "emanom", "anomalous_ccds"), reads=CALIBRATED, raw=("events", "ootevents"),
        makes=("cleanevents", "cleanootevents"), intermediate=("cleanevents", "cleanootevents"),
        instruments=EPIC, tasks=("evselect",), section="evselect",
        options=f"{HERE}.options:EvselectJob",
        job_options=f"{HERE}.steps.job_options:cleaning",
    ),
    Step(
        "merge", "instrument", f"{HERE}.steps.merge:run", "one event list an instrument",
        needs_one_of=("evselect",), makes=("finalevents", "finalootevents"), instruments=EPIC, tasks=("merge",),
        section="merge", options=f"{HERE}.options:MergeOptions", is_final=True,
    ),
    Step(
        "images", "instrument", f"{HERE}.steps.images:run", "counts images in energy bands",
        needs=("merge",), reads=("cifbuild", "odfingest"), makes=("image",), instruments=EPIC, tasks=("evselect",),
        section="images", options=f"{HERE}.options:ImagesOptions",
    ),
    Step(
        "exposure_maps", "instrument", f"{HERE}.steps.exposure_maps:run", "exposure maps in the same bands",
        needs=("merge", "images"), reads=("evselect", *CALIBRATED), raw=("attitude",), makes=("expmap",),
        instruments=EPIC, tasks=("eexpmap", "atthkgen"), section="exposure_maps", options=f"{HERE}.options:ExposureMapsOptions",
    ),
    Step(
        "rgs_events", "exposure", f"{HERE}.steps.rgs_events:run", "calibrated events of an RGS",
        needs=("inventory",), reads=("cifbuild", "odfingest"), intermediate=("kept",), instruments=RGS, tasks=("rgsproc",),
        memory_mb=4000, minutes=240,
    ),
    Step(
        "rgs_angles", "exposure", f"{HERE}.steps.rgs_angles:run", "their dispersion angles",
        needs=("rgs_events",), reads=("cifbuild", "odfingest"), intermediate=("kept",), instruments=RGS, tasks=("rgsproc",),
    ),
    Step(
        "rgs_filter", "exposure", f"{HERE}.steps.rgs_filter:run", "events of an RGS that are kept",
        needs=("rgs_angles",), reads=("cifbuild", "odfingest"), makes=("finalevents",), instruments=RGS,
        tasks=("rgsproc",), is_final=True,
    ),
)  # fmt: skip

CLEANING = ("espfilt", "evselect", "merge", "images", "exposure_maps")

PIPELINE = Pipeline(
    missions=(pointed.MISSION, slew.MISSION),
    engines=(
        Engine(
            "native", ("inventory", CLEANING[0], "anomalous_ccds", *CLEANING[1:]), "preprocessed",
            find_local=f"{HERE}.local:local_manifest",
            ignored_in=f"{HERE}.local:ignored_in",
            named_in=f"{HERE}.local:named_observations",
            find_listed=f"{HERE}.listed:calibrated_lists",
            planned_files=f"{HERE}.listed:planned_list",
        ),
        Engine(
            "sas",
            ("cifbuild", "odfingest", "inventory", "epchain", "emchain", "emanom", *CLEANING,
             "rgs_events", "rgs_angles", "rgs_filter"),
            "raw",
            toolkit="sas",
            raw_data=f"{HERE}.steps.job_options:raw_data",
            find_local=f"{HERE}.local_odf:local_odf_manifest",
            ignored_in=f"{HERE}.local_odf:ignored_in",
            find_listed=f"{HERE}.listed:raw_data",
            planned_files=f"{HERE}.listed:planned_raw_data",
        ),
    ),
    steps=STEPS,
    section=f"{HERE}.section:XmmSection",
    toolkits=(
        ToolkitSpec(
            "sas", "SAS", tasks=f"{HERE}.sas.tasks:SAS_TASKS", examine=f"{HERE}.sas.examine:examine_sas",
            section=f"{HERE}.section:SasToolkit", citation=SAS,
        ),
    ),
    source_checks=f"{HERE}.source_checks:expression_problems",
    exposure_pattern="[SU][0-9]{3}",
    panels=Panels(
        plots={"espfilt": f"{HERE}.panels:exposure_plots"}, times={"espfilt": f"{HERE}.panels:kept_times"},
        tables=(f"{HERE}.panels:exposure_table",),
    ),
)  # fmt: skip
