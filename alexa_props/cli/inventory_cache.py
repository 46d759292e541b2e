"""Inventories in the user's cache folder, so that most names need no calls."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from pathlib import Path
from typing import Final

import attrs

from alexa_props import Inventory
from alexa_props.cli.cache_folder import private_cache_folder
from alexa_props.errors import ConfigurationError

__all__ = ["InventoryCache", "age_of"]

_PARTS: Final = {False: "units", True: "devices"}
"""What a file has, by whether it has devices. They are two files: units are read again more often."""


def age_of(inventory: Inventory) -> dt.timedelta:
    """Return how long ago an inventory was read. It is negative if the clock was set back."""
    return dt.datetime.now(dt.UTC) - inventory.taken


@attrs.frozen
class InventoryCache:
    """The inventories of one organization, as one login sees it: ids differ between clients."""

    login: str
    """Identifies the client and the service."""
    organization: str
    """The unit that everything is below."""

    def read(self, *, endpoints: bool) -> Inventory | None:
        """Return the latest inventory, with devices if wanted; None if there is none that can be used."""
        found = [self._read(with_devices=each) for each in ((True,) if endpoints else (False, True))]
        return max(filter(None, found), key=lambda inventory: inventory.taken, default=None)

    def write(self, inventory: Inventory) -> None:
        """Replace the stored inventory. A cache that cannot be written is no reason to fail."""
        with contextlib.suppress(OSError):
            path = self._path(with_devices=inventory.has_endpoints, create=True)
            if path is not None:
                inventory.save(path)

    def _read(self, *, with_devices: bool) -> Inventory | None:
        path = self._path(with_devices=with_devices)
        if path is None:
            return None
        # Missing, damaged, or of another version: it is read from the service again.
        with contextlib.suppress(OSError, ConfigurationError):
            inventory = Inventory.load_file(path)
            if inventory.root.id == self.organization and inventory.has_endpoints == with_devices:
                return inventory
        return None

    def _path(self, *, with_devices: bool, create: bool = False) -> Path | None:
        folder = private_cache_folder(create=create)
        name = hashlib.sha256(f"{self.login}\n{self.organization}".encode()).hexdigest()[:32]
        return None if folder is None else folder / f"inventory-{name}-{_PARTS[with_devices]}.jsonl"
