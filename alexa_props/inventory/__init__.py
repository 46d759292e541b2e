"""The units and devices of an organization, by name."""

from __future__ import annotations

from alexa_props.inventory.diff import Change, ChangeKind, InventoryDiff
from alexa_props.inventory.snapshot import Inventory

__all__ = ["Change", "ChangeKind", "Inventory", "InventoryDiff"]
