"""XMM-Newton: EPIC natively, EPIC and RGS with SAS."""

from daxa_wf.observatories.xmm.pipeline import PIPELINE

__all__ = ["PIPELINE"]
