"""Plots of images: pixels as PNG, the sky coordinates over them as SVG."""
