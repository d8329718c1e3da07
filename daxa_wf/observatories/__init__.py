"""The observatories: each is a module or package with a `PIPELINE`.

A folder `daxa_wf_observatories` on Python's path adds its modules, so a mission can be added without changing the package.
"""

import sys
from pathlib import Path

ADDED = "daxa_wf_observatories"
"""Name of the folders that add observatories.

A folder `daxa_wf/observatories` would do for `pkgutil.extend_path`, but would hide a package that is installed as editable.
"""


__path__ = [*__path__, *(str(folder) for entry in sys.path if (folder := Path(entry, ADDED)).is_dir())]
