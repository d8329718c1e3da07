"""What both of ROSAT's archives are made of."""

from daxa_wf.mission.spec import EnergyBand, FilePattern, ProductPattern

BANDS = (EnergyBand("1", 0.07, 2.4), EnergyBand("2", 0.4, 2.4), EnergyBand("3", 0.07, 0.4))


ROSAT_FILES = (
    FilePattern("raw", ("*_anc.fits*", "*_bas.fits*")),
    FilePattern("preprocessed", ("*_anc.fits*", "*_bas.fits*", "*_bk[1-3].fits*", "*_im[1-3].fits*", "*_mex.fits*")),
)


def rosat_products(instrument: str, bands: tuple[EnergyBand, ...]) -> tuple[ProductPattern, ...]:
    """Event list, images and backgrounds in the bands, and PSPC's exposure map."""
    exposure_map = () if instrument == "HRI" else (ProductPattern("expmap", instrument, "*_mex.fits*", BANDS[:1]),)
    return (
        ProductPattern("events", instrument, "*_bas.fits*"),
        *(ProductPattern("image", instrument, f"*_im{band.code}.fits*", (band,)) for band in bands),
        *(ProductPattern("background", instrument, f"*_bk{band.code}.fits*", (band,)) for band in bands),
        *exposure_map,
    )
