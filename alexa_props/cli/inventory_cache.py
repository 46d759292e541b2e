"""Inventories in the user's cache folder: most names need no calls."""

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
"""The two files, by whether they have devices."""


def age_of(inventory: Inventory) -> dt.timedelta:
    """Return how long ago an inventory was read. It is negative if the clock was set back."""
    return dt.datetime.now(dt.UTC) - inventory.taken


@attrs.frozen
class InventoryCache:
    """The inventories of one organization for one login. Ids differ between clients."""

    login: str
    """Identifies the client and the service."""
    organization: str
    """The unit that everything is below."""

    def read(self, *, endpoints: bool) -> Inventory | None:
        """Return the stored inventory, with devices if wanted; None if there is none that can be used."""
        path = self._path(with_devices=endpoints)
        if path is None:
            return None
        # Missing, damaged, or of another version: it is read from the service again.
        with contextlib.suppress(OSError, ConfigurationError):
            inventory = Inventory.load_file(path)
            if inventory.root.id == self.organization and inventory.has_endpoints == endpoints:
                return inventory
        return None

    def write(self, inventory: Inventory) -> None:
        """Replace the stored inventory. Never fails."""
        parts = [inventory]
        if inventory.has_endpoints:
            # Most names are of units, and devices take much longer to read.
            parts.append(attrs.evolve(inventory, devices=(), has_endpoints=False))
        with contextlib.suppress(OSError):
            for part in parts:
                path = self._path(with_devices=part.has_endpoints, create=True)
                if path is not None:
                    part.save(path)

    def _path(self, *, with_devices: bool, create: bool = False) -> Path | None:
        folder = private_cache_folder(create=create)
        name = hashlib.sha256(f"{self.login}\n{self.organization}".encode()).hexdigest()[:32]
        return None if folder is None else folder / f"inventory-{name}-{_PARTS[with_devices]}.jsonl"
