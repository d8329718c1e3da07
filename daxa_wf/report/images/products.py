"""The images and exposure maps of an observation, whatever step or data centre made them, and their plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daxa_wf.archive.layout import SUBDIRECTORIES, Layout, band_of, unit_of
from daxa_wf.archive.records import FileStamp, Record
from daxa_wf.errors import DaxaError
from daxa_wf.report.images.drawing import DrawnImage, draw_colours, draw_counts, draw_exposure
from daxa_wf.report.images.sky_image import PixelGrid, SkyImage, combined, read_sky_image, shared_grid
from daxa_wf.report.panels import Plot, not_drawn
from daxa_wf.text import make_printable
from daxa_wf.units import Band

MOST_IMAGES = 24
"""Images of one observation that are drawn; a page with more would be too large to open."""


@dataclass(frozen=True)
class ImageFile:
    """An image: its product, its instruments (joined by `_`) and exposure, its band, its content."""

    path: Path
    instrument: str
    exposure: str
    band: Band | None
    image: SkyImage

    @property
    def title(self) -> str:
        """Return instrument, exposure and band for people."""
        exposure = "" if self.exposure in ("ALL", "None") else f" {self.exposure}"
        return f"{self.instrument.replace('_', ' ')}{exposure}{band_label(self.band)}"


@dataclass
class ImagePlots:
    """The plots of an observation's images: of all cameras together, of each image, and the names of those not drawn."""

    together: list[Plot] = field(default_factory=list)
    single: list[Plot] = field(default_factory=list)
    best: bytes = b""
    """PNG of the plot that shows the observation best, for its thumbnail."""


def band_label(band: Band | None) -> str:
    """Return a band as the end of a title; '' without a band."""
    return f", {band.low:g}-{band.high:g} keV" if band else ""


def images_of(layout: Layout, records: Sequence[Record], kind: str) -> tuple[list[ImageFile], list[Plot]]:
    """Read the images of a kind, and return them with captions of images that cannot be drawn."""
    stamps = {stamp.path: stamp for record in records if record.done for stamp in record.products if stamp.kind == kind}
    files, problems = [], []
    for stamp in list(stamps.values())[:MOST_IMAGES]:
        try:
            files.append(_read(layout, stamp))
        except Exception as error:  # noqa: BLE001 - the page is drawn although readers may raise anything for a damaged file
            problems.append(why_not_drawn(Path(stamp.path).name, error))
    if len(stamps) > MOST_IMAGES:
        problems.append(
            not_drawn(f"{len(stamps) - MOST_IMAGES} more of kind {kind} are not drawn; the table lists them")
        )
    return files, problems


def why_not_drawn(name: str, error: Exception) -> Plot:
    """Return the caption of a file that cannot be drawn."""
    reason = str(error) if isinstance(error, DaxaError | ValueError) else f"{type(error).__name__}: {error}"
    return not_drawn(f"{name} cannot be drawn: {make_printable(reason, 300)}")


def _read(layout: Layout, stamp: FileStamp) -> ImageFile:
    path = layout.find(stamp.path)
    instrument, exposure = unit_of(path.name)
    return ImageFile(path, instrument, exposure, band_of(path.name), read_sky_image(path, stamp.kind == "expmap"))


def image_plots(layout: Layout, folder: Path, records: Sequence[Record], lists: Sequence[ImageFile]) -> ImagePlots:
    """Draw the images of an observation and of event lists without one: in colour, combined, exposure map, each.

    `folder` is the observation's directory, whose name is the ObsID.
    """
    files, problems = images_of(layout, records, "image")
    maps, map_problems = images_of(layout, records, "expmap")
    plots = ImagePlots()
    bands = _bands(files)
    images, obsid = folder / SUBDIRECTORIES["image"], folder.name
    grid = shared_grid([file.image for file in (*files, *maps)])
    totals = {band: combined([file.image for file in same], grid) for band, same in bands.items()}
    known = {band: (total, bands[band]) for band, total in totals.items() if total is not None}
    together = [*_colours(known, images, obsid), *_combined(known, images, obsid)]
    single = [_single(file) for file in (*files, *lists)]
    maps_of_exposure = _exposure_map(maps, grid)
    plots.best = next((plot.png for plot in (*together, *single, *maps_of_exposure)), b"")
    if together and len(single) > 1:
        plots.together, plots.single = [*together, *maps_of_exposure], single
    else:
        plots.together = [*together, *single, *maps_of_exposure]
    (plots.single if plots.single else plots.together).extend([*problems, *map_problems])
    return plots


def _bands(files: Sequence[ImageFile]) -> dict[Band | None, list[ImageFile]]:
    bands: dict[Band | None, list[ImageFile]] = {}
    for file in files:
        bands.setdefault(file.band, []).append(file)
    return bands


def _single(file: ImageFile) -> Plot:
    drawn = draw_counts(file.image, f"Image of {file.title}")
    stem = file.path.name.split(".fits")[0]
    return Plot(f"{file.title}{_smoothing(drawn)}", drawn.svg, file.path.with_name(f"{stem}.png"), drawn.png)


def _smoothing(drawn: DrawnImage) -> str:
    if drawn.smoothing is None:
        return "; smoothed"
    return f"; smoothed, σ = {drawn.smoothing:.2g}″" if drawn.smoothing else ""


def _names(files: Sequence[ImageFile]) -> str:
    return " + ".join(dict.fromkeys(file.instrument.replace("_", " ") for file in files))


Totals = dict[Band | None, tuple[SkyImage, list[ImageFile]]]
"""Band -> the sum of its images, and these images."""


def _combined(totals: Totals, folder: Path, obsid: str) -> list[Plot]:
    """Draw the sum of all cameras in each band that several images have."""
    plots = []
    for band, (total, files) in totals.items():
        if len(files) < 2:
            continue
        title = f"{_names(files)}{band_label(band)}"
        drawn = draw_counts(total, f"Combined image of {title}")
        name = "-".join(filter(None, (f"obsid{obsid}", "combined", band.label if band else "", "image.png")))
        plots.append(Plot(f"Combined: {title}{_smoothing(drawn)}", drawn.svg, folder / name, drawn.png))
    return plots


def _colours(totals: Totals, folder: Path, obsid: str) -> list[Plot]:
    """Draw two or three bands in colour, the lowest in red; [] if fewer than two bands can be combined."""
    chosen = colour_bands([band for band in totals if band])
    if len(chosen) < 2:
        return []
    names = [f"{band.low:g}-{band.high:g} keV" for band in chosen]
    if len(names) == 2:
        how = f"red {names[0]}, blue {names[1]}, green the mean of both"
    else:
        how = f"red {names[0]}, green {names[1]}, blue {names[2]}"
    cameras = _names([file for band in chosen for file in totals[band][1]])
    drawn = draw_colours([totals[band][0] for band in chosen], f"Colour image of {cameras}: {how}")
    caption = f"{cameras}: {how}{_smoothing(drawn)}"
    return [Plot(caption, drawn.svg, folder / f"obsid{obsid}-colour-image.png", drawn.png)]


def colour_bands(bands: Sequence[Band]) -> list[Band]:
    """Return up to three bands without overlap: the lowest, the middle and the highest one.

    >>> from daxa_wf.units import Band
    >>> [band.low for band in colour_bands([Band(0.2, 10.0), Band(2.0, 10.0), Band(0.5, 2.0)])]
    [0.5, 2.0]
    """
    apart: list[Band] = []
    for band in sorted(bands, key=lambda band: (band.high, -band.low)):
        if not apart or band.low >= apart[-1].high:
            apart.append(band)
    return apart if len(apart) <= 3 else [apart[0], apart[len(apart) // 2], apart[-1]]


def _exposure_map(maps: Sequence[ImageFile], grid: PixelGrid | None) -> list[Plot]:
    """Draw the exposure maps of the first band, added up over the cameras."""
    bands = _bands(maps)
    if not bands:
        return []
    band, files = next(iter(bands.items()))
    total = combined([file.image for file in files], grid)
    if total is None:
        total, files = files[0].image, files[:1]
    title = f"{_names(files)}{band_label(band)}"
    drawn = draw_exposure(total, f"Exposure map of {title}")
    longest = f"at most {total.pixels.max(initial=0.0) / 1000:.3g} ks" + (" in all" if len(files) > 1 else "")
    return [Plot(f"Exposure map: {title}; {longest}", drawn.svg, None, drawn.png)]
