"""What people type, and what it means: one thing, or an error that says what to type instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from alexa_props.errors import AmbiguousName, ConfigurationError, NameNotFound, NamesNotFound
from alexa_props.fleet.rooms import Room
from alexa_props.inventory.index import Index
from alexa_props.inventory.tree import Tree, unit_label
from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
from alexa_props.smart_properties.units import Unit

__all__ = ["Kind", "Lookup", "Thing", "require_name"]

Thing: TypeAlias = Room | Unit | Endpoint
Kind: TypeAlias = Literal["room", "unit", "endpoint"]

_NOUNS: Final[Mapping[Kind | None, str]] = {
    None: "room, unit or device",
    "room": "room",
    "unit": "unit",
    "endpoint": "device",
}
_SUGGESTED: Final = 5
"""Suggestions and candidates that a message names."""
_WITH_SUGGESTIONS: Final = 20
"""Unknown names of a list that get suggestions: looking for them takes a tenth of a second."""


class Lookup:
    """Finds things of an inventory by what people type.

    Args:
        tree: The units and devices.
        rooms: The rooms, by number.
        has_devices: Whether the devices were loaded.

    """

    def __init__(self, tree: Tree, rooms: Mapping[int, Room], *, has_devices: bool) -> None:
        self.index = Index(tree)
        self._tree = tree
        self._rooms = rooms
        self._name = unit_label(tree.units[0])
        self._has_devices = has_devices

    def find_all(self, texts: Iterable[object], kind: Kind | None) -> list[Thing]:
        """Return what each text means; raises `NamesNotFound` if some mean nothing, or several things."""
        found: list[Thing] = []
        problems: list[NameNotFound | AmbiguousName] = []
        for text in texts:
            try:
                found.append(self.find(text, kind, suggest=len(problems) < _WITH_SUGGESTIONS))
            except (NameNotFound, AmbiguousName) as error:
                problems.append(error)
        if problems:
            raise NamesNotFound(problems)
        return found

    def thing(self, number: int) -> Thing:
        """Return the room, the unit or the device of a number."""
        units = self._tree.units
        if number >= len(units):
            return self._tree.devices[number - len(units)]
        return self._rooms.get(number) or units[number]

    def number(self, thing: Thing) -> int:
        """Return the number of a room, a unit or a device of this inventory."""
        number = self.index.number_of(thing.id)
        assert number is not None  # noqa: S101 - it is this inventory's own
        return number

    def _accepts(self, number: int, kind: Kind | None) -> bool:
        if kind == "room":
            return number in self._rooms
        return kind is None or (number < len(self._tree.units)) == (kind == "unit")

    def find(self, text: object, kind: Kind | None, *, suggest: bool = True) -> Thing:
        """Return what a text means; see `Inventory.find`.

        Args:
            text: The text, or a thing of any inventory.
            kind: Only this kind; None finds all.
            suggest: Whether to look for similar names if there is none.

        Raises:
            NameNotFound: There is none.
            AmbiguousName: There are several.
            ConfigurationError: It is no text.

        """

        def accept(number: int) -> bool:
            return self._accepts(number, kind)

        if isinstance(text, Room | Unit | UnitRef | Endpoint):
            return self._find_again(text, accept)
        text = require_name(text)
        found = self.index.matches(text, accept)
        if len(found) == 1:
            return self.thing(found[0])
        if found:
            raise self._ambiguous(text, found)
        near = self.index.suggestions(text, accept, _SUGGESTED) if suggest else ()
        suggestions = [name for name, _ in self._names(near)]
        known = "" if self._has_devices or kind in ("room", "unit") else " (it was loaded without devices)"
        raise NameNotFound(
            f"there is no {_NOUNS[kind]} {text!r:.100} in {self._name}{known}"
            + (f": did you mean {', '.join(map(repr, suggestions))}?" if suggestions else ""),
            text=text,
            suggestions=suggestions,
        )

    def _find_again(self, thing: Room | Unit | UnitRef | Endpoint, accept: Callable[[int], bool]) -> Thing:
        number = self.index.number_of(thing.id)
        if number is None and isinstance(thing, Endpoint) and thing.serial_number:
            # Its id changes when it is moved.
            found = self.index.with_serial(thing.serial_number)
            number = found[0] if len(found) == 1 else None
        if number is None or not accept(number):
            raise NameNotFound(f"{thing.id!r} is not in the inventory of {self._name}: load it again", text=thing.id)
        return self.thing(number)

    def _ambiguous(self, text: str, found: Sequence[int]) -> AmbiguousName:
        names = self._names(found)
        more = f" and {len(names) - _SUGGESTED:,} more" if len(names) > _SUGGESTED else ""
        shown = ", ".join(repr(name) + note for name, note in names[:_SUGGESTED])
        return AmbiguousName(
            f"{text!r:.100} may be any of {shown}{more}: name one of them",
            text=text,
            candidates=[name for name, _ in names],
        )

    def _names(self, numbers: Sequence[int]) -> list[tuple[str, str]]:
        """Return a text that finds each thing, and a note for messages: a path, or an id if several have the path."""
        paths = {number: self._tree.path(number) for number in numbers}
        counts: dict[str, int] = {}
        for path in paths.values():
            counts[path] = counts.get(path, 0) + 1
        return [
            (path, "") if counts[path] == 1 else (self.thing(number).id, f" ({path})") for number, path in paths.items()
        ]


def require_name(text: object) -> str:
    """Return a text to look up; raises `ConfigurationError` if it is none."""
    if not isinstance(text, str) or not text.strip():
        raise ConfigurationError(
            "a name, a path, a serial number or an id must be a string that is not empty, or a Room, Unit or Endpoint, "
            f"not {text!r:.80}"
        )
    return text
