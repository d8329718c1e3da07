"""What a step is, as data: written once, and read by rules, runner, status, documents and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from daxa_wf.units import Unit

Per = Literal["observation", "instrument", "exposure"]

UNIT_PARTS: Mapping[Per, tuple[str, ...]] = {
    "observation": (),
    "instrument": ("inst",),
    "exposure": ("inst", "exposure"),
}
"""What a step acts on -> the wildcards that name the unit within its observation."""


def load(reference: str) -> Any:
    """Return the object that a reference `module:name` stands for, and import its module if that is needed.

    References keep the tables of steps light: a job imports only the step that it runs.
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
    """What the step gives, in a few words."""
    needs: tuple[str, ...] = ()
    """Earlier steps of which every record of the unit must be done."""
    needs_one_of: tuple[str, ...] = ()
    """Earlier steps of which at least one record of the unit must be done."""
    reads: tuple[str, ...] = ()
    """Further earlier steps whose records it reads."""
    raw: tuple[str, ...] = ()
    """Roles of the raw files that it reads: columns of the manifest."""
    makes: tuple[str, ...] = ()
    """Kinds of its products."""
    instruments: tuple[str, ...] = ()
    """The instruments whose units go through it; all if none is named."""
    section: str = ""
    """Section of the mission's configuration with its options."""
    options: str = ""
    """Reference to the model of its options."""
    job_options: str = ""
    """Reference to `function(plan, wildcards) -> dict`: options that follow from the manifest and not from the section."""
    tasks: tuple[str, ...] = ()
    """External tasks that it calls, if a toolkit does it."""
    is_first: bool = False
    """True if it can be the first step of an observation, which waits for the manifest."""
    is_optional: bool = False
    """True if it runs only where its section has `run: true`."""
    is_final: bool = False
    """True if an observation is worth keeping only if one of its final steps is done."""

    @property
    def earlier(self) -> tuple[str, ...]:
        """The steps whose records it takes as input."""
        return (*self.needs, *self.needs_one_of, *self.reads)

    def applies_to(self, instrument: str) -> bool:
        """Return True if units of the instrument ('' for whole observations) go through this step."""
        return self.per == "observation" or not self.instruments or instrument in self.instruments

    def unit_of(self, mission: str, obsid: str, instrument: str, exposure: str) -> Unit:
        """Return the unit that the step acts on, of which an exposure is a part."""
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
    makes=("finalevents", "image", "expmap", "backmap", "events", "background"),
    section="products",
    job_options="daxa_wf.chain.step_options:preprocessed_options",
)  # fmt: skip
REPORT = Step("report", "observation", "daxa_wf.report.step:run", "the observation's page")
"""It reads the records of every other step."""


@dataclass(frozen=True)
class Engine:
    """A way to process a mission: the steps of an observation between `acquire` and `report`, and what they start from."""

    name: str
    steps: tuple[str, ...]
    route: Literal["raw", "preprocessed"]
    """The files that it starts from."""
    toolkit: str = ""
    """Name of the toolkit that runs its tasks."""
    raw_data: str = ""
    """Reference to `function(plan, wildcards) -> dict`: where raw data are on this machine, for the context of a job."""
    find_local: str = ""
    """Reference to `function(mission, directory, obsids, instruments)`: the manifest's rows of a local directory."""
    named_in: str = ""
    """Reference to `function(directory, instruments) -> set`: ObsIDs that names of files show, without opening them."""
    find_listed: str = ""
    """Reference to `function(obsid, paths, instruments)`: the exposures that a data centre's listing of files shows."""
    planned_files: str = ""
    """Reference to `function(obsid, exposure) -> dict`: the files of an exposure that a table of exposures has.

    The manifest of an engine without it has a row for each observation, not for each exposure.
    """
    takes_whole_observations: bool = False
    """True if it organises what the data centre has, so that local directories must have a data centre's layout."""


@dataclass(frozen=True)
class ToolkitSpec:
    """External software that runs tasks: its name in the configuration, its label, and what `daxa-wf doctor` looks at."""

    name: str
    label: str
    tasks: str
    """Reference to its table of tasks by name."""
    examine: str
    """Reference to `function(environment, tasks) -> list[Finding]`."""
    section: str = "daxa_wf.config.toolkit:Toolkit"
    """Reference to the model of its section."""


ORGANISE = Engine("preprocessed", ("preprocessed",), "preprocessed", takes_whole_observations=True)
FETCH = Engine("raw", (), "raw", takes_whole_observations=True)
COMMON_ENGINES = (ORGANISE, FETCH)
"""The engines that every mission has: organise what the data centre made of the data, or only fetch."""


@dataclass(frozen=True)
class Panels:
    """What an observatory adds to the pages: plots and tables of the records of its steps."""

    plots: Mapping[str, str] = field(default_factory=dict)
    """Step -> reference to `function(layout, record) -> list[Plot]`."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Name of a table of the page -> reference to `function(records) -> rows`."""
