"""Decide which exposures of XMM-Newton are unfit for science, by DAXA's criteria."""

from __future__ import annotations

EPIC_FILTERS = ("Thin1", "Thin2", "Medium", "Thick", "Open", "Closed", "CalClosed", "CalThin1", "CalThin2", "CalMedium",
                "CalThick", "CalOpen", "Blocked", "Unknown")  # fmt: skip
"""Filters as headers spell them (SAS_ESASS 3.3); services write some in upper case."""

WITHOUT_FILTER = ("R1", "R2", "OM")
"""Instruments whose fitness does not depend on EPIC's filter wheel."""

UNFIT_FILTERS = ("CalClosed", "Closed", "Blocked", "Unknown")
"""EPIC filters through which sources cannot be observed. A missing filter is unfit too."""

UNFIT_MODES = (
    "Diagnostic3x3", "Diagnostic1x1", "CcdDiagnostic", "Diagnostic1x1ResetPerPixel", "Diagnostic", "Noise", "Offset",
    "HighTimeResolutionSingleCcd", "HTRSingleCCD", "OffsetVariance", "CentroidingConfirmation", "CentroidingData", "DarkHigh",
    "DarkLow", "FlatFieldHigh", "FlatFieldLow",
)  # fmt: skip
"""Modes that are not science (values of MODE and SUBMODE, and of XSA's mode_friendly_name without spaces)."""


def unfit_reason(exposure_type: str, mode: str, filter_name: str) -> str:
    """Return why an EPIC exposure is unfit for science, or '' if it is fit. Names are those of headers and ODF summaries."""
    if exposure_type.upper() != "SCIENCE":
        return f"exposure type {exposure_type}: not SCIENCE"
    if mode in UNFIT_MODES:
        return f"mode {mode}: not a science mode"
    if not filter_name or filter_name in UNFIT_FILTERS:
        return f"filter {filter_name or 'none'}: closed, or for calibration"
    return ""


def unfit_listed(instrument: str, mode: str, filter_name: str) -> str:
    """Return why a scientific exposure of XSA's table is unfit for science, or '' if it is fit."""
    return unfit_reason("SCIENCE", "".join(mode.split()), "Open" if instrument in WITHOUT_FILTER else filter_name)
