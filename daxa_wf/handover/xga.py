"""The configuration of the package XGA for an archive: `xga.cfg`, and links by names that XGA can fill in.

Source: XGA 1.0, `xga.utils` and `xga.sources.base`. XGA reads `xga.cfg` in the directory XGA_CONFIG_DIR. It lists the ObsIDs of a
telescope from the directories in `root_<telescope>_dir`, and formats the other paths with `obs_id`, `lo_en` and `hi_en`. One
path therefore stands for all observations, so products with several names get links.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from configparser import RawConfigParser
from dataclasses import dataclass, field
from pathlib import Path

from daxa_wf.archive.access import Archive
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.products import Product
from daxa_wf.archive.records import read_sound_record, record_paths
from daxa_wf.archive.region_files import region_files
from daxa_wf.errors import ConfigError
from daxa_wf.files import OWN_PARTS, write_atomically
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.xga_names import XgaNames
from daxa_wf.text import some_of

KINDS = {"finalevents": "evts", "image": "image", "expmap": "expmap", "attitude": "attitude_file"}
"""Kind of product -> the word for it in XGA's keys."""
EVENT_LISTS, IMAGES = ("finalevents",), ("image", "expmap")
DATA = "data"
"""Directory of the links, by telescope and ObsID."""
CONFIGURATION, REGIONS = "xga.cfg", "regions.reg"

Names = tuple[str, str]
"""Telescope and ObsID."""


@dataclass
class XgaExport:
    """The content of an export: links with their targets, energy bands by telescope, and notes on products left out."""

    links: dict[Path, Path] = field(default_factory=dict)
    """Link relative to the directory -> product."""
    telescopes: dict[str, XgaNames] = field(default_factory=dict)
    bands: dict[str, set[tuple[float, float]]] = field(default_factory=dict)
    event_lists: int = 0
    notes: list[str] = field(default_factory=list)
    """One line for each kind of product that was left out."""


def write_xga(archive: Archive, directory: Path) -> XgaExport:
    """Write `xga.cfg` and links to the archive's final event lists, images, exposure maps, attitude and regions.

    Raise ConfigError if the directory holds something else, or if the archive has no event list that XGA can use.
    """
    if directory.exists() and not directory.is_dir():
        raise ConfigError(f"--output {directory}: not a directory; choose another path")
    others = [path for path in directory.iterdir() if not OWN_PARTS.fullmatch(path.name)] if directory.is_dir() else []
    if others and not (directory / CONFIGURATION).is_file():
        raise ConfigError(f"--output {directory}: it is not empty, and holds no xga.cfg; choose another directory")
    export = plan_export(archive)
    if not export.event_lists:
        known = [spec.pretty_name for spec in MISSIONS.values() if spec.xga is not None]
        raise ConfigError(f"{archive.layout.root}: no final event list that XGA can use; it knows {', '.join(known)}")
    root = directory.absolute()
    if taken := [link for link in export.links if (root / link).exists() and not (root / link).is_symlink()]:
        raise ConfigError(f"--output {root / taken[0]}: not a link of an export; move it, or choose another directory")
    # In an existing directory, so that both are in one file system even if the directory is a mount.
    stage = (root if root.is_dir() else root.parent) / f".{root.name}.{os.getpid()}.part"
    try:
        _write(archive.layout, export, stage, root)
        _publish(stage, root)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return export


def _write(layout: Layout, export: XgaExport, stage: Path, root: Path) -> None:
    """Write an export into the directory `stage`, with the paths that it will have in `root`."""
    for link, target in export.links.items():
        _link(stage / link, target.absolute())
    for names, text in _regions(layout, export):
        write_atomically(stage / DATA / names[0] / names[1] / REGIONS, text)
    write_atomically(stage / CONFIGURATION, config_text(export, root))


def _publish(stage: Path, root: Path) -> None:
    """Move a complete export to its place. In an existing directory, it replaces an earlier export, and nothing else.

    The configuration comes first there: it marks the directory as an export, so an interrupted command can be repeated.
    """
    if not root.exists():
        stage.replace(root)
        return
    (stage / CONFIGURATION).replace(root / CONFIGURATION)
    _remove_links(root / DATA)
    for path in stage.rglob("*"):
        if path.is_symlink() or path.is_file():
            target = root / path.relative_to(stage)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)


def plan_export(archive: Archive) -> XgaExport:
    """Return the links that XGA needs, for the products that the archive's configuration requests."""
    export, unknown, further = XgaExport(), Counter[str](), []
    for product in archive.find_products():
        names = MISSIONS[product.mission].xga if product.mission in MISSIONS else None
        if not product.requested or product.kind not in KINDS:
            continue
        name = names.name_of(product.instrument) if names else None
        if names is None or name is None:
            unknown[f"{product.mission} {product.instrument}".strip()] += product.kind in EVENT_LISTS
            continue
        link = _link_of(names, name, product)
        if link is not None and link not in export.links:
            _add(export, names, link, product)
        elif link is not None and product.kind != "attitude":
            further.append(product.path.name)
    _keep_observations_with_events(export)
    _add_raw_attitude(archive.layout, export)
    export.notes += [
        f"{number} event lists of {which}: XGA has no place for them" for which, number in unknown.items() if number
    ]
    if further:
        export.notes.append(f"{some_of(further)}: XGA takes one file of a kind, so the first is linked")
    return export


def _link_of(names: XgaNames, name: str, product: Product) -> Path | None:
    folder = Path(DATA, names.telescope, product.obsid)
    if product.kind in EVENT_LISTS:
        return folder / f"{name}_evts.fits"
    if product.kind == "attitude":
        return folder / "attitude.fits" if names.attitude else None
    return folder / f"{name}_{_edges(product.band)}keV_{KINDS[product.kind]}.fits" if product.band else None


def _edges(band: tuple[float, float]) -> str:
    return f"{band[0]}-{band[1]}"


def _keep_observations_with_events(export: XgaExport) -> None:
    """Leave out observations without event list, which XGA would list without a position."""
    listed = {link.parent for link in export.links if link.name.endswith("_evts.fits")}
    export.links = {link: target for link, target in export.links.items() if link.parent in listed}
    telescopes = {folder.parts[1] for folder in listed}
    export.telescopes = {name: names for name, names in export.telescopes.items() if name in telescopes}


def _add(export: XgaExport, names: XgaNames, link: Path, product: Product) -> None:
    export.links[link] = product.path
    export.telescopes[names.telescope] = names
    export.event_lists += product.kind in EVENT_LISTS
    if product.kind in IMAGES and product.band:
        export.bands.setdefault(names.telescope, set()).add(product.band)


def _add_raw_attitude(layout: Layout, export: XgaExport) -> None:
    """Link the raw file with an observation's attitude where no product has it, and note the observations without one."""
    observations = {(link.parts[1], link.parts[2]) for link in export.links}
    lacking = {names for names in observations if Path(DATA, *names, "attitude.fits") not in export.links}
    for mission, spec in MISSIONS.items():
        if spec.xga is None or not spec.xga.attitude:
            continue
        for path in record_paths(layout, mission):
            names = (spec.xga.telescope, path.parts[-3])
            if names in lacking and (file := _raw_attitude(layout, path, spec.xga)) is not None:
                export.links[Path(DATA, *names, "attitude.fits")] = file
                lacking.discard(names)
    without = sorted(obsid for telescope, obsid in lacking if export.telescopes[telescope].attitude)
    if without:
        export.notes.append(
            f"{some_of(without)}: no attitude file is known, and XGA leaves out observations without one"
        )


def _raw_attitude(layout: Layout, record: Path, names: XgaNames) -> Path | None:
    for stamp in read_sound_record(record).raw:
        path = Path(os.path.normpath(layout.root.absolute() / stamp.path))
        if re.fullmatch(names.attitude, path.name) and path.is_file():
            return path
    return None


def _regions(layout: Layout, export: XgaExport) -> Iterator[tuple[Names, str]]:
    """Yield telescope, ObsID and the text of all its region files as one, since XGA reads one file an observation."""
    from regions import Regions

    for telescope, names in export.telescopes.items():
        missions = [mission for mission, spec in MISSIONS.items() if spec.xga == names]
        files = [file for mission in missions for file in region_files(layout, mission=mission)]
        exported = {link.parts[2] for link in export.links if link.parts[1] == telescope}
        for obsid in sorted({file.obsid for file in files} & exported):
            together = [
                region for file in files if file.obsid == obsid for region in Regions.read(file.path, format="ds9")
            ]
            yield (telescope, obsid), Regions(together).serialize(format="ds9", precision=8)


def config_text(export: XgaExport, directory: Path) -> str:
    """Return the text of `xga.cfg` for a directory of links."""
    parser = RawConfigParser()
    parser["XGA_SETUP"] = {"xga_save_path": str(directory / "xga_output"), "num_cores": "auto"}
    for telescope, names in sorted(export.telescopes.items()):
        root = directory / DATA / telescope
        here = str(root / "{obs_id}")
        bands = sorted(export.bands.get(telescope, ()))
        keys = {f"root_{telescope}_dir": f"{root}/"}
        for name in dict.fromkeys(names.instruments.values()) or (telescope,):
            keys[f"clean_{name}_evts"] = f"{here}/{name}_evts.fits"
            keys |= {f"{name}_{kind}": f"{here}/{name}_{{lo_en}}-{{hi_en}}keV_{kind}.fits" for kind in IMAGES}
        if names.attitude:
            keys["attitude_file"] = f"{here}/attitude.fits"
        keys |= {"region_file": f"{here}/regions.reg", "lo_en": _list(low for low, _ in bands)}
        parser[f"{telescope.upper()}_FILES"] = {**keys, "hi_en": _list(high for _, high in bands)}
    lines: list[str] = []
    for section in parser.sections():
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in parser[section].items()), ""]
    return "\n".join(lines)


def _list(energies: Iterable[float]) -> str:
    return f"[{', '.join(repr(str(energy)) for energy in energies)}]"


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def _remove_links(folder: Path) -> None:
    """Remove the links and regions of an earlier export, and the directories that are empty then."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_symlink() or path.name == REGIONS:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
