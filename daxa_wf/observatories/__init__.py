"""The observatories: each is a module or package with a `PIPELINE`.

The registry also finds modules in a folder `daxa_wf/observatories` elsewhere on Python's path, so a mission can be added
without changing the package.
"""

import sys
from pathlib import Path


def _added_folders() -> list[str]:
    """Return the folders `daxa_wf/observatories` on Python's path that belong to no copy of this package.

    `pkgutil.extend_path` would look below the package's own folder only, and would mix in other checkouts.
    """
    folders = (Path(entry, "daxa_wf", "observatories") for entry in sys.path)
    return [str(folder) for folder in folders if folder.is_dir() and not (folder.parent / "__init__.py").exists()]


__path__ = [*__path__, *_added_folders()]
