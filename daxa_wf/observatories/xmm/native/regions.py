"""The regions of EPIC's light curves: field of view and corners, by instrument, in DETX and DETY (0.05 arcsec).

Boxes have half widths. The corners lie outside all of the shapes. Sources: espfilt 4.3 log (MOS1, pn), ESAS scripts
(MOS2, esas19), Fin_over_Fout 1.1 of De Luca & Molendi 2004 (its boxes have full widths, halved here).
"""

from __future__ import annotations

from dataclasses import dataclass

CORNER_SHAPES = {
    "M1": (
        "CIRCLE(100,-200,17700)", "CIRCLE(834,135,17100)", "CIRCLE(770,-803,17100)", "BOX(-20,-17000,6500,500,0)",
        "BOX(5880,-20500,7500,1500,10)", "BOX(-5920,-20500,7500,1500,350)", "BOX(-20,-20000,5500,500,0)",
        "BOX(-12900,16000,250,4000,0)", "BOX(80,18600,150,1300,0)", "BOX(-10,-18800,125,1500,0)",
    ),
    "M2": (
        "CIRCLE(435,1006,17100)", "CIRCLE(-34,68,17700)", "BOX(-20,-17000,6500,500,0)",
        "BOX(5880,-20500,7500,1500,10)", "BOX(-5920,-20500,7500,1500,350)", "BOX(-20,-20000,5500,500,0)",
    ),
    "PN": ("CIRCLE(-2200,-1100,18080)",),
}  # fmt: skip

FIN_FOUT_OUTER = (
    "CIRCLE(-50,-180,17540)", "BOX(110,-17090,5730,440,0)", "BOX(-7418.5,-19485.5,2940,760,0)",
    "BOX(-118.5,-19805.5,4360,440,0)", "BOX(7311.5,-19485.5,3070,760,0)", "BOX(-12488.5,-18315.5,790,470,0)",
    "BOX(11841.5,-18475.5,1400,390,0)",
)  # fmt: skip
MOS1_DAMAGED = "BOX(10167,13005,3011,6575,0)"
"""An area of MOS1 that ESAS for SAS 19 left out."""


@dataclass(frozen=True)
class CurveSelection:
    """The events of an instrument's curves: highest pattern, expressions for the field of view and the corners."""

    pattern: int
    fov: str
    corner: str


def outside(shapes: tuple[str, ...]) -> str:
    """Return the expression for positions in none of the shapes."""
    return "!(" + " || ".join(f"((DETX,DETY) in {shape})" for shape in shapes) + ")"


ESAS20 = {
    "M1": CurveSelection(12, "#XMMEA_EM", f"((FLAG & 0x766aa000) == 0) && {outside(CORNER_SHAPES['M1'])}"),
    "M2": CurveSelection(12, "#XMMEA_EM", f"((FLAG & 0x766aa000) == 0) && {outside(CORNER_SHAPES['M2'])}"),
    "PN": CurveSelection(4, "((FLAG & 0xfb0000) == 0)", f"#XMMEA_EP && {outside(CORNER_SHAPES['PN'])}"),
}
ESAS19 = {
    "M1": CurveSelection(
        12,
        f"((FLAG & 0xfb0000) == 0) && {outside((MOS1_DAMAGED,))}",
        f"((FLAG & 0x766a0f63) == 0) && {outside((*CORNER_SHAPES['M1'], MOS1_DAMAGED))}",
    ),
    "M2": CurveSelection(
        12, "((FLAG & 0xfb0000) == 0)", f"((FLAG & 0x766a0f63) == 0) && {outside(CORNER_SHAPES['M2'])}"
    ),
    "PN": ESAS20["PN"],
}
FIN_FOUT = {
    "M1": CurveSelection(
        12,
        f"((FLAG & 0x10000) == 0) && (PI in [6000:12000]) && {outside(('CIRCLE(191.5,-345.5,12000)',))}",
        f"((FLAG & 0x10000) != 0) && (PI in [6000:12000]) && {outside(FIN_FOUT_OUTER)}",
    ),
    "PN": CurveSelection(
        4,
        f"(PI in [5000:7300],[10000:14000]) && {outside(('CIRCLE(-2203.5,-1167.5,12000)',))} && "
        "((DETX,DETY) in CIRCLE(-2200,-1000,19000))",
        f"(PI in [5000:7300],[10000:14000]) && {outside(('CIRCLE(-2200,-1000,19000)',))}",
    ),
}
FIN_FOUT["M2"] = FIN_FOUT["M1"]
FIN_FOUT_BANDS = {"M1": (6000, 12000), "M2": (6000, 12000), "PN": (5000, 14000)}
"""Lowest and highest energy in eV of the bands of FIN_FOUT."""
FIN_FOUT_AREA_RATIO = {"M1": 2.261, "M2": 2.093, "PN": 7.532}
"""Area of `in` over that of `out` (De Luca & Molendi 2004, as in Fin_over_Fout 1.1)."""
FIN_FOUT_AREA_ERROR = {"M1": 0.034, "M2": 0.031, "PN": 0.096}
"""Standard deviation of the area ratio (Fin_over_Fout 1.1)."""
FIN_FOUT_LOWEST_PI = 5000
"""Lowest PI of all bands of Fin_over_Fout, in eV."""
