"""The tasks of SAS and eSASS as data: one table a toolkit."""

from __future__ import annotations

from daxa_wf.tools.tasks.esass import ESASS_TASKS
from daxa_wf.tools.tasks.sas import ESPFILT, SAS_TASKS
from daxa_wf.tools.tasks.spec import Command, Parameter, TaskSpec, Value

TASKS: dict[str, TaskSpec] = {**SAS_TASKS, **ESASS_TASKS}
"""Every task by name; espfilt has other interfaces in ESPFILT."""

__all__ = ["ESASS_TASKS", "ESPFILT", "SAS_TASKS", "TASKS", "Command", "Parameter", "TaskSpec", "Value"]
