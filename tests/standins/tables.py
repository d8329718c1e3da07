"""Every task that has a stand-in."""

from daxa_wf.observatories.erosita.esass.tasks import ESASS_TASKS
from daxa_wf.observatories.xmm.sas.tasks import SAS_TASKS
from daxa_wf.tools.spec import TaskSpec

TASKS: dict[str, TaskSpec] = {**SAS_TASKS, **ESASS_TASKS}
