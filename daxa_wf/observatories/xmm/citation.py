"""How to acknowledge and cite XMM-Newton, its instruments and SAS."""

from daxa_wf.mission.citation import Citation, Reference

SPECIAL_ISSUE = ("A&A", 2001, "365")

PN = Reference(
    "xmm_strueder_2001", "Strüder, L. and Briel, U. and Dennerl, K. and others",
    "The European Photon Imaging Camera on XMM-Newton: The pn-CCD camera", *SPECIAL_ISSUE, "L18-L26",
    "10.1051/0004-6361:20000066",
)  # fmt: skip
MOS = Reference(
    "xmm_turner_2001", "Turner, M. J. L. and Abbey, A. and Arnaud, M. and others",
    "The European Photon Imaging Camera on XMM-Newton: The MOS cameras", *SPECIAL_ISSUE, "L27-L35",
    "10.1051/0004-6361:20000087",
)  # fmt: skip
RGS = Reference(
    "xmm_denherder_2001", "den Herder, J. W. and Brinkman, A. C. and Kahn, S. M. and others",
    "The Reflection Grating Spectrometer on board XMM-Newton", *SPECIAL_ISSUE, "L7-L17", "10.1051/0004-6361:20000058",
)  # fmt: skip
OM = Reference(
    "xmm_mason_2001", "Mason, K. O. and Breeveld, A. and Much, R. and others",
    "The XMM-Newton optical/UV monitor telescope", *SPECIAL_ISSUE, "L36-L44", "10.1051/0004-6361:20000044",
)  # fmt: skip

XMM = Citation(
    "Based on observations obtained with XMM-Newton, an ESA science mission with instruments and contributions directly "
    "funded by ESA Member States and NASA.",
    (
        Reference(
            "xmm_jansen_2001", "Jansen, F. and Lumb, D. and Altieri, B. and others",
            "XMM-Newton observatory. I. The spacecraft and operations", *SPECIAL_ISSUE, "L1-L6",
            "10.1051/0004-6361:20000036",
        ),
    ),
    {"PN": (PN,), "M1": (MOS,), "M2": (MOS,), "R1": (RGS,), "R2": (RGS,), "OM": (OM,)},
    "https://www.cosmos.esa.int/web/xmm-newton/publication-guidelines",
)  # fmt: skip

SAS = Citation(
    "Data were processed with the XMM-Newton Science Analysis System (SAS).",
    (
        Reference(
            "sas_gabriel_2004", "Gabriel, C. and Denby, M. and Fyfe, D. J. and others",
            "The XMM-Newton SAS - Distributed Development and Maintenance of a Large Science Analysis System: A Critical "
            "Analysis", "ASP Conference Series", 2004, "314", "759",
            url="https://ui.adsabs.harvard.edu/abs/2004ASPC..314..759G",
        ),
    ),
)  # fmt: skip
