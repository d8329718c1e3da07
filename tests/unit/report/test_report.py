"""Pages and plots: delivered products are drawn, faint images can be seen, warnings are shown."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from matplotlib.image import imread

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, stamp_file, write_record
from daxa_wf.report import write_archive_page, write_observation_page
from daxa_wf.report.delivered import MOST_PLOTS, delivered_plots, list_image, title_of
from daxa_wf.report.pages import MOST_WARNINGS
from daxa_wf.report.plots import adaptively_smoothed, image_plot, shrunk, stretch_limits
from daxa_wf.units import Unit
from tests.genuine import EXTRACTS, WHOLE, Abell907

SWIFT = Unit("swift", "00085374001")


def delivered(layout: Layout, files: dict[str, Path], unit: Unit = SWIFT) -> Record:
    """The record of products by name, copied into the archive."""
    stamps = []
    for name, source in files.items():
        kind = name.split(".")[0].split("-")[-1]
        path = layout.observation(unit) / ("events" if kind.endswith("events") else "images") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
        stamps.append(stamp_file(path, layout.relative(path), kind))
    record = Record("preprocessed", unit, Status.DONE, products=stamps, message=f"{len(stamps)} products")
    write_record(layout, record)
    return record


@pytest.fixture(params=["EPIC", *(["XRT"] if WHOLE.is_dir() else [])])
def genuine(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """A genuine sky image and a genuine event list, both compressed."""
    if request.param == "XRT":
        folder = request.getfixturevalue("whole_data") / "swift"
        return next(folder.glob("*xpc_sk.img.gz")), next(folder.glob("*xpc*_cl.evt.gz"))
    products = Abell907(EXTRACTS, "0404910601", "mos1")
    return products.folder / "images" / "0404910601_mos1_exp1-0.50-2.00keVimg.fits.gz", products.event_list


def test_the_page_of_delivered_products_shows_them(genuine: tuple[Path, Path], tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    files = {
        "obsid00085374001-instXRT-subexpPC-image.fits.gz": genuine[0],
        "obsid00085374001-instUVOT-subexpNone-events.fits.gz": genuine[1],
    }
    record = delivered(layout, files)
    page = write_observation_page(layout, SWIFT, [record]).read_text()
    assert page.count("<img") == 2
    assert "exposure got that far" not in page
    assert "<h2>Exposures</h2>" not in page
    for name in files:
        folder = "events" if "events" in name else "images"
        assert f'<a href="{folder}/{name}">{name}</a>' in page
        assert (layout.observation(SWIFT) / folder / f"{name.split('.')[0]}.png").is_file()
    archive_page = write_archive_page(layout).read_text()
    assert "<td>UVOT</td>" in archive_page, "the instruments with event lists"


def test_the_image_of_a_list_is_on_the_lists_own_plane(genuine: tuple[Path, Path]) -> None:
    with fits.open(genuine[1]) as hdus:
        events = hdus["EVENTS"]
        numbers = [events.columns.names.index(name) + 1 for name in ("X", "Y")]
        image, header = list_image(events, *numbers)
        x, y = (np.asarray(events.data[name], float) for name in ("X", "Y"))
        table = events.header
    assert image.sum() == len(x)
    row, column = np.unravel_index(np.argmax(image), image.shape)
    step = header["CDELT1"] / table[f"TCDLT{numbers[0]}"]
    offset = (column + 1 - header["CRPIX1"]) * step
    inside = np.abs(x - table[f"TCRPX{numbers[0]}"] - offset) <= step / 2
    offset = (row + 1 - header["CRPIX2"]) * step
    inside &= np.abs(y - table[f"TCRPX{numbers[1]}"] - offset) <= step / 2
    assert np.count_nonzero(inside) == image.max()


def test_what_cannot_be_drawn_is_named_with_the_reason_and_spoils_nothing(
    genuine: tuple[Path, Path], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.fits.gz"
    cut.write_bytes(genuine[0].read_bytes()[:3000])
    layout = Layout(tmp_path / "archive")
    names = [f"obsid00085374001-instXRT-subexp{number:03d}-image.fits.gz" for number in range(MOST_PLOTS + 3)]
    record = delivered(layout, dict.fromkeys(names, cut))
    page = write_observation_page(layout, SWIFT, [record]).read_text()
    assert f"{names[0]} cannot be drawn: " in page
    assert "3 more images and event lists are not drawn" in page
    assert [plot for plot in delivered_plots(layout, record) if plot.png] == []


@pytest.mark.filterwarnings("ignore:File may have been truncated")
@pytest.mark.parametrize("suffix", [".fits", ".fits.gz", ".fits.Z"])
@pytest.mark.parametrize("kind", ["image", "events"])
def test_no_delivered_file_can_spoil_the_page(tmp_path: Path, suffix: str, kind: str) -> None:
    contents = {
        "": b"", "words": b"no FITS at all", "packed": b"\x1f\x9d\x90junk", "gzip": b"\x1f\x8bjunk",
        "huge": fits.Header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 2, "NAXIS1": 10**6, "NAXIS2": 10**6}).tostring().encode(),
    }  # fmt: skip
    files = {}
    for number, content in enumerate(contents.values()):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        files[f"obsid00085374001-inst{number}-subexpNone-{kind}{suffix}"] = path
    layout = Layout(tmp_path / "archive")
    page = write_observation_page(layout, SWIFT, [delivered(layout, files)]).read_text()
    assert page.count("cannot be drawn: ") == len(contents)


def test_an_image_with_a_wrong_sky_is_drawn_or_named(tmp_path: Path) -> None:
    image = fits.PrimaryHDU(np.ones((20, 20), np.int32))
    image.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "RA---SIN", "CDELT1": 0.0, "CDELT2": 0.0})
    image.writeto(tmp_path / "wrong.fits")
    layout = Layout(tmp_path / "archive")
    record = delivered(layout, {"obsid00085374001-instXRT-subexpNone-image.fits": tmp_path / "wrong.fits"})
    (plot,) = delivered_plots(layout, record)
    assert plot.png or "cannot be drawn" in plot.caption


def test_a_list_without_sky_coordinates_is_drawn_as_a_light_curve(real_data: Path, tmp_path: Path) -> None:
    (path,) = (real_data / "nicer").glob("1e2259_ni*.fits")
    layout, unit = Layout(tmp_path / "archive"), Unit("nicer", "1020600110")
    record = delivered(layout, {"obsid1020600110-instXTI-subexpNone-events.fits": path}, unit)
    (plot,) = delivered_plots(layout, record)
    assert plot.png, plot.caption


def bright_share(png: bytes) -> float:
    """Share of a plot's black or coloured pixels that a person sees as lit."""
    pixels = imread(io.BytesIO(png))[..., :3]
    height, width = pixels.shape[:2]
    middle = pixels[height // 4 : 3 * height // 4, width // 3 : 4 * width // 5]
    return float(np.mean(middle.max(axis=2) > 0.15))


@pytest.mark.parametrize("counts", [300, 3_000, 300_000])
def test_images_of_sparse_counts_are_not_black(counts: int) -> None:
    rng = np.random.default_rng(3)
    radius = np.hypot(*(np.indices((600, 600)) - 300))
    field = np.where(radius < 280, 1.0, 0.0)
    image = rng.poisson(field * counts / field.sum()).astype(np.int32)
    image[300, 300] += counts // 20
    assert bright_share(image_plot(image, fits.Header(), "sparse")) > 0.6


def test_real_sparse_images_are_not_black(whole_data: Path) -> None:
    """553 counts on a million pixels; sparse images of the simulator are above."""
    (path,) = (whole_data / "swift").glob("*xpc_sk.img.gz")
    with fits.open(path) as hdus:
        assert hdus[0].data.sum() == 553
        assert bright_share(image_plot(hdus[0].data, hdus[0].header, "Swift")) > 0.6


def test_pixels_are_joined_and_smoothed_only_as_far_as_needed() -> None:
    image = np.arange(12.0).reshape(3, 4)
    small, factor = shrunk(image, most=2)
    assert factor == 2
    assert small.tolist() == [[10.0, 18.0], [17.0, 21.0]]
    rng = np.random.default_rng(4)
    assert [adaptively_smoothed(rng.poisson(mean, (200, 200)).astype(float))[1] for mean in (20.0, 1.0, 0.05)] == [
        0.0, 0.8, 4.0,
    ]  # fmt: skip
    assert adaptively_smoothed(np.zeros((5, 5)))[1] == 0.0


def test_a_bright_source_does_not_set_the_whole_stretch() -> None:
    image = np.ones((100, 100))
    image[50, 50] = 1e6
    low, high, _ = stretch_limits(image)
    assert (low, high) == (0.0, 1.0)
    assert stretch_limits(np.zeros((3, 3))) == (0.0, 1.0, 1.0)
    low, high, _ = stretch_limits(np.array([[-5.0, 5.0], [0.0, 2.0]]))
    assert low < -4
    assert high > 4


def test_instruments_with_a_hyphen_are_not_taken_for_each_other(genuine: tuple[Path, Path], tmp_path: Path) -> None:
    image, events = genuine
    layout, unit = Layout(tmp_path / "archive"), Unit("chandra", "12812")
    files = {
        "obsid12812-instACIS-I-subexpNone-en0.5_7.0keV-image.fits.gz": image,
        "obsid12812-instACIS-I-subexpNone-finalevents.fits.gz": events,
        "obsid12812-instACIS-S-subexpNone-finalevents.fits.gz": events,
    }
    drawn = [plot.caption for plot in delivered_plots(layout, delivered(layout, files, unit))]
    assert [caption.split("-subexp")[0] for caption in drawn] == ["obsid12812-instACIS-I", "obsid12812-instACIS-S"]
    assert "<td>ACIS-I ACIS-S</td>" in write_archive_page(layout).read_text()


def test_names_of_products_become_titles() -> None:
    assert title_of("obsid12812-instACIS-I-subexpNone-en0.5_7.0keV-image") == "12812 ACIS I 0.5 7.0keV image"


def test_an_observation_without_products_says_so(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    rejected = Record("preprocessed", SWIFT, Status.REJECTED, reason="noProducts", message="none")
    assert "No step of this observation made a product" in write_observation_page(layout, SWIFT, [rejected]).read_text()
    done = Record("rgs_filter", SWIFT, Status.DONE, products=[])
    assert "No step of this observation" in write_observation_page(layout, SWIFT, [done]).read_text()


def test_the_title_of_an_archive_called_archive_reads_well(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    write_record(layout, Record("report", SWIFT, Status.DONE))
    text = write_archive_page(layout).read_text()
    assert "archive archive" not in text.lower()
    assert "<title>X-ray observations in archive</title>" in text
    assert "<h1>X-ray observations</h1>" in text


def test_the_assessment_and_warnings_are_on_both_pages(tmp_path: Path) -> None:
    layout, unit = Layout(tmp_path / "archive"), Unit("xmm_pointed", "0001730201", "M1", "S001")
    quality = {
        "removed_fraction": 0.446, "no_in_out": "",
        "fit": {"distance": 0.209}, "in_out": {"ratio": 1.079, "error": 0.047, "contamination": "not"},
    }  # fmt: skip
    results = {"kept_seconds": 9231.5, "lost_seconds": 7437.4, "quality": quality}
    warnings = [{"task": "espfilt", "name": "secondHump", "text": "17% of the accepted samples"}]
    record = Record("espfilt", unit, Status.DONE, results=results, warnings=warnings)
    write_record(layout, record)
    page = " ".join(write_observation_page(layout, unit.observation, [record]).read_text().split())
    assert '<td class="n">45 %</td><td class="n">0.209</td>' in page
    assert "1.08 ± 0.05, not contaminated" in page
    assert '<td class="rejected">secondHump</td>' in page
    archive_page = write_archive_page(layout).read_text()
    assert "17% of the accepted samples" in archive_page
    assert '<td class="rejected">secondHump</td><td>0001730201 M1 S001</td>' in archive_page


def test_a_warning_of_many_units_does_not_flood_the_page(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    warnings = [{"task": "espfilt", "name": "secondHump", "text": "a second population"}]
    for number in range(MOST_WARNINGS + 7):
        unit = Unit("xmm_pointed", f"{number:010d}", "M1", "S001")
        write_record(layout, Record("espfilt", unit, Status.DONE, warnings=warnings))
    text = write_archive_page(layout).read_text()
    assert text.count("a second population") == MOST_WARNINGS
    assert "and 7 more units" in text
