"""A step as data, for rules, runner, status, documents and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from daxa_wf.mission.citation import Citation
from daxa_wf.units import Unit

Per = Literal["observation", "instrument", "exposure"]

UNIT_PARTS: Mapping[Per, tuple[str, ...]] = {
    "observation": (),
    "instrument": ("inst",),
    "exposure": ("inst", "exposure"),
}
"""Kind of unit -> the wildcards that name the unit within its observation."""


def load(reference: str) -> Any:
    """Import the object of a reference `module:name`.

    With references, a job imports only the step that it runs.
    """
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class Step:
    """One step: the unit it acts on, what it needs, reads, makes and accepts, and the function that runs it."""

    name: str
    per: Per
    run: str
    """Reference to `run(unit, inputs, options, workspace) -> Outcome`."""
    description: str
    """Its result, in a few words."""
    needs: tuple[str, ...] = ()
    """Earlier steps whose records must all be done for the unit."""
    needs_one_of: tuple[str, ...] = ()
    """Earlier steps with at least one record that must be done for the unit."""
    reads: tuple[str, ...] = ()
    """Further earlier steps whose records it reads."""
    raw: tuple[str, ...] = ()
    """Roles of the raw files that it reads: columns of the manifest."""
    makes: tuple[str, ...] = ()
    """Kinds of its products."""
    intermediate: tuple[str, ...] = ()
    """Those of them that only later steps need, so that they may be pruned once these are finished."""
    own_names: Mapping[str, str] = field(default_factory=dict)
    """Kind of product -> pattern of the file name that other programs expect, where they do."""
    instruments: tuple[str, ...] = ()
    """The instruments whose units go through it; empty for all instruments."""
    section: str = ""
    """Section of the mission's configuration with its options."""
    options: str = ""
    """Reference to the model of its options."""
    job_options: str = ""
    """Reference to `function(plan, wildcards) -> dict`: options that come from the manifest and not from the section."""
    tasks: tuple[str, ...] = ()
    """External tasks that it calls if its engine uses a toolkit."""
    memory_mb: int = 1000
    """Memory of a job in MB, to which twice the size of its unit's raw event lists is added."""
    minutes: int = 60
    """Time limit of a job, where jobs are submitted."""
    is_first: bool = False
    """True if it can be the first step of an observation, which waits for the manifest."""
    is_optional: bool = False
    """True if it runs only if its section has `run: true`."""
    is_final: bool = False
    """True if an observation is worth keeping only if one of its final steps is done."""

    @property
    def earlier(self) -> tuple[str, ...]:
        """Return the steps whose records it takes as input."""
        return (*self.needs, *self.needs_one_of, *self.reads)

    @property
    def has_options(self) -> bool:
        """Return True if its function takes options. The section of a step may only state whether the step runs."""
        return bool(self.options or self.job_options or (self.section and not self.is_optional))

    def applies_to(self, instrument: str) -> bool:
        """Return True if units of the instrument ('' for whole observations) go through this step."""
        return self.per == "observation" or not self.instruments or instrument in self.instruments

    def unit_of(self, mission: str, obsid: str, instrument: str, exposure: str) -> Unit:
        """Return the unit that the step acts on and that contains an exposure."""
        parts = {"inst": instrument, "exposure": exposure}
        return Unit(mission, obsid, *(parts[name] for name in UNIT_PARTS[self.per]))


ACQUIRE = Step(
    "acquire", "observation", "daxa_wf.chain.acquire:run", "its files, fetched and verified",
    job_options="daxa_wf.chain.step_options:acquire_options",
    is_first=True,
)  # fmt: skip
PREPROCESSED = Step(
    "preprocessed", "observation", "daxa_wf.chain.preprocessed:run", "the data centre's own products, by our names",
    needs=("acquire",),
    # `events` and `background` are names of earlier releases, removed when the step runs again.
    makes=("finalevents", "image", "expmap", "backmap", "centreimage", "spectrum", "sourcelightcurve", "sourcelist",
           "events", "background"),
    section="products",
    job_options="daxa_wf.chain.step_options:preprocessed_options",
)  # fmt: skip
REPORT = Step("report", "observation", "daxa_wf.report.step:run", "the observation's page")
"""It reads the records of every other step."""


@dataclass(frozen=True)
class Engine:
    """A way to process a mission: the steps of an observation between `acquire` and `report`, and their input files."""

    name: str
    steps: tuple[str, ...]
    route: Literal["raw", "preprocessed"]
    """Data level of its input files."""
    toolkit: str = ""
    """Name of the toolkit that runs its tasks."""
    raw_data: str = ""
    """Reference to `function(plan, wildcards) -> dict`: paths of raw data on this machine, for the context of a job."""
    find_local: str = ""
    """Reference to `function(mission, directory, obsids, instruments)`: the manifest's rows of a local directory."""
    named_in: str = ""
    """Reference to `function(directory, instruments) -> set`: ObsIDs in the names of files, which it does not open."""
    ignored_in: str = ""
    """Reference to `function(directory) -> list[str]`: sentences on files in a local directory that it does not recognise."""
    find_listed: str = ""
    """Reference to `function(obsid, paths, instruments)`: the exposures in a data centre's listing of files."""
    planned_files: str = ""
    """Reference to `function(obsid, exposure) -> dict`: the files of an exposure in a table of exposures.

    The manifest of an engine without this function has a row for each observation, not for each exposure.
    """
    takes_whole_observations: bool = False
    """True if it organises the data centre's products. Local directories must then have a data centre's layout."""


@dataclass(frozen=True)
class ToolkitSpec:
    """External software that runs tasks: its name in the configuration, its label for people, and its examination."""

    name: str
    label: str
    tasks: str
    """Reference to its table of tasks by name."""
    examine: str
    """Reference to `function(environment, tasks) -> list[Diagnosis]`."""
    section: str = "daxa_wf.config.toolkit:Toolkit"
    """Reference to the model of its section."""
    citation: Citation = field(default_factory=Citation)
    """How to acknowledge and cite the software."""


ORGANISE = Engine("preprocessed", ("preprocessed",), "preprocessed", takes_whole_observations=True)
FETCH = Engine("raw", (), "raw", takes_whole_observations=True)
COMMON_ENGINES = (ORGANISE, FETCH)
"""The engines that every mission has: organise the data centre's products, or only fetch."""


@dataclass(frozen=True)
class Panels:
    """The plots and tables that an observatory adds to the report's pages, as references to functions."""

    plots: Mapping[str, str] = field(default_factory=dict)
    """Step -> reference to `function(layout, record) -> list[Plot]`."""
    tables: tuple[str, ...] = ()
    """References to `function(layout, records) -> PageTable`, in the order of the page. Tables without rows are left out."""
    times: Mapping[str, str] = field(default_factory=dict)
    """Step -> reference to `function(record) -> list[KeptTime]`: the seconds that cleaning kept and removed."""
    instruments: str = ""
    """Reference to `function(record)`: the instruments whose events the final list of a whole observation holds."""
