"""Where services are: base URLs in order of preference. The configuration may name others."""

ENDPOINTS = {
    "heasarc": ("https://heasarc.gsfc.nasa.gov/xamin/vo/tap",),
    "cxc": ("https://cda.cfa.harvard.edu/cxctap",),
    "xsa": ("https://nxsa.esac.esa.int/tap-server/tap",),
}
"""TAP services of tables."""

ARCHIVES = {
    "heasarc": ("https://heasarc.gsfc.nasa.gov/FTP/",),
    "s3": ("https://nasa-heasarc.s3.amazonaws.com/",),
    "xsa": ("https://nxsa.esac.esa.int/nxsa-sl/servlet/data-action-aio",),
    "erosita_de": ("https://erosita.mpe.mpg.de/",),
    "cxc": ("https://cxc.cfa.harvard.edu/cdaftp/",),
}
"""Archives of files."""

TRANSFERS = {"xsa": 10}
"""How many transfers at once an archive stands; XSA refuses more."""
