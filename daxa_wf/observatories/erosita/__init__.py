"""eROSITA, natively and with eSASS."""

from daxa_wf.observatories.erosita.pipeline import PIPELINE

__all__ = ["PIPELINE"]
