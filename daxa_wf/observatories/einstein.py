"""Einstein, which cannot be offered."""

NOT_OFFERED = {
    "einstein": "HEASARC has no table of the observations of its HRI and IPC together, and its event lists are named after "
    "the direction of the telescope (i2030n40.xpb.Z), not after the observation, so that none can be found by its ObsID",
}
