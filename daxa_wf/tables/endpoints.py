"""Base URLs of services and data centres, in order of preference. The configuration may name others."""

ENDPOINTS = {
    "heasarc": ("https://heasarc.gsfc.nasa.gov/xamin/vo/tap",),
    "cxc": ("https://cda.cfa.harvard.edu/cxctap",),
    "xsa": ("https://nxsa.esac.esa.int/tap-server/tap",),
}
"""TAP services that have the missions' tables."""

DATA_CENTRES = {
    "heasarc": ("https://heasarc.gsfc.nasa.gov/FTP/",),
    "s3": ("https://nasa-heasarc.s3.amazonaws.com/",),
    "xsa": ("https://nxsa.esac.esa.int/nxsa-sl/servlet/data-action-aio",),
    "erosita_de": ("https://erosita.mpe.mpg.de/",),
    "cxc": ("https://cxc.cfa.harvard.edu/cdaftp/",),
}
"""Data centres that have the missions' files."""

TRANSFERS = {"xsa": 10}
"""Largest number of transfers at once from a data centre; XSA refuses more."""
