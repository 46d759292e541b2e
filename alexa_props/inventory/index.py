"""What a text may mean: ids, serial numbers, MAC addresses, names, paths and room numbers."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from alexa_props.inventory.names import fold, has_digit, mac_of, parts_of, without_zeros, words_of
from alexa_props.inventory.suggestions import closest, similar
from alexa_props.inventory.tree import Tree, device_label, unit_label

__all__ = ["Index"]

Accept = Callable[[int], bool]

_MOST_PARTS: Final = 64
"""Parts of a path: a tree has at most 15 levels, and names may have slashes in them."""
_FEW: Final = 200
"""Things with one name that are compared one by one for suggestions."""
_SLASHES: Final = re.compile("[/\uff0f]")


class Index:
    """Finds the numbers of units and devices of a tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._units = len(tree.units)
        self._ids: dict[str, int] = {}
        # Names repeat, serial numbers should not: a single number takes less memory than a list of one.
        self._names: dict[str, int | list[int]] = {}
        self._words: dict[str, int | list[int]] = {}
        self._serials: dict[str, int | list[int]] = {}
        self._macs: dict[str, int | list[int]] = {}
        self._joined = 1
        for number, unit in enumerate(tree.units):
            self._ids[unit.id] = number
            name = self._add_name(unit_label(unit), number)
            for word in dict.fromkeys(map(without_zeros, words_of(name))):
                _add(self._words, word, number)
        for number, device in enumerate(tree.devices, self._units):
            self._ids[device.id] = number
            self._add_name(device_label(device), number)
            if device.serial_number and (serial := fold(device.serial_number)):
                _add(self._serials, serial, number)
            for connection in device.connections:
                if connection.mac_address and (mac := mac_of(connection.mac_address)):
                    _add(self._macs, mac, number)

    def number_of(self, own_id: str) -> int | None:
        """Return the number of an id; None if it is unknown."""
        return self._ids.get(own_id)

    def with_serial(self, serial_number: str) -> Sequence[int]:
        """Return the devices with a serial number."""
        return _numbers(self._serials, fold(serial_number))

    def matches(self, text: str, accept: Accept) -> Sequence[int]:
        """Return what a text means, among the numbers that are accepted: at best one, none if nothing fits.

        An id comes first, then names, serial numbers and MAC addresses, and last what has a word or a number in its
        name. A full path comes before one that leaves out units, and exact spelling before tolerance.
        """
        number = self._ids.get(text)
        if number is not None and accept(number):
            return [number]
        parts = parts_of(text)
        if not 0 < len(parts) <= _MOST_PARTS:
            return []
        found = {*self._along(parts, self._named), *_numbers(self._serials, fold(text))}
        mac = mac_of(text)
        if mac is not None:
            found.update(_numbers(self._macs, mac))
        accepted = sorted(filter(accept, found))
        if not accepted:
            accepted = sorted(filter(accept, self._along(parts, self._named_or_with_word)))
        return accepted if len(accepted) <= 1 else self._best(text, parts, accepted)

    def suggestions(self, text: str, accept: Accept, count: int) -> Sequence[int]:
        """Return what has a similar name, the best first."""
        parts = parts_of(text)
        if not 0 < len(parts) <= _MOST_PARTS:
            return []
        candidates: dict[int, str] = {}
        # The whole may be one name with slashes in it, or only its last part is one.
        names = (parts[-1], "/".join(parts)) if self._joined > 1 else parts[-1:]
        for name in dict.fromkeys(names):
            for near in similar(name, self._names):
                numbers: Iterable[int] = _numbers(self._names, near)
                if len(parts) > 1 and _count(self._names, near) > _FEW:
                    above = self.suggestions("/".join(parts[:-1]), self._is_unit, count)
                    numbers = [each for unit in above for each in self._below(unit, _numbers(self._names, near))]
                candidates.update(dict.fromkeys(filter(accept, list(numbers)[: 5 * _FEW]), near))
        if len(parts) == 1:
            return closest(parts[0], candidates)[:count]
        paths = {number: "/".join(map(fold, self._tree.labels(number))) for number in candidates}
        return closest("/".join(parts), paths)[:count]

    def searchable(self, number: int) -> str:
        """Return everything of a unit or a device that can be searched, folded."""
        tree = self._tree
        texts: list[str | None] = [tree.path(number)]
        if number < self._units:
            texts.append(tree.units[number].id)
        else:
            device = tree.devices[number - self._units]
            texts += [device.id, device.serial_number, *(each.mac_address for each in device.connections)]
        return fold("\n".join(filter(None, texts)))

    def _is_unit(self, number: int) -> bool:
        return number < self._units

    def _add_name(self, label: str, number: int) -> str:
        parts = parts_of(label)
        self._joined = max(self._joined, len(parts))
        name = "/".join(parts)
        _add(self._names, name, number)
        return name

    def _along(self, parts: Sequence[str], named: Callable[[str], Sequence[int]]) -> set[int]:
        """Return what a path leads to: each part names something below what the parts before it name.

        Several parts may be one name with slashes in it.
        """
        reached: list[set[int]] = []
        for end in range(1, len(parts) + 1):
            here: set[int] = set()
            for start in range(max(0, end - self._joined), end):
                numbers = named("/".join(parts[start:end]))
                if start == 0:
                    here.update(numbers)
                elif numbers:
                    for unit in filter(self._is_unit, reached[start - 1]):
                        here.update(self._below(unit, numbers))
            reached.append(here)
        return reached[-1]

    def _below(self, unit: int, numbers: Sequence[int]) -> Iterable[int]:
        """Return which of some numbers are below a unit."""
        for inside in self._tree.inside(unit):
            first = bisect_left(numbers, inside.start)
            yield from numbers[first : bisect_left(numbers, inside.stop, first)]

    def _named(self, name: str) -> Sequence[int]:
        return _numbers(self._names, name)

    def _named_or_with_word(self, text: str) -> Sequence[int]:
        """Return what has a name, and the units that have a text in their name.

        "320" is a part of "Room 320", and "Hotel du Lac" one of "Hotel du Lac 2". But "Room 32" is not meant by
        "Room 32 B": a text with a number has to be a single word.
        """
        words = words_of(text)
        if not words or (has_digit(text) and [text] != words):
            return self._named(text)
        found = min((_numbers(self._words, without_zeros(word)) for word in words), key=len)
        if len(words) > 1:
            found = [each for each in found if f" {text} " in f" {fold(unit_label(self._tree.units[each]))} "]
        return sorted({*self._named(text), *found})

    def _best(self, text: str, parts: Sequence[str], numbers: Sequence[int]) -> Sequence[int]:
        """Return the numbers that a text means most exactly."""
        tree = self._tree
        labels = {number: tree.labels(number) for number in numbers}
        spelled = [part.strip() for part in _SLASHES.split(text) if part.strip()]
        chosen = set(numbers)

        def is_spelled(number: int) -> bool:
            flat = [part.strip() for label in labels[number] for part in _SLASHES.split(label)]
            return flat[-1:] == spelled[-1:] and _is_within(spelled, flat)

        def is_folded_path(number: int) -> bool:
            return [part for label in labels[number] for part in parts_of(label)] == parts

        def is_not_a_device_in_one(number: int) -> bool:
            # A device is often named like its room, and then the room is meant.
            return number < self._units or tree.place_of(number) not in chosen

        def has_exact_word(number: int) -> bool:
            return parts[-1] in words_of(fold(labels[number][-1]))

        # A blank at the end may belong to a name.
        for wanted in (text, text.strip()):
            full = [number for number in numbers if "/".join(labels[number]) == wanted]
            if full:
                return full
        for fits in (is_spelled, is_folded_path, is_not_a_device_in_one, has_exact_word):
            numbers = [each for each in numbers if fits(each)] or numbers
            if len(numbers) == 1:
                break
        return numbers


def _is_within(parts: Sequence[str], path: Sequence[str]) -> bool:
    """Return whether all parts are in a path, in order."""
    steps = iter(path)
    return all(part in steps for part in parts)


def _add(index: dict[str, int | list[int]], key: str, number: int) -> None:
    found = index.get(key)
    if found is None:
        index[key] = number
    elif isinstance(found, int):
        if found != number:
            index[key] = [found, number]
    elif found[-1] != number:
        found.append(number)


def _numbers(index: Mapping[str, int | list[int]], key: str) -> Sequence[int]:
    found = index.get(key)
    return () if found is None else (found,) if isinstance(found, int) else found


def _count(index: Mapping[str, int | list[int]], key: str) -> int:
    return len(_numbers(index, key))
