"""What both of ROSAT's archives are made of."""

from daxa_wf.missions.spec import EnergyBand, ProductPattern

BANDS = (EnergyBand("1", 0.07, 2.4), EnergyBand("2", 0.4, 2.4), EnergyBand("3", 0.07, 0.4))


def rosat_products(instrument: str, bands: tuple[EnergyBand, ...]) -> tuple[ProductPattern, ...]:
    """Event list, images and backgrounds in the bands, and PSPC's exposure map."""
    exposure_map = () if instrument == "HRI" else (ProductPattern("expmap", instrument, "*_mex.fits*", BANDS[:1]),)
    return (
        ProductPattern("events", instrument, "*_bas.fits*"),
        *(ProductPattern("image", instrument, f"*_im{band.code}.fits*", (band,)) for band in bands),
        *(ProductPattern("background", instrument, f"*_bk{band.code}.fits*", (band,)) for band in bands),
        *exposure_map,
    )
