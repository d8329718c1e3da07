"""The size of the sky pixels in which X and Y count."""

PIXEL_ARCSEC = 0.05
"""Nominal size of a sky pixel (eROSITA EDR, 'EventFiles')."""

SKY_PIXELS_PER_DEGREE = 3600 / PIXEL_ARCSEC
