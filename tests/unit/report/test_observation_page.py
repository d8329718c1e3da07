"""An observation's page: every product is drawn or named with the reason, everything from outside is escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, write_record
from daxa_wf.report.archive_page import write_archive_page
from daxa_wf.report.images.products import MOST_IMAGES
from daxa_wf.report.observation_page import write_observation_page
from daxa_wf.units import Unit
from tests.unit.report.archives import SWIFT, XMM, delivered, tangent_header, write_image

HOSTILE = "<script>alert('x')</script>\"'&"


class Addresses(HTMLParser):
    """The addresses of a page, and the names of its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses, self.elements = list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value]


def images(tmp_path: Path) -> dict[str, Path]:
    """Images of two cameras in two bands with exposure maps, the cameras on different grids."""
    rng, files = np.random.default_rng(1), {}
    for number, inst in enumerate(("M1", "M2")):
        header = tangent_header(150.0, 2.0, 0.002, (50.0 + number, 50.0))
        for band in ("en0.5_2.0keV", "en2.0_10.0keV"):
            for kind, pixels in (
                ("image", rng.poisson(2.0, (100, 100)).astype("i4")),
                ("expmap", np.full((100, 100), 5e3)),
            ):
                path = write_image(tmp_path / f"{inst}{band}{kind}", pixels, header)
                files[f"obsid{XMM.obsid}-inst{inst}-subexpALL-{band}-{kind}.fits"] = path
    return files


def captions(page: str) -> list[str]:
    return re.findall(r"<figcaption>(.*?)</figcaption>", page)


def test_cameras_and_bands_are_shown_together_and_one_by_one(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    path = write_observation_page(layout, XMM, [delivered(layout, images(tmp_path), XMM)])
    shown = captions(path.read_text())
    assert [caption.split(";")[0] for caption in shown] == [
        "M1 + M2: red 0.5-2 keV, blue 2-10 keV, green the mean of both",
        "Combined: M1 + M2, 0.5-2 keV", "Combined: M1 + M2, 2-10 keV", "Exposure map: M1 + M2, 0.5-2 keV",
        "M1, 0.5-2 keV", "M1, 2-10 keV", "M2, 0.5-2 keV", "M2, 2-10 keV",
    ]  # fmt: skip
    assert shown[3].endswith("at most 10 ks in all")
    made = {path.name for path in (path.parent / "images").glob("*.png")}
    stem = f"obsid{XMM.obsid}-"
    assert made == {
        *(f"{stem}inst{inst}-subexpALL-{band}-image.png" for inst in ("M1", "M2") for band in ("en0.5_2.0keV", "en2.0_10.0keV")),
        f"{stem}colour-image.png", f"{stem}combined-en0.5_2.0keV-image.png", f"{stem}combined-en2.0_10.0keV-image.png",
    }  # fmt: skip
    assert (path.parent / "thumbnail.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_of_delivered_products_links_them_and_needs_nothing_else(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "my archive, 100% & more")
    record = delivered(layout, images(tmp_path), XMM)
    log = layout.log("preprocessed", XMM)
    log.parent.mkdir(parents=True)
    log.write_text("a log")
    record.logs = [layout.relative(log)]
    path = write_observation_page(layout, XMM, [record])
    write_archive_page(layout)
    page = Addresses(path.read_text())
    outside = [address for address in page.addresses if not address.startswith("data:image/png;base64,")]
    assert all((path.parent / unquote(address)).resolve().is_file() for address in outside)
    assert sum(address.endswith(".fits") for address in outside) == 8
    assert any(address.endswith(".log") for address in outside)
    assert any(address.endswith(".json") for address in outside)
    assert "script" not in page.elements


def test_everything_from_outside_is_escaped(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    events = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=np.arange(9.0))], name="EVENTS")
    events.header.update({"OBJECT": HOSTILE, "FILTER": HOSTILE, "DATAMODE": HOSTILE, "DATE-OBS": HOSTILE[:19]})
    fits.HDUList([fits.PrimaryHDU(), events]).writeto(tmp_path / "list.fits")
    record = delivered(layout, {f"obsid{SWIFT.obsid}-inst<b>XRT-subexpNone-finalevents.fits": tmp_path / "list.fits"})
    record.message = record.reason = HOSTILE
    record.warnings = [{"task": "t", "name": HOSTILE, "text": HOSTILE}]
    write_record(layout, record)
    selection = layout.root / "selection" / "swift_selection.tsv"
    selection.parent.mkdir()
    selection.write_text(f"obsid\towner\n{SWIFT.obsid}\t<i>me</i>\n")
    path = write_observation_page(layout, SWIFT, [record])
    page, archive_page = path.read_text(), write_archive_page(layout).read_text()
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") >= 6
    assert set(Addresses(page).elements) & {"script", "b", "i"} == {"b"}, "<b> of the steps' reasons"
    assert Addresses(page).elements.count("b") == 1
    assert Addresses(archive_page).elements.count("script") == 1
    assert "<i>" not in page


def test_what_cannot_be_drawn_is_named_with_the_reason_and_spoils_nothing(tmp_path: Path) -> None:
    whole = write_image(tmp_path / "whole.fits", np.ones((100, 100)))
    cut = tmp_path / "cut.fits"
    cut.write_bytes(whole.read_bytes()[:5000])
    layout = Layout(tmp_path / "archive")
    names = [f"obsid00085374001-instXRT-subexp{number:03d}-image.fits" for number in range(MOST_IMAGES + 3)]
    page = write_observation_page(layout, SWIFT, [delivered(layout, dict.fromkeys(names, cut))]).read_text()
    assert f"{names[0]} cannot be drawn: " in page
    assert "is cut off in the data of HDU 0" in page
    assert "3 more of kind image are not drawn" in page
    assert not list(layout.root.rglob("*.png"))


@pytest.mark.filterwarnings("ignore:File may have been truncated")
@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
@pytest.mark.parametrize("kind", ["image", "finalevents", "expmap"])
def test_no_delivered_file_can_spoil_the_page(tmp_path: Path, suffix: str, kind: str) -> None:
    huge = {"SIMPLE": True, "BITPIX": 8, "NAXIS": 2, "NAXIS1": 10**6, "NAXIS2": 10**6}
    contents = {
        "": b"", "words": b"no FITS at all", "packed": b"\x1f\x9d\x90junk", "gzip": b"\x1f\x8bjunk",
        "huge": fits.Header(huge).tostring().encode(),
    }  # fmt: skip
    files = {}
    for number, content in enumerate(contents.values()):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        files[f"obsid00085374001-inst{number}-subexpNone-{kind}{suffix}"] = path
    layout = Layout(tmp_path / "archive")
    page = write_observation_page(layout, SWIFT, [delivered(layout, files)]).read_text()
    assert page.count("cannot be drawn: ") == len(contents)


def test_an_image_with_a_wrong_sky_is_drawn_without_coordinates(tmp_path: Path) -> None:
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "RA---SIN", "CDELT1": 0.0, "CDELT2": 0.0})
    path = write_image(tmp_path / "wrong.fits", np.ones((20, 20), np.int32), header)
    layout = Layout(tmp_path / "archive")
    files = {"obsid00085374001-instXRT-subexpNone-image.fits": path}
    page = write_observation_page(layout, SWIFT, [delivered(layout, files)]).read_text()
    assert captions(page) == ["XRT; smoothed"]
    assert 'class="graticule"' not in page


def test_old_plots_are_removed_and_those_of_other_products_stay(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    record = delivered(layout, images(tmp_path), XMM)
    folder = layout.observation(XMM) / "images"
    stem = f"obsid{XMM.obsid}-"
    stale = [folder / f"{stem}instM1-subexpALL-en9.0_9.5keV-image.png", folder / f"{stem}combined-old-image.png",
             folder / f"{stem}instM1-subexpALL-en0.5_2.0keV-image.svg"]  # fmt: skip
    kept = [
        folder / f"{stem}instPN-subexpALL-image.png",
        folder / f"{stem}instPN-subexpALL-image.fits",
        folder / "mine.png",
    ]
    for path in (*stale, *kept):
        path.write_text("a plot")
    write_observation_page(layout, XMM, [record])
    assert [path.name for path in stale if path.exists()] == []
    assert [path.name for path in kept if not path.exists()] == []


def test_pages_and_plots_are_the_same_every_time(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        layout = Layout(tmp_path / name / "archive")
        write_observation_page(layout, XMM, [delivered(layout, images(tmp_path / name), XMM)])
        write_archive_page(layout)
        paths = sorted(path for path in layout.root.rglob("*") if path.suffix in (".html", ".png", ".svg"))
        made.append({str(path.relative_to(layout.root)): path.read_bytes() for path in paths})
        page = layout.report.read_text().rpartition("<!-- records")[0]
        made[-1]["report.html"] = page.encode()
    assert made[0] == made[1]
    assert len(made[0]) == 10


def test_an_observation_without_products_says_so(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    rejected = Record("preprocessed", SWIFT, Status.REJECTED, reason="noProducts", message="none")
    assert "No step of this observation made a product" in write_observation_page(layout, SWIFT, [rejected]).read_text()
    done = Record("rgs_filter", SWIFT, Status.DONE, products=[])
    assert "No step of this observation" in write_observation_page(layout, SWIFT, [done]).read_text()


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
    assert '<span class="rejected">secondHump</span> (espfilt of 0001730201M1S001): 17% of the accepted samples' in page
    archive_page = write_archive_page(layout).read_text()
    assert "17% of the accepted samples" in archive_page
    assert '<td class="rejected">secondHump</td><td>0001730201 M1 S001</td>' in archive_page
