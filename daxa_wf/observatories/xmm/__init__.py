"""XMM-Newton."""

from daxa_wf.observatories.xmm import pointed, slew

MISSIONS = (pointed.MISSION, slew.MISSION)
