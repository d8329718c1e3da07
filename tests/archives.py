"""Small archives of every mission: trees with the names that real ones have, of tiny files that are what they say."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits


@dataclass(frozen=True)
class Small:
    """An observation: its ObsID, table row (service's names), directory of the mirror, its files."""

    obsid: str
    row: dict[str, object]
    directory: str
    files: tuple[str, ...]
    not_needed: tuple[str, ...] = ()


def fits_bytes(seed: str, rows: int = 40) -> bytes:
    """A valid event list with CHECKSUMs, another for each seed."""
    rng = np.random.default_rng(list(seed.encode()))
    columns = [fits.Column("TIME", "D", array=np.sort(rng.uniform(0, 1000, rows))),
               fits.Column("PI", "J", array=rng.integers(200, 10000, rows))]  # fmt: skip
    table = fits.BinTableHDU.from_columns(columns, name="EVENTS")
    table.header["SEED"] = seed[:60]
    stream = io.BytesIO()
    hdus = fits.HDUList([fits.PrimaryHDU(), table])
    for hdu in hdus:
        hdu.add_checksum(when="always the same")
    hdus.writeto(stream)
    return stream.getvalue()


def compress_bytes(data: bytes) -> bytes:
    """LZW as `compress` writes it, with literal codes only: every eighth code clears the table, so that 9 bits are enough."""
    codes = []
    for start in range(0, len(data), 7):
        codes += [*data[start : start + 7], 256]
    bits = value = 0
    packed = bytearray(b"\x1f\x9d\x90")
    for code in codes:
        value |= code << bits
        bits += 9
        while bits >= 8:
            packed.append(value & 255)
            value >>= 8
            bits -= 8
    return bytes(packed) + (bytes([value & 255]) if bits else b"")


def content(name: str) -> bytes:
    """What a file of a name holds."""
    lower = name.lower()
    if lower.endswith((".txt", ".log", ".pdf", ".asc", ".asc.gz", ".gif")) or "MANIFEST" in name:
        text = f"{name}\n".encode() * 5
        return gzip.compress(text, mtime=0) if lower.endswith(".gz") else text
    data = fits_bytes(name)
    if lower.endswith((".gz", ".ftz")):
        return gzip.compress(data, mtime=0)
    return compress_bytes(data) if name.endswith(".Z") else data


CHANDRA = Small(
    "12812",
    {
        "obsid": 12812,
        "time": 55430.0,
        "exposure": 4612.0,
        "status": "archived",
        "detector": "ACIS-I",
        "grating": "NONE",
        "class": "SNR",
    },
    "heasarc/chandra/data/byobsid/2/12812",
    (
        "oif.fits",
        "primary/acisf12812N003_evt2.fits.gz",
        "primary/acisf12812N003_full_img2.fits.gz",
        "primary/acisf12812_000N003_bpix1.fits.gz",
    ),
    ("00README.txt", "secondary/acisf12812_000N003_evt1.fits.gz", "secondary/axaff12812N003_VV001_vvref2.pdf"),
)
SMALL = {
    "chandra": CHANDRA,
    "xmm_pointed": Small(
        "0201903501",
        {"observation_id": "0201903501", "start_utc": "2004-05-29T00:00:00", "duration": 2e4, "with_science": "true",
         "proprietary_end_date": "2006-01-01"},
        "heasarc/xmm/data/rev0/0201903501",
        ("PPS/P0201903501M1S001MIEVLI0000.FTZ", "PPS/P0201903501M2S002MIEVLI0000.FTZ",
         "PPS/P0201903501PNS003PIEVLI0000.FTZ", "PPS/P0201903501M1S001FBKTSR0000.FTZ", "PPS/P0201903501OBX000ATTTSR0000.FTZ"),
        ("PPS/P0201903501R1S004EVENLI0000.FTZ", "PPS/P0201903501M1S001IMAGE_8000.FTZ", "ODF/0819_0201903501_M1S00110IME.FIT.gz",
         "ODF/0819_0201903501_SCX00000SUM.ASC", "ODF/MANIFEST.1234", "om_mosaic/0201903501_UVW2_E.fits.gz"),
    ),
    "nustar_pointed": Small(
        "71010003002",
        {"obsid": "71010003002", "time": 58000.0, "end_time": 58001.0, "status": "archived", "exposure_a": 9e3, "exposure_b": 9e3,
         "ontime_a": 9e3, "ontime_b": 9e3, "observation_mode": "SCIENCE", "spacecraft_mode": "INERTIAL",
         "subject_category": "Normal galaxies"},
        "heasarc/nustar/data/obs/10/7/71010003002",
        ("nu71010003002.cat.gz", "auxil/nu71010003002_att.fits.gz", "event_cl/nu71010003002A01_cl.evt.gz",
         "event_cl/nu71010003002B01_cl.evt.gz", "event_cl/nu71010003002A01_sk.img.gz", "event_cl/nu71010003002B01_sk.img.gz"),
        ("pipe.log", "hk/nu71010003002A_fpm.hk.gz", "event_uf/nu71010003002A_uf.evt.gz"),
    ),
    "swift": Small(
        "00020153006",
        {"obsid": "00020153006", "start_time": 55540.0, "stop_time": 55540.5, "xrt_exposure": 5e3, "uvot_exposure": 5e3,
         "bat_exposure": 5e3},
        "heasarc/swift/data/obs/2010_12/00020153006",
        ("auxil/sw00020153006sat.fits.gz", "xrt/event/sw00020153006xpcw3po_cl.evt.gz",
         "xrt/products/sw00020153006xpc_sk.img.gz", "xrt/products/sw00020153006xpc_ex.img.gz"),
        ("uvot/products/sw00020153006u_sk.img.gz", "xrt/event/sw00020153006xpcw3po_uf.evt.gz"),
    ),
    "suzaku": Small(
        "704015010",
        {"obsid": "704015010", "time": 55000.0, "stop_time": 55001.0, "category_code": 8,
         **{f"xis{n}_expo": 1e4 for n in range(4)},
         **{f"xis{n}_num_modes": 1 for n in range(4)}},
        "heasarc/suzaku/data/obs/7/704015010",
        ("auxil/ae704015010.att.gz", "xis/event_cl/ae704015010xi1_0_3x3n069b_cl.evt.gz",
         "xis/event_cl/ae704015010xi1_0_5x5n069b_cl.evt.gz", "xis/event_cl/ae704015010xi0_0_3x3n066a_cl.evt.gz",
         "xis/products/ae704015010xi1_0_3x3n069b_sk.img.gz"),
        ("hxd/event_cl/ae704015010hxd_0_pinno_cl.evt.gz", "xis/hk/ae704015010xi1_0.hk.gz"),
    ),
    "asca": Small(
        "87036000",
        {"sequence_number": 87036000, "time": 51000.0, "end_time": 51001.0, "subject_category": "AGN", "gis_exposure": 1e4,
         "sis_exposure": 1e4, "status": "processed"},
        "heasarc/asca/data/rev2/87036000",
        ("aux/ad87036000_att.fits.gz", "screened/ad87036000s000302m.evt.gz", "screened/ad87036000s000102h.evt.gz",
         "screened/ad87036000g300370m.evt.gz", "images/ad87036000sis32002_lo.totsky.gz",
         "images/ad87036000gis25670_all.totsky.gz",
         "images/ad87036000gis25670.totexpo.gz", "spectra/ad87036000s010102_1.pi.gz", "lcurves/ad87036000s010102_1.lc.gz"),
        ("unscreened/ad87036000s000302m.unf.gz", "telem/ft970503_1204.0510"),
    ),
    "xrism_pointed": Small(
        "300049010",
        {"obsid": "300049010", "time": 60500.0, "end_time": 60501.0, "duration": 86400.0, "exposure": 4e4, "xtd_expo": 4e4,
         "subject_category": "Solar System"},
        "heasarc/xrism/data/obs/3/300049010",
        ("auxil/xa300049010.att.gz", "resolve/event_cl/xa300049010rsl_p0px5000_cl.evt.gz",
         "resolve/event_cl/xa300049010rsl_p0px1000_cl.evt.gz", "xtend/event_cl/xa300049010xtd_p032000010_cl.evt.gz",
         "xtend/products/xa300049010xtd_p0320000a0_cl.sky.img.gz"),
        ("resolve/event_uf/xa300049010rsl_p0px5000_uf.evt.gz",),
    ),
    "rosat_pointed": Small(
        "RP500211N00",
        {"seq_id": "RP500211N00", "start_time": 49000.0, "end_time": 49001.0, "exposure": 9e3, "instrument": "PSPCB",
         "subj_cat": "5"},
        "heasarc/rosat/data/pspc/processed_data/500000/rp500211n00",
        tuple(f"rp500211n00_{kind}.fits.Z" for kind in ("anc", "bas", "im1", "im2", "im3", "bk1", "bk2", "bk3", "mex")),
        ("rp500211n00_src.fits.Z",),
    ),
    "rosat_all_sky": Small(
        "RS930101N00",
        {"seq_id": "RS930101N00", "start_date": 48100.0, "end_date": 48200.0, "exposure": 500.0},
        "heasarc/rosat/data/pspc/processed_data/900000/rs930101n00",
        ("rs930101n00_anc.fits.Z", "rs930101n00_bas.fits.Z", "rs930101n00_im1.fits.Z", "rs930101n00_mex.fits"),
    ),
    "integral_pointed": Small(
        "003500010010",
        {"scw_id": "003500010010", "start_date": 52650.0, "end_date": 52650.1, "scw_ver": "001", "data_in_heasarc": "Y",
         "spi_mode": "41", **{f"good_{name}": 1800.0 for name in ("jemx1", "jemx2", "isgri", "picsit", "spi")}},
        "heasarc/integral/data/scw/0035/003500010010.001",
        ("swg.fits", "sc_quality.fits.gz", "003500010010_scw.txt", "jmx1_events.fits.gz", "isgri_events.fits.gz"),
        ("omc_shots.fits.gz", "spi_oper.fits.gz"),
    ),
    "erosita_all_sky_de_dr1": Small(
        "134135", {}, "erosita_de/erodat/data/download/135/134",
        ("EXP_010/em01_134135_020_EventList_c010.fits.gz",
         *(f"EXP_010/em01_134135_02{band}_Image_c010.fits.gz" for band in range(1, 8)),
         *(f"DET_010/em01_134135_02{band}_ExposureMap_c010.fits.gz" for band in range(1, 8)),
         *(f"DET_010/em01_134135_02{band}_BackgrImage_c010.fits.gz" for band in range(1, 8))),
        ("DET_010/em01_134135_020_AreaTab1Blik5_c010.fits.gz", "SOU_010/em01_134135_020_SourceCat_c010.fits.gz"),
    ),
    "erosita_calpv": Small("700199", {}, "erosita_de/edr/eROSITAObservations/CalPvObs", ()),
}  # fmt: skip
INTEGRAL_SHARED = (
    "heasarc/integral/data/scw/0035/rev.001/raw/isgri_raw.fits.gz",
    "heasarc/integral/data/aux/adp/0035.001/attitude_historic.fits.gz",
)
CALPV_FIELD = ("fm00_700199_020_EventList_c001.fits", "fm00_700200_020_EventList_c001.fits")


def calpv_file() -> str:
    """The tar file of the field that 700199 and 700200 are in."""
    import csv
    from importlib.resources import files

    with (files("daxa_wf.observatories.erosita") / "data" / "erosita_calpv.csv").open() as stream:
        return next(row["archive_file"] for row in csv.DictReader(stream) if row["obsid"] == "700199")


def make_archives(root: Path) -> Path:
    """Every small observation below `root`, as mirror_server serves it."""
    for each in SMALL.values():
        for name in (*each.files, *each.not_needed):
            write(root / each.directory / name)
    for name in INTEGRAL_SHARED:
        write(root / name)
    tar = root / SMALL["erosita_calpv"].directory / calpv_file()
    tar.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tar, "w:gz") as archive:
        for name in (*CALPV_FIELD, "readme.txt", "eRO_700199_020_EventList_c001.fits"):
            data = content(name)
            info = tarfile.TarInfo(f"Field/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return root


def write(path: Path) -> None:
    """A file whose content follows from its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(path.name))
