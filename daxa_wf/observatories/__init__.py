"""The observatories, one file or folder each: a module or package with a `PIPELINE` is one.

Files of a folder `daxa_wf/observatories` anywhere on Python's path are found too, so that a mission can be added
without changing the package.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
