"""The observatories: each is a module or package with a `PIPELINE`.

The registry also finds modules in a folder `daxa_wf/observatories` elsewhere on Python's path, so a mission can be added
without changing the package.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
