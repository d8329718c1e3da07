"""Which exposures of XMM-Newton are not fit for science, as DAXA rejects them."""

from __future__ import annotations

UNFIT_FILTERS = ("CalClosed", "Closed", "Blocked", "Unknown")
"""EPIC filters through which no source is seen as it should be; also no filter at all."""

UNFIT_MODES = (
    "Diagnostic3x3", "Diagnostic1x1", "CcdDiagnostic", "Diagnostic1x1ResetPerPixel", "Diagnostic", "Noise", "Offset",
    "HighTimeResolutionSingleCcd", "HTRSingleCCD", "OffsetVariance", "CentroidingConfirmation", "CentroidingData", "DarkHigh",
    "DarkLow", "FlatFieldHigh", "FlatFieldLow",
)  # fmt: skip
"""Modes that are not science (values of MODE and SUBMODE, and of XSA's mode_friendly_name without spaces)."""


def unfit_reason(exposure_type: str, mode: str, filter_name: str) -> str:
    """Why an EPIC exposure is not fit for science, or '' if it is; names as headers and ODF summaries have them."""
    if exposure_type.upper() != "SCIENCE":
        return f"exposure type {exposure_type}: not SCIENCE"
    if mode in UNFIT_MODES:
        return f"mode {mode}: not a science mode"
    if not filter_name or filter_name in UNFIT_FILTERS:
        return f"filter {filter_name or 'none'}: closed, or for calibration"
    return ""
