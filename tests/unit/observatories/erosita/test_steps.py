"""The steps of eROSITA, each run on its own: natively, and with stand-ins of eSASS."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from pydantic import TypeAdapter

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, write_manifest
from daxa_wf.archive.records import FileStamp, Record, Status
from daxa_wf.chain.runner import Inputs, run_step
from daxa_wf.config.image_sections import ExposureMaps
from daxa_wf.config.toolkit import Toolkit
from daxa_wf.errors import ConfigError, Fault
from daxa_wf.events.gti import contains, intersection, total
from daxa_wf.mission.registry import MISSIONS, STEPS
from daxa_wf.mission.step import load
from daxa_wf.observatories.erosita import PIPELINE
from daxa_wf.observatories.erosita.flare_options import AnyFlareOptions, FixedLimits, FlaregtiOptions
from daxa_wf.observatories.erosita.local import lists_to_join, local_erosita_manifest
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.telescope_modules import GROUPS, parse_modules, select_modules
from daxa_wf.observatories.erosita.options import ErositaImagesOptions, EvtoolOptions
from daxa_wf.observatories.erosita.panels import flare_plots
from daxa_wf.units import Unit
from daxa_wf_simulator.erosita import make_erosita, write_event_file
from daxa_wf_simulator.erosita_targets import TARGETS, ErositaTruth
from tests.standins import Standins

FILES = {target.obsid: target.file for target in TARGETS}
STEPS_HERE = PIPELINE.engines[0].steps
ALL_SEVEN = tuple(f"TM{number}" for number in range(1, 8))
SECTIONS: dict[str, Any] = {
    "flaregti": FlaregtiOptions(), "evtool": EvtoolOptions(),
    "erosita_images": ErositaImagesOptions(bands=(["0.2 keV", "2.3 keV"], ["2.3 keV", "5 keV"]), pixel_size="20 arcsec"),
    "erosita_exposure_maps": ExposureMaps(),
}  # fmt: skip


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, ErositaTruth]]:
    root = tmp_path_factory.mktemp("erosita")
    return root, {truth.obsid: truth for truth in make_erosita(root)}


@dataclass
class Chain:
    """An observation on its way through the steps."""

    layout: Layout
    unit: Unit
    raw: Path
    engine: str = "native"
    instruments: tuple[str, ...] = ALL_SEVEN
    time_limit: str | None = None
    more: tuple[Path, ...] = ()
    passed_over: tuple[str, ...] = ()
    records: dict[str, Record] = field(default_factory=dict)

    def run(self, step: str, **options: Any) -> Record:
        model = TypeAdapter(AnyFlareOptions if step == "flaregti" else type(SECTIONS[step]))
        section = model.validate_python(options) if options else SECTIONS[step]
        values = {**section.values(), "engine": self.engine}
        if step == "flaregti":
            values |= {"instruments": list(self.instruments), "passed_over": list(self.passed_over)}
        inputs = Inputs({name: [record] for name, record in self.records.items()}, {"events": [self.raw, *self.more]})
        function = load(STEPS[step].run)
        context = {"toolkit": Toolkit(time_limit=self.time_limit).plain_values()}
        self.records[step] = run_step(STEPS[step], self.unit, inputs, values, self.layout, function, context)
        return self.records[step]

    def all(self) -> dict[str, Record]:
        for step in STEPS_HERE:
            self.run(step)
        return self.records

    def files(self) -> set[str]:
        root = self.layout.observation(self.unit)
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}

    def product(self, step: str, kind: str) -> Path:
        return self.layout.find(self.records[step].product(kind))


@pytest.fixture
def chain(tmp_path: Path, raw: tuple[Path, dict[str, ErositaTruth]]) -> Any:
    def make(obsid: str, name: str = "archive", file: Path | None = None, **values: Any) -> Chain:
        return Chain(Layout(tmp_path / name), Unit("erosita_calpv", obsid), file or raw[0] / FILES[obsid], **values)

    return make


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(obsid: str, modules: str) -> set[str]:
    stem = f"obsid{obsid}-inst{modules}-subexp"
    return {
        f"events/{stem}None-events.fits", f"events/{stem}ALL-en0.2_10.0keV-finalevents.fits",
        *(f"cleaning/{stem}None-en200_10000PI-{kind}.fits" for kind in ("lightcurve", "maskimage", "thresholdimage")),
        *(f"images/{stem}ALL-{band}-{kind}.fits" for band in ("en0.2_2.3keV", "en2.3_5.0keV") for kind in ("image", "expmap")),
    }  # fmt: skip


@pytest.mark.parametrize("obsid", ["700195", "700199"])
def test_natively_from_the_raw_list_to_exposure_maps(chain: Any, raw: Any, obsid: str) -> None:
    root, truth = raw
    before = digest(root / FILES[obsid])
    mine: Chain = chain(obsid)
    records = mine.all()
    assert {record.status for record in records.values()} == {Status.DONE}
    assert {record.engine for record in records.values()} == {"native"}
    assert digest(root / FILES[obsid]) == before
    modules = truth[obsid].modules
    assert mine.files() == names(obsid, "_".join(f"TM{module}" for module in modules))

    flared, quiet = np.array(truth[obsid].flares), np.array(truth[obsid].quiet)
    events = ErositaEventList.open(mine.product("flaregti", "events"))
    good, kept = events.intervals("GTI"), events.intervals("FLAREGTI")
    assert set(good) == set(modules) - set(truth[obsid].without_gti)
    for module, intervals in kept.items():
        cut = 1 - total(intersection(flared, intervals)) / total(intersection(flared, good[module]))
        lost = 1 - total(intersection(quiet, intervals)) / total(intersection(quiet, good[module]))
        assert cut >= 0.99
        assert lost < 0.03
        assert records["flaregti"].results["kept_seconds"][f"TM{module}"] == pytest.approx(total(intervals))

    expected = selected_by_hand(mine.raw, kept, (200, 10_000))
    with fits.open(mine.product("evtool", "finalevents"), checksum=True) as hdus:
        final = hdus["EVENTS"].data
        np.testing.assert_array_equal(final["TIME"], expected)
    assert records["evtool"].results["selected"] == len(expected)
    counts = [int(((final["PI"] >= low) & (final["PI"] < high)).sum()) for low, high in ((200, 2300), (2300, 5000))]
    assert records["erosita_images"].results["counts"] == counts
    for stamp in records["erosita_images"].products:
        picture = mine.layout.find(stamp.path)
        exposure = Path(str(picture).replace("-image", "-expmap"))
        assert fits.getdata(picture).shape == fits.getdata(exposure).shape
        longest = max(records["evtool"].results["livetime"].values()) * len(kept) / len(modules)
        assert 0.9 * longest < fits.getdata(exposure).max() <= longest * 1.001


def selected_by_hand(path: Path, kept: dict[int, Any], band: tuple[float, float]) -> np.ndarray:
    """Times of the events that evtool's defaults keep."""
    with fits.open(path) as hdus:
        rows = hdus["EVENTS"].data
        wanted = (rows["PI"] >= band[0]) & (rows["PI"] < band[1]) & (rows["PAT_TYP"] >= 1) & (rows["PAT_TYP"] <= 4)
        wanted &= (rows["FLAG"].astype(np.int64) & 0xC0000000) == 0
        in_time = np.zeros(len(rows), bool)
        for module, intervals in kept.items():
            in_time |= (rows["TM_NR"] == module) & contains(intervals, rows["TIME"])
        return np.array(rows["TIME"][wanted & in_time])


def test_the_same_names_and_records_with_esass(chain: Any, standins: Standins, raw: Any) -> None:
    """Also of a compressed tile, which eSASS cannot write into as it is."""
    for obsid in ("700199", "134135"):
        before = digest(raw[0] / FILES[obsid])
        native, esass = chain(obsid, "native"), chain(obsid, "esass", engine="esass")
        native.all(), esass.all()
        assert {record.status for record in esass.records.values()} == {Status.DONE}
        assert esass.files() == native.files()
        for step in STEPS_HERE:
            ours, theirs = native.records[step], esass.records[step]
            assert set(asdict(ours)) == set(asdict(theirs))
            assert set(ours.results) == set(theirs.results) - {"runs"}
            assert [stamp.path for stamp in ours.products] == [stamp.path for stamp in theirs.products]
            assert (ours.engine, theirs.engine) == ("native", "esass")
            assert theirs.versions["esass"] == "eSASSusers_211214"
            assert len(theirs.command) == len(theirs.results["runs"]) > 0
            assert all((esass.layout.root / log).exists() for log in theirs.logs[1:])
        assert digest(raw[0] / FILES[obsid]) == before


@pytest.mark.parametrize("engine", ["native", "esass"])
def test_some_telescope_modules(chain: Any, standins: Standins, raw: Any, engine: str) -> None:
    """Flares are judged by the chosen modules alone, and nothing of the others is left."""
    chosen = MISSIONS["erosita_calpv"].instruments_named("tm9")
    assert chosen == ("TM5", "TM7")
    before = digest(raw[0] / FILES["700199"])
    mine: Chain = chain("700199", engine=engine, instruments=chosen)
    records = mine.all()
    assert digest(raw[0] / FILES["700199"]) == before
    assert mine.files() == names("700199", "TM5_TM7")
    assert set(records["flaregti"].results["kept_seconds"]) == {"TM5", "TM7"}
    for step, kind in (("flaregti", "events"), ("evtool", "finalevents")):
        with fits.open(mine.product(step, kind)) as hdus:
            assert set(hdus["EVENTS"].data["TM_NR"]) == {5, 7}
            assert {name for name in ("FLAREGTI5", "FLAREGTI6", "FLAREGTI7") if name in hdus} == {
                "FLAREGTI5",
                "FLAREGTI7",
            }
    if engine == "native":
        counts = fits.getdata(mine.product("flaregti", "lightcurve"), "RATE")["COUNTS"].sum()
        assert 0 < counts < (fits.getdata(mine.product("flaregti", "events"), "EVENTS")["TM_NR"] > 0).sum()
        assert fits.getheader(mine.product("flaregti", "lightcurve"), "RATE")["MODULES"] == "TM5 TM7"

    record = mine.run("evtool", modules=["TM7"])
    assert record.results["modules"] == ["TM7"]
    assert not list(mine.layout.observation(mine.unit).glob("events/*TM5_TM7*finalevents.fits"))
    assert mine.run("evtool", modules=["TM1"]).reason == "noInstrument"


@pytest.fixture(scope="module")
def parts(raw: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The list of three telescope modules as two lists, of TM6 and of TM5 and TM7."""
    whole, root = ErositaEventList.open(raw[0] / FILES["700199"]), tmp_path_factory.mktemp("parts")
    for digit, modules in ((6, (6,)), (9, (5, 7))):
        select_modules(whole, modules, root / f"pm00_700199_{digit}20_EventList_c001.fits")
    return root / "pm00_700199_620_EventList_c001.fits", root / "pm00_700199_920_EventList_c001.fits"


@pytest.mark.parametrize("engine", ["native", "esass"])
def test_lists_of_some_telescope_modules_are_joined(chain: Any, standins: Standins, parts: Any, engine: str) -> None:
    """What comes out is as if they had been one list from the first."""
    before = [digest(path) for path in parts]
    whole, joined = (chain("700199", name, engine=engine) for name in ("whole", "joined"))
    joined.raw, joined.more, joined.passed_over = parts[0], parts[1:], ("pm00_700199_720_EventList_c001.fits",)
    whole.all(), joined.all()
    assert joined.files() == whole.files() == names("700199", "TM5_TM6_TM7")
    for step in STEPS_HERE:
        ours, theirs = whole.records[step].results, joined.records[step].results
        different = {name for name in ours if ours[name] != theirs[name]} - {"runs"}
        assert different == ({"lists"} if step == "flaregti" else set()), step
    assert [each["name"] for each in joined.records["flaregti"].warnings] == ["listPassedOver"]
    assert joined.records["flaregti"].results["lists"] == [path.name for path in parts]
    assert [digest(path) for path in parts] == before
    some = chain("700199", "some", engine=engine, instruments=("TM6", "TM7"))
    some.raw, some.more = parts[0], parts[1:]
    assert some.run("flaregti").results["modules"] == ["TM6", "TM7"]


def test_every_native_product_names_its_observation_without_deprecated_cards(chain: Any, raw: Any) -> None:
    mine: Chain = chain("700199")
    mine.all()
    whole = ErositaEventList.open(raw[0] / FILES["700199"]).header
    identity = ("TELESCOP", "INSTRUME", "OBS_ID", "OBJECT", "FILTER", "DATE-OBS")
    root = mine.layout.observation(mine.unit)
    for path in sorted(root.rglob("*.fits")):
        with fits.open(path, checksum=True) as hdus:
            for hdu in hdus:
                if hdu.name in ("PRIMARY", "EVENTS", "COUNTS") or hdu.name.startswith(("RATE", "GTI", "FLAREGTI")):
                    named = {card: hdu.header.get(card) for card in identity}
                    assert named == {card: whole[card] for card in identity}, (path.name, hdu.name)
                    if not path.name.endswith("events.fits"):
                        assert hdu.header["RADESYS"] == "FK5", (path.name, hdu.name)
                        assert "RADECSYS" not in hdu.header, (path.name, hdu.name)
    with fits.open(mine.product("erosita_images", "image")) as hdus:
        assert hdus[0].header["BITPIX"] == 32


def test_stingray_reads_the_light_curve_of_a_telescope(chain: Any) -> None:
    from stingray.io import lcurve_from_fits

    mine: Chain = chain("700199")
    mine.run("flaregti")
    path = mine.product("flaregti", "lightcurve")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = lcurve_from_fits(str(path))
    header = fits.getheader(path, "RATE")
    assert (curve["instr"], curve["dt"], curve["mjdref"]) == ("merged", 20.0, pytest.approx(header["MJDREF"]))


@pytest.mark.parametrize("engine", ["native", "esass"])
def test_flagged_events_alone_of_some_telescope_modules(chain: Any, standins: Standins, raw: Any, engine: str) -> None:
    """No task drops flagged events before evtool is told to keep them."""
    mine: Chain = chain("700199", engine=engine, instruments=("TM5", "TM7"))
    mine.run("flaregti")
    record = mine.run("evtool", flag=0xC0000000, flagged="only", pattern=1)
    assert [each["name"] for each in record.warnings] == {"native": [], "esass": ["invertedFlag"]}[engine]
    with fits.open(raw[0] / FILES["700199"]) as hdus, fits.open(mine.product("flaregti", "events")) as flares:
        rows = hdus["EVENTS"].data
        wanted = (rows["FLAG"].astype(np.int64) & 0xC0000000 != 0) & (rows["PAT_TYP"] == 1)
        wanted &= (rows["PI"] >= 200) & (rows["PI"] < 10_000)
        in_time = np.zeros(len(rows), bool)
        for module in (5, 7):
            good = flares[f"FLAREGTI{module}"].data
            kept = np.column_stack([good["START"], good["STOP"]])
            in_time |= (rows["TM_NR"] == module) & contains(kept, rows["TIME"])
        assert record.results["selected"] == (wanted & in_time).sum() > 50


@pytest.mark.parametrize("engine", ["native", "esass"])
def test_flares_are_kept_if_that_is_asked_for(chain: Any, standins: Standins, raw: Any, engine: str) -> None:
    """Events, seconds and exposure maps of all good time."""
    mine: Chain = chain("700199", engine=engine)
    mine.all()
    without = {step: mine.records[step].results for step in ("evtool", "erosita_exposure_maps")}
    record = mine.run("evtool", gti="GTI")
    good = ErositaEventList.open(raw[0] / FILES["700199"]).intervals("GTI")
    assert record.results["ontime"] == pytest.approx({f"TM{module}": total(good[module]) for module in (5, 6, 7)})
    assert record.results["selected"] == len(selected_by_hand(mine.raw, good, (200, 10_000)))
    mine.run("erosita_images")
    maps = mine.run("erosita_exposure_maps")
    if engine == "native":
        assert record.results["selected"] > 1.5 * without["evtool"]["selected"]
        longer = record.results["livetime"]["TM5"] / without["evtool"]["livetime"]["TM5"]
        before, after = (each["maximum_seconds"][0] for each in (without["erosita_exposure_maps"], maps.results))
        assert after / before == pytest.approx(longer, rel=0.01)
        assert longer > 1.1
    else:
        assert all("gtitype=GTI" in command for command in maps.command)
        assert " gti=GTI " in record.command[0]


@pytest.mark.parametrize("engine", ["native", "esass"])
def test_a_region_of_the_sky(chain: Any, standins: Standins, engine: str) -> None:
    mine: Chain = chain("700199", engine=engine)
    mine.run("flaregti")
    everywhere = mine.run("evtool").results["selected"]
    record = mine.run("evtool", region="fk5; circle(5:33:12, -66:24:00, 6')")
    assert 100 < record.results["selected"] < everywhere / 3
    if engine == "esass":
        assert "'region=j2000;circle(83.3d,-66.4d,0.1d)'" in record.command[0]
    with fits.open(mine.product("evtool", "finalevents")) as hdus:
        rows = hdus["EVENTS"].data
        near = SkyCoord(rows["RA"], rows["DEC"], unit="deg").separation(SkyCoord(83.3, -66.4, unit="deg")).arcmin
        assert near.max() <= 6
    mine.run("erosita_images")
    warnings_of_maps = [each["name"] for each in mine.run("erosita_exposure_maps").warnings]
    assert ("selectionNotInMap" in warnings_of_maps) == (engine == "esass")
    if engine == "native":
        seconds, header = fits.getdata(mine.product("erosita_exposure_maps", "expmap"), header=True)
        sky = WCS(header).pixel_to_world(*np.meshgrid(np.arange(seconds.shape[1]), np.arange(seconds.shape[0])))
        distance = sky.separation(SkyCoord(83.3, -66.4, unit="deg")).arcmin
        half_a_pixel = header["CDELT2"] * 60 * np.sqrt(2) / 2
        assert distance[seconds > 0].max() < 6 + half_a_pixel
        assert np.mean(seconds[distance < 6 - half_a_pixel] > 0) > 0.95
        assert "within region=j2000" in " ".join(header["HISTORY"])


def test_modules_that_are_not_there(chain: Any) -> None:
    mine: Chain = chain("700199", instruments=("TM1", "TM2"))
    assert [(mine.run(step).status, mine.records[step].reason) for step in STEPS_HERE] == [
        (Status.REJECTED, "noInstrument"), (Status.BLOCKED, "flaregti rejected"), (Status.BLOCKED, "evtool blocked"),
        (Status.BLOCKED, "evtool blocked"),
    ]  # fmt: skip


@pytest.mark.parametrize("engine", ["native", "esass"])
def test_a_closed_filter_wheel_is_rejected(chain: Any, standins: Standins, tmp_path: Path, engine: str) -> None:
    closed = tmp_path / "pm00_700199_000_EventList_c001.fits"
    write_event_file(closed, replace(TARGETS[1], duration=100.0, flares=()))
    with fits.open(closed, mode="update") as hdus:
        hdus["EVENTS"].header["FILTER"] = "CLOSED"
    record = chain("700199", file=closed, engine=engine).run("flaregti")
    assert (record.status, record.reason) == (Status.REJECTED, "notScience")
    assert "filter CLOSED" in record.message
    assert not standins.calls()


@pytest.mark.parametrize("engine", ["native", "esass"])
def test_no_event_left_is_rejected(chain: Any, standins: Standins, engine: str) -> None:
    mine: Chain = chain("700199", engine=engine)
    mine.run("flaregti")
    record = mine.run("evtool", lo_en="9.99999 keV", hi_en="10 keV", pattern=8)
    assert (record.status, record.reason, record.products) == (Status.REJECTED, "NoFilteredEvents", [])


def test_all_of_it_flared(chain: Any) -> None:
    record = chain("700199").run("flaregti", threshold=0)
    assert (record.status, record.reason) == (Status.REJECTED, "noGoodTime")


def test_other_ways_to_tell_flares(chain: Any) -> None:
    record = chain("700199").run("flaregti", method="gaussian", sigma=3.5)
    assert record.status is Status.DONE
    assert (record.parameters["pimin"], record.results["method"]) == ("5 keV", "gaussian")
    assert any("-en5000_10000PI-lightcurve" in stamp.path for stamp in record.products)
    plots = flare_plots(chain("700199").layout, record)
    assert [plot.caption.partition(".")[0] for plot in plots] == [
        f"Light curve: TM{module} method gaussian" for module in (5, 6, 7)
    ]
    assert len({plot.path for plot in plots}) == 3
    record = chain("700199").run("flaregti", method="threshold", thresholds={"TM5": 5.0})
    assert (record.status, record.reason) == (Status.FAILED, "badParameters")
    assert "none for TM6" in record.message
    with pytest.raises(ValueError, match="needs 'thresholds'"):
        FixedLimits()


FAILURES = (
    ("flaregti", "notDone", "notDone"), ("flaregti", "nothing", "missingProduct"), ("flaregti", "exit", "exitCode"),
    ("evtool", "notDone", "notDone"), ("evtool", "crash", "exitCode"), ("erosita_images", "nothing", "missingProduct"),
    ("erosita_exposure_maps", "errorZero", "someError"),
)  # fmt: skip


@pytest.mark.parametrize(("step", "behaviour", "reason"), FAILURES)
def test_a_task_that_fails(chain: Any, standins: Standins, step: str, behaviour: str, reason: str) -> None:
    """A verdict with the task's name and words; what was made before stays, what follows is blocked."""
    task = {"erosita_images": "evtool", "erosita_exposure_maps": "expmap"}.get(step, step)
    mine: Chain = chain("700199", engine="esass")
    standins.tell(f"{task}@-{step}-700199:{behaviour}")
    records = mine.all()
    assert (records[step].status, records[step].reason) == (Status.FAILED, reason), records[step].message
    assert records[step].command
    assert not records[step].products
    before = STEPS_HERE[: STEPS_HERE.index(step)]
    assert all(records[each].status is Status.DONE for each in before)
    assert all(records[each].status is Status.BLOCKED for each in STEPS_HERE[len(before) + 1 :])
    assert mine.files() == {stamp.path.split("700199/")[1] for each in before for stamp in records[each].products}
    standins.tell()
    assert mine.run(step).done


@pytest.mark.parametrize("behaviour", ["hang", "killed", "full", "halfway"])
def test_a_fault_leaves_nothing(chain: Any, standins: Standins, raw: Any, behaviour: str) -> None:
    before = digest(raw[0] / FILES["700199"])
    mine: Chain = chain("700199", engine="esass", time_limit="2 s" if behaviour == "hang" else None)
    standins.tell(f"flaregti:{behaviour}")
    with pytest.raises(Fault):
        mine.run("flaregti")
    assert mine.files() == set()
    assert not mine.layout.record("flaregti", mine.unit).exists()
    assert mine.layout.fault("flaregti", mine.unit).exists()
    assert not list((mine.layout.root / ".staging").iterdir())
    assert digest(raw[0] / FILES["700199"]) == before


def test_without_esass(chain: Any, standins: Standins) -> None:
    (standins.root / "bin" / "flaregti").unlink()
    with pytest.raises(Fault, match="flaregti of eSASS cannot be found with the current shell"):
        chain("700199", engine="esass").run("flaregti")


def test_downloaded_lists(chain: Any, raw: Any) -> None:
    """The list that has most of the modules, the newest; Fault if it is gone, a verdict if there was none."""
    mine: Chain = chain("700199")
    acquired = Record("acquire", mine.unit, Status.DONE)
    acquired.results = {"files": [{"path": FILES["700199"]}, {"path": "pm00_700199_520_EventList_c001.fits"}]}
    inputs, options = (
        Inputs({"acquire": [acquired]}),
        {**FlaregtiOptions().values(), "engine": "native", "instruments": ALL_SEVEN, "passed_over": []},
    )
    run = import_module("daxa_wf.observatories.erosita.steps.flaregti").run
    with pytest.raises(Fault, match="run again, which fetches it again"):
        run_step(STEPS["flaregti"], mine.unit, inputs, options, mine.layout, run)
    mine.layout.raw(mine.unit).parent.mkdir(parents=True)
    mine.layout.raw(mine.unit).symlink_to(raw[0], target_is_directory=True)
    record = run_step(STEPS["flaregti"], mine.unit, inputs, options, mine.layout, run)
    assert record.done
    assert record.results["lists"] == [FILES["700199"]]
    assert [(each["name"], each["text"].split()[0]) for each in record.warnings] == [
        ("listPassedOver", "pm00_700199_520_EventList_c001.fits")
    ]
    acquired.results = {"files": []}
    record = run_step(STEPS["flaregti"], mine.unit, inputs, options, mine.layout, run)
    assert (record.status, record.reason) == (Status.REJECTED, "noEventList")


@pytest.mark.parametrize(
    ("there", "wanted", "joined"),
    [
        (("820", "920"), ALL_SEVEN, ("820", "920")),
        (("820", "920", "020"), ALL_SEVEN, ("020",)),
        (("820", "920"), ("TM5",), ("920",)),
        (("820",), ("TM5",), ()),
        (("120", "220", "320", "420", "520", "620", "720"), ALL_SEVEN, ("120", "220", "320", "420", "520", "620", "720")),
        (("820", "520", "120"), ("TM1", "TM5"), ("820", "520")),
        (("000", "020", "030", "040"), ALL_SEVEN, ("020",)),
        (("010", "020"), ALL_SEVEN, ("020",)),
        (("010", "520"), ALL_SEVEN, ("010",)),
        (("000",), ALL_SEVEN, ("000",)),
    ],
)  # fmt: skip
def test_which_lists_are_joined(there: tuple[str, ...], wanted: tuple[str, ...], joined: tuple[str, ...]) -> None:
    """Telescope modules once each, of one filter, with which the sky is seen."""
    paths = {code: f"a/fm00_300004_{code}_EventList_c001.fits" for code in there}
    chosen, others = lists_to_join(paths.values(), wanted)
    assert set(chosen) == {paths[code] for code in joined}
    assert set(others) == set(paths.values()) - set(chosen)


def test_versions_of_one_list_are_not_joined() -> None:
    names = [
        "a/fm00_300004_020_EventList_c001.fits", "b/fm00_300004_020_EventList_c002.fits.gz",
        "b/fm00_300004_820_EventList_c003.fits", "c/fm00_300004_020_EventList_c002.fits.gz", "b/fm00_300004_021_Image_c002.fits",
    ]  # fmt: skip
    assert lists_to_join(names, ALL_SEVEN) == ([names[1]], [names[0], names[2], names[3]])
    parts = [f"fm00_300007_{module}20_EventList_{number:03d}_c001.fits" for module in (1, 2) for number in (1, 2)]
    assert lists_to_join(parts, ALL_SEVEN)[0] == [parts[1], parts[3]]


def test_lists_in_a_directory(raw: Any, tmp_path: Path) -> None:
    deep = tmp_path / "data" / "PUPPIS A"
    deep.mkdir(parents=True)
    for name in FILES.values():
        (deep / name).symlink_to(raw[0] / name)
    (deep / "pm00_700199_520_EventList_c001.fits").write_text("")
    for code in ("820", "920"):
        (deep / f"pm00_700200_{code}_EventList_c001.fits").write_text("")
    rows = local_erosita_manifest("erosita_calpv", tmp_path, None, ALL_SEVEN)
    assert {(row.obsid, row.events) for row in rows} == {
        *((obsid, f"data/PUPPIS A/{FILES[obsid]}") for obsid in ("700195", "700199")),
        *(("700200", f"data/PUPPIS A/pm00_700200_{code}_EventList_c001.fits") for code in ("820", "920")),
    }
    assert next(row for row in rows if row.obsid == "700199").passed_over.endswith("_520_EventList_c001.fits")
    (tile,) = local_erosita_manifest("erosita_all_sky_de_dr1", tmp_path, None, ALL_SEVEN)
    assert tile.unit.identifier == "134135"
    with pytest.raises(ConfigError, match="no event list of 700001 with TM1"):
        local_erosita_manifest("erosita_calpv", tmp_path, ["700199", "700001"], ("TM1",))


def test_groups_are_those_of_the_engine() -> None:
    for mission in ("erosita_calpv", "erosita_all_sky_de_dr1"):
        groups = MISSIONS[mission].groups
        assert {int(name[2:]): parse_modules(of) for name, of in groups.items() if name != "TM"} == GROUPS
        assert MISSIONS[mission].instruments_named("tm") == ALL_SEVEN


def test_stamps_are_of_the_files(chain: Any) -> None:
    mine: Chain = chain("700199")
    stamps: list[FileStamp] = mine.run("flaregti").products
    assert {stamp.sha256 for stamp in stamps} == {digest(mine.layout.root / stamp.path) for stamp in stamps}


def test_rules_are_given_the_missions_engine(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from daxa_wf.chain.plan import Plan
    from daxa_wf.config.reading import parse_config

    section = {"engine": "esass", "source": {"local": str(tmp_path)}, "instruments": ["TM9"]}
    config = parse_config({"archive": "a", "missions": {"erosita_calpv": section}})
    plan = Plan(config, tmp_path)
    (tmp_path / "a").mkdir()
    lists = [f"pm00_700195_{code}20_EventList_c001.fits" for code in (5, 7)]
    rows = [ManifestRow("erosita_calpv", "700195", "", "", events=name, passed_over="old.fits") for name in lists]
    write_manifest(tmp_path / "a/manifest.tsv", rows)
    wildcards = SimpleNamespace(mission="erosita_calpv", obsid="700195")
    given = [plan.options(step)(wildcards) for step in STEPS_HERE]
    assert [each["engine"] for each in given] == ["esass"] * 4
    assert given[0]["instruments"] == ["TM5", "TM7"]
    assert given[0]["passed_over"] == ["old.fits"]
    assert plan.toolkit_tasks("esass") == ["evtool", "expmap", "flaregti"]
    config = parse_config({"archive": "a", "missions": {"erosita_calpv": {**section, "engine": "native"}}})
    assert config.mission("erosita_calpv").step_engine("flaregti") == "native"


def test_the_doctor_looks_for_esass_where_it_is_needed(standins: Standins, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "{archive: a, missions: {erosita_calpv: {engine: esass, source: {archives: any}}}}"
    )
    command = [sys.executable, "-m", "daxa_wf", "doctor", "c.yaml"]
    (standins.root / "bin" / "expmap").unlink()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "missing for c.yaml: expmap, CALDB" in done.stdout
