"""What changed between two inventories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from alexa_props import export
from alexa_props.inventory.rows import to_html
from alexa_props.inventory.tree import ONLINE, Tree, device_label, unit_label
from alexa_props.tables import plain

__all__ = ["Change", "ChangeKind", "InventoryDiff", "compare"]

ChangeKind: TypeAlias = Literal["added", "removed", "renamed", "moved", "offline", "online"]
"""What happened. "offline" and "online" are devices that went offline or came back."""

_KINDS: Final[tuple[ChangeKind, ...]] = ("added", "removed", "renamed", "moved", "offline", "online")
_COLUMNS: Final[dict[str, type]] = dict.fromkeys(
    ("change", "what", "name", "path", "before", "after", "serial_number", "id"), str
)
_SHOWN: Final = ("change", "what", "name", "path", "before", "after")
"""The columns that a notebook shows, besides the id."""
_MOST_LINES: Final = 50
"""Lines of the text."""


@attrs.frozen(kw_only=True)
class Change:
    """One change of a unit or a device. If a unit was both renamed and moved, there are two."""

    change: ChangeKind
    what: Literal["room", "unit", "device"]
    name: str
    """Its present name; the last one if it was removed."""
    path: str | None
    """The names above it, such as "Seaside / Floor 3"; None directly below the root."""
    before: str | None = None
    """Its former name, place or reachability, if that is what changed."""
    after: str | None = None
    """The present one."""
    serial_number: str | None = None
    id: str
    """Its present id; the last one if it was removed."""

    def __str__(self) -> str:
        path = f" ({self.path})" if self.path else ""
        changed = "" if self.before is None and self.after is None else f": {self.before} → {self.after}"
        return plain(f"{self.change} {self.what} {self.name}{path}{changed}")


@attrs.frozen(repr=False)
class InventoryDiff:
    """What changed from one inventory to another. Its `str` has a line for each change; `len` is their number."""

    changes: tuple[Change, ...]
    """Changes of units, then those of devices."""

    @property
    def added(self) -> tuple[Change, ...]:
        """Units and devices that are only in the other inventory."""
        return self._of("added")

    @property
    def removed(self) -> tuple[Change, ...]:
        """Units and devices that are not in the other inventory."""
        return self._of("removed")

    @property
    def renamed(self) -> tuple[Change, ...]:
        """Units and devices that have another name."""
        return self._of("renamed")

    @property
    def moved(self) -> tuple[Change, ...]:
        """Units and devices that are in another unit."""
        return self._of("moved")

    @property
    def offline(self) -> tuple[Change, ...]:
        """Devices that were online and are offline."""
        return self._of("offline")

    @property
    def online(self) -> tuple[Change, ...]:
        """Devices that were offline and are online."""
        return self._of("online")

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __repr__(self) -> str:
        return f"<InventoryDiff: {self._summary()}>"

    def __str__(self) -> str:
        more = len(self.changes) - _MOST_LINES
        lines = [self._summary(), *(f"  {change}" for change in self.changes[:_MOST_LINES])]
        return "\n".join([*lines, f"  and {more:,} more"] if more > 0 else lines)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a dict per change."""
        return [{name: getattr(change, name) for name in _COLUMNS} for change in self.changes]

    def to_dataframe(self) -> Any:
        """Return the rows as a DataFrame of pandas, or of polars if pandas is not installed.

        Raises:
            ConfigurationError: Neither is installed.
        """
        return export.to_dataframe(self.to_rows(), _COLUMNS)

    def _repr_html_(self) -> str:
        return to_html(self._summary(), self.to_rows(), _SHOWN, ("id",))

    def _of(self, kind: ChangeKind) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.change == kind)

    def _summary(self) -> str:
        counts = Counter(change.change for change in self.changes)
        return ", ".join(f"{counts[kind]:,} {kind}" for kind in _KINDS if counts[kind]) or "no changes"


def compare(before: Tree, after: Tree, *, rooms: frozenset[str], devices: bool) -> InventoryDiff:
    """Return what changed.

    Args:
        before: The former tree.
        after: The present one.
        rooms: The ids of all rooms of both.
        devices: Whether to compare the devices too.

    """
    found = [*_changes(_units(before, rooms), _units(after, rooms))]
    if devices:
        # The id of a device may change when it moves. A serial number that several devices have is a placeholder.
        counts = [Counter(device.serial_number for device in tree.devices) for tree in (before, after)]
        unique = {
            serial for count in counts for serial in count if serial and all(each[serial] <= 1 for each in counts)
        }
        found += _changes(_devices(before, unique), _devices(after, unique))
    return InventoryDiff(tuple(found))


@attrs.frozen(eq=False)
class _Thing:
    what: Literal["room", "unit", "device"]
    id: str
    name: str
    path: str | None
    place_id: str | None
    """The id of the unit above."""
    place: str
    """Names down to the unit above; that of the root if it is the one."""
    serial_number: str | None = None
    reachability: str | None = None

    def change(self, kind: ChangeKind, before: str | None = None, after: str | None = None) -> Change:
        return Change(
            change=kind,
            what=self.what,
            name=self.name,
            path=self.path,
            before=before,
            after=after,
            serial_number=self.serial_number,
            id=self.id,
        )


def _units(tree: Tree, rooms: frozenset[str]) -> dict[str, _Thing]:
    return {
        unit.id: _Thing("room" if unit.id in rooms else "unit", unit.id, unit_label(unit), *_place(tree, number))
        for number, unit in enumerate(tree.units)
    }


def _devices(tree: Tree, unique: set[str]) -> dict[str, _Thing]:
    found = {}
    for number, device in enumerate(tree.devices, len(tree.units)):
        serial, place = device.serial_number, _place(tree, number)
        thing = _Thing("device", device.id, device_label(device), *place, serial, device.reachability)
        found[f"serial number {serial}" if serial in unique else device.id] = thing
    return found


def _place(tree: Tree, number: int) -> tuple[str | None, str | None, str]:
    place = tree.place_of(number)
    if place <= 0:
        return None, tree.units[0].id if place == 0 else None, unit_label(tree.units[0])
    path = " / ".join(tree.labels(place))
    return path, tree.units[place].id, path


def _changes(before: Mapping[str, _Thing], after: Mapping[str, _Thing]) -> Iterator[Change]:
    for key, old in before.items():
        if key not in after:
            yield old.change("removed")
    for key, new in after.items():
        if key not in before:
            yield new.change("added")
            continue
        old = before[key]
        if old.name != new.name:
            yield new.change("renamed", old.name, new.name)
        if old.place_id != new.place_id:
            yield new.change("moved", old.place, new.place)
        was, now = old.reachability, new.reachability
        if was is not None and now is not None and (was == ONLINE) != (now == ONLINE):
            yield new.change("online" if now == ONLINE else "offline", was, now)
