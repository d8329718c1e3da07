"""Sections of the steps for images and exposure maps, which several observatories share."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from daxa_wf.options import ArcSeconds, KiloElectronVolt, Section, increasing, not_a_band
from daxa_wf.units import Band

LARGEST_ENERGY = 32.767
"""keV: PI is a 16-bit integer that counts eV."""


class EnergyRange(Section):
    """One energy band."""

    lo_en: KiloElectronVolt
    hi_en: KiloElectronVolt

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(not_a_band(value))
        if isinstance(value, list | tuple):
            if len(value) != 2:
                raise ValueError(f"{list(value)} is not a band: write [0.5 keV, 2.0 keV]")
            return {"lo_en": value[0], "hi_en": value[1]}
        return value

    @model_validator(mode="after")
    def _ordered(self) -> EnergyRange:
        increasing("lower edge", self.lo_en, "upper edge", self.hi_en)
        if self.hi_en - self.lo_en < 0.001:
            raise ValueError(f"the band {self.lo_en} to {self.hi_en} keV is narrower than 1 eV, the unit of PI")
        if not 0 < self.hi_en <= LARGEST_ENERGY:
            raise ValueError(f"the upper edge {self.hi_en} keV is beyond {LARGEST_ENERGY} keV, the highest PI")
        return self

    @property
    def band(self) -> Band:
        """Return the band of file names."""
        return Band(self.lo_en, self.hi_en)


DEFAULT_BANDS = (
    EnergyRange.from_values({"lo_en": 0.5, "hi_en": 2.0}),
    EnergyRange.from_values({"lo_en": 2.0, "hi_en": 10.0}),
)


class Images(Section):
    """Images and exposure maps: the same bands and pixels for both."""

    bands: tuple[EnergyRange, ...] = Field(DEFAULT_BANDS, min_length=1, description="energy bands, [low, high]")
    pixel_size: ArcSeconds = Field(4.35, ge=0.05, le=600, description="a multiple of 0.05 arcsec")

    @field_validator("bands", mode="before")
    @classmethod
    def _list_of_bands(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(not_a_band(value))
        return value

    @model_validator(mode="after")
    def _checks(self) -> Images:
        labels = [bounds.band.label for bounds in self.bands]
        if len(set(labels)) != len(labels):
            raise ValueError("the same band is given twice")
        if abs(self.pixel_size / 0.05 - round(self.pixel_size / 0.05)) > 1e-6:
            raise ValueError(f"pixel_size = {self.pixel_size} arcsec is not a multiple of 0.05 arcsec")
        return self


class ExposureMaps(Section):
    """The weighting of exposure maps."""

    vignetting: Literal["measured", "none"] = Field("measured", description="see docs/exposure_maps.md")
