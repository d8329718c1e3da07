"""eROSITA."""

from daxa_wf.observatories.erosita import all_sky, calpv

MISSIONS = (all_sky.MISSION, calpv.MISSION)
