"""Records name the versions that products follow from."""

from __future__ import annotations

import sys

import astropy
import numpy as np
import snakemake

from daxa_wf.archive.software import software_versions


def test_versions_are_those_of_the_packages_that_are_imported() -> None:
    assert software_versions() == {
        "python": ".".join(map(str, sys.version_info[:3])), "numpy": np.__version__, "astropy": astropy.__version__,
        "snakemake": snakemake.__version__,
    }  # fmt: skip
