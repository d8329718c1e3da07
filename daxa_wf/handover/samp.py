"""Send products to programs on this desktop, such as TOPCAT, DS9 and Aladin, by SAMP (IVOA recommendation, version 1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.products import Product
from daxa_wf.errors import ConfigError
from daxa_wf.near import closest

IMAGE, TABLE = "image.load.fits", "table.load.fits"
"""Types of messages: load an image, load a table."""
IMAGE_KINDS = ("image", "expmap", "backmap", "maskimage", "thresholdimage")
MOST_PRODUCTS = 50
"""Products that are sent at once, since each one opens a window or a layer."""


@dataclass(frozen=True)
class Delivery:
    """A product, and the names of the programs that were asked to load it."""

    path: Path
    receivers: tuple[str, ...]


def message_type(product: Product) -> str:
    """Return the type of the message that loads a product. Raise ConfigError if the product is not FITS."""
    if not product.path.name.removesuffix(".gz").endswith((".fits", ".cif")):
        raise ConfigError(f"{product.path.name} is not a FITS file, so no program loads it by SAMP; choose a --kind")
    return IMAGE if product.kind in IMAGE_KINDS else TABLE


def send_products(products: Sequence[Product], to: str | None = None) -> list[Delivery]:
    """Ask every program that loads images or tables, or the one named `to`, to load products from this disk.

    Raise ConfigError if too many products are given, if no hub runs, or if no program loads a product.
    """
    if not 0 < len(products) <= MOST_PRODUCTS:
        raise ConfigError(
            f"{len(products)} products match; choose 1 to {MOST_PRODUCTS} by --obsid, --instrument, --kind, --band"
        )
    kinds = [message_type(product) for product in products]
    client = _connected()
    try:
        receivers = {kind: _receivers(client, kind, to) for kind in dict.fromkeys(kinds)}
        for product, kind in zip(products, kinds, strict=True):
            for identifier in receivers[kind]:
                client.notify(identifier, {"samp.mtype": kind, "samp.params": _parameters(product)})
    finally:
        client.disconnect()
    return [
        Delivery(product.path, tuple(sorted(receivers[kind].values())))
        for product, kind in zip(products, kinds, strict=True)
    ]


def _connected() -> Any:
    """Return a client of the running hub. Raise ConfigError if no hub answers."""
    from pyvo.samp import SAMPHubError, SAMPIntegratedClient, SAMPProxyError

    metadata = {"author.name": "daxa_wf", "daxa_wf.version": daxa_wf.__version__}
    client = SAMPIntegratedClient(
        "daxa_wf", "Archives of X-ray observations", metadata, addr="localhost", callable=False
    )
    try:
        client.connect()
    except (SAMPHubError, SAMPProxyError, OSError):
        raise ConfigError("no SAMP hub is running; start TOPCAT, Aladin or another program with a hub first") from None
    return client


def _receivers(client: Any, kind: str, to: str | None) -> dict[str, str]:
    """Return the programs that load messages of a type: identifier -> name. Raise ConfigError if no program does."""
    subscribed = client.get_subscribed_clients(kind)
    names = {identifier: _name_of(client, identifier) for identifier in sorted(subscribed)}
    chosen = {identifier: name for identifier, name in names.items() if to is None or name.lower() == to.lower()}
    if chosen:
        return chosen
    what = "images" if kind == IMAGE else "tables"
    if to is None:
        raise ConfigError(f"no program that loads {what} is connected to the SAMP hub; start DS9, Aladin or TOPCAT")
    raise ConfigError(
        f"--to {to}: no such program loads {what}; there is {', '.join(names.values()) or 'none'}{closest(to, names.values())}"
    )


def _name_of(client: Any, identifier: str) -> str:
    return str(client.get_metadata(identifier).get("samp.name", identifier))


def _parameters(product: Product) -> dict[str, str]:
    parts: Iterable[str] = (product.obsid, product.instrument, product.kind)
    band = f"{product.band[0]:g}-{product.band[1]:g} keV" if product.band else ""
    return {"url": product.path.absolute().as_uri(), "name": " ".join(filter(None, (*parts, band)))}
