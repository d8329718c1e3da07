"""The versions of an archive in Python: the part of `Archive` about its history."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from daxa_wf.archive.history import Version, read_history
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.version_changes import ProductChange
from daxa_wf.archive.versions import PRESENT, differences

if TYPE_CHECKING:
    from astropy.table import Table

HISTORY_COLUMNS = (
    "version", "change", "time", "author", "message", "added", "removed", "changed", "observations", "products", "bytes"
)  # fmt: skip


class VersionedArchive:
    """The archive of a layout with its versions. The history is read whenever it is asked for."""

    layout: Layout

    @property
    def version(self) -> str:
        """Return the number of the newest version, or '' without one.

        >>> Archive("my_archive").version
        '1.0.0'
        """
        latest = read_history(self.layout).latest
        return latest.number if latest is not None else ""

    @property
    def history(self) -> Table:
        """Return a Table of the versions, the oldest first: change, time (UTC), author, reason, and numbers of products.

        `added`, `removed` and `changed` count products; `observations`, `products` and `bytes` are those of the version.

        >>> print(Archive("my_archive").history["version", "change", "author", "message", "products"])
        version change author  message  products
        ------- ------ ------ --------- --------
          1.0.0  first    Ada first run        6
        """
        from astropy.table import Table

        rows = [_row(version) for version in read_history(self.layout).versions]
        table = Table(rows=rows or None, names=HISTORY_COLUMNS, dtype=[str] * 5 + [int] * 6)
        table["bytes"].unit = "byte"
        return table

    def differences(self, first: str, second: str = PRESENT) -> Table:
        """Return a Table of the products that differ between two versions, each with the cause.

        Without a second version, compare with the present records. Raise ConfigError for an unknown version, and
        CorruptFileError if the list of a version's products is damaged.

        >>> len(Archive("my_archive").differences("1.0.0"))
        0
        """
        from astropy.table import Table

        names = [field.name for field in fields(ProductChange)]
        rows = [[getattr(change, name) for name in names] for change in differences(self.layout, first, second)]
        return Table(rows=rows or None, names=names, dtype=[str] * len(names))


def _row(version: Version) -> tuple[str | int, ...]:
    products, after = version.products, version.after
    return (
        version.number, version.change, version.time, version.author, version.message, products.added,
        products.removed, products.changed, after.observations, after.products, after.bytes,
    )  # fmt: skip
