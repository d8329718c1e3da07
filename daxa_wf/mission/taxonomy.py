"""The codes of target types, which are DAXA's."""

TARGET_TYPES = {
    "AGN": "active galaxies and quasars", "BLZ": "blazars", "CV": "cataclysmic variables", "CAL": "calibration",
    "EGS": "extragalactic surveys", "GCL": "galaxy clusters", "GS": "galactic sources", "ASK": "all-sky survey",
    "MAG": "magnetars and rotation-powered pulsars", "NGS": "normal galaxies", "NS": "neutron stars and black holes",
    "STR": "stellar systems", "OAGN": "obscured AGN", "SNE": "supernovae", "SNR": "supernova remnants",
    "SOL": "solar system", "ULX": "ultra-luminous X-ray sources", "XRB": "X-ray binaries",
    "TOO": "targets of opportunity", "EGE": "extended galactic or extragalactic", "MISC": "anything else",
}  # fmt: skip
