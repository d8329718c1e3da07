"""Where services are: base URLs in order of preference. The configuration may name others."""

ENDPOINTS = {
    "heasarc": ("https://heasarc.gsfc.nasa.gov/xamin/vo/tap",),
    "cxc": ("https://cda.cfa.harvard.edu/cxctap",),
    "xsa": ("https://nxsa.esac.esa.int/tap-server/tap",),
}
"""TAP services of tables."""
