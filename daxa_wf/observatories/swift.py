"""Swift. The XRT has one event list for each mode, window and state of the spacecraft: `pcw3po`, `wtw2st`, `wtw2sl`."""

from daxa_wf.mission.citation import Citation, Reference
from daxa_wf.mission.common import POSITION, numbers, texts, times
from daxa_wf.mission.cuts import HAS_POSITION, any_positive
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import Column, EnergyBand, FilePattern, Instrument, MissionSpec, ProductPattern, TableSource

CITATION = Citation(
    "We acknowledge the use of public data from the Swift data archive.",
    (
        Reference(
            "swift_gehrels_2004", "Gehrels, N. and Chincarini, G. and Giommi, P. and others",
            "The Swift Gamma-Ray Burst Mission", "ApJ", 2004, "611", "1005-1020", "10.1086/422091",
        ),
    ),
    {
        "XRT": (
            Reference(
                "swift_burrows_2005", "Burrows, D. N. and Hill, J. E. and Nousek, J. A. and others",
                "The Swift X-Ray Telescope", "Space Science Reviews", 2005, "120", "165-195", "10.1007/s11214-005-5097-2",
            ),
        ),
        "BAT": (
            Reference(
                "swift_barthelmy_2005", "Barthelmy, S. D. and Barbier, L. M. and Cummings, J. R. and others",
                "The Burst Alert Telescope (BAT) on the SWIFT Midex Mission", "Space Science Reviews", 2005, "120",
                "143-164", "10.1007/s11214-005-5096-3",
            ),
        ),
        "UVOT": (
            Reference(
                "swift_roming_2005", "Roming, P. W. A. and Kennedy, T. E. and Mason, K. O. and others",
                "The Swift Ultra-Violet/Optical Telescope", "Space Science Reviews", 2005, "120", "95-142",
                "10.1007/s11214-005-5095-4",
            ),
        ),
    },
)  # fmt: skip

BAT_CAUTION = (
    "it is a quarter of the sky, around the long side of a field of 100 by 60 deg that is half coded at its border"
)

MISSION = MissionSpec(
    name="swift",
    pretty_name="Swift",
    obsid_pattern=r"[0-9]{11}",
    frame="fk5",
    instruments=(
        Instrument("XRT", 11.8 / 60, exposure_column="xrt_exposure"),
        Instrument("UVOT", 8.5 / 60, default=False, exposure_column="uvot_exposure"),
        Instrument("BAT", 50.0, default=False, exposure_column="bat_exposure", radius_caution=BAT_CAUTION),
    ),
    tables=(
        TableSource(
            "heasarc",
            "swiftmastr",
            (
                Column("obsid", "obsid"),
                *POSITION,
                *times("start_time", "stop_time"),
                *numbers("xrt_exposure", "uvot_exposure", "bat_exposure"),
                Column("name", "target", required=False),
                *texts("roll_angle"),
            ),
        ),
    ),
    row_cuts=(any_positive("exposure", "xrt_exposure", "uvot_exposure", "bat_exposure"), HAS_POSITION),
    exposure_names=("mode, window and state of the spacecraft; images only of photon counting", "`pcw3po`, `wtw2st`"),
    notes=(
        "Products of BAT are fetched with XRT or UVOT, or with `engine: raw`, and stay in the raw data.",
        "DAXA selects XRT and BAT by default, and daxa_wf only XRT, because BAT's field of view (50°, half the long side of its "
        "half-coded field) gives a default radius of 60°, a quarter of the sky: nearly every position would match by BAT alone. "
        "`instruments: [XRT, BAT]` selects as DAXA does, and `radius: {BAT: 5 deg}` sets BAT's own radius. Each "
        "instrument is matched with its own radius, as in DAXA.",
    ),
    constants={"target_type": "MISC"},
    citation=CITATION,
    archive_paths={"heasarc": "swift/data/obs/{start:%Y_%m}/{obsid}/"},
    files=(
        *(FilePattern(route, ("auxil/*",)) for route in ("raw", "preprocessed")),
        FilePattern("preprocessed", ("xrt/event/*_cl.evt*", "xrt/products/*"), ("XRT",)),
        FilePattern("preprocessed", ("uvot/products/*",), ("UVOT",)),
        FilePattern("preprocessed", ("bat/survey/*", "bat/rate/*"), ("BAT",)),
        FilePattern("raw", ("xrt/hk/*", "xrt/event/*_uf.evt*"), ("XRT",)),
        FilePattern("raw", ("uvot/hk/*", "uvot/event/*", "uvot/image/*"), ("UVOT",)),
        FilePattern("raw", ("bat/event/*", "bat/hk/*"), ("BAT",)),
    ),
    products=(
        ProductPattern("events", "XRT", "xrt/event/sw{obsid}x*_cl.evt*", exposure=r"x(\w+)_cl\.evt"),
        ProductPattern("image", "XRT", "xrt/products/sw{obsid}xpc_sk.img*", (EnergyBand("", 0.01, 10.23),)),
        ProductPattern("expmap", "XRT", "xrt/products/sw{obsid}xpc_ex.img*", (EnergyBand("", 0.01, 10.23),)),
        ProductPattern("image", "UVOT", "uvot/products/sw{obsid}u_sk.img*"),
        ProductPattern("expmap", "UVOT", "uvot/products/sw{obsid}u_ex.img*"),
    ),
)  # fmt: skip

PIPELINE = Pipeline(missions=(MISSION,))
