"""The attributes of an object as numbers, and back, in every transaction of a shared rate limit."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final

from alexa_props.pipeline.rate_limit.measurement import Mark

__all__ = ["Layout"]

_MARK: Final = len(Mark._fields)
_NO_MARK: Final = (math.nan,) * _MARK


class Layout:
    """Names of attributes by kind, in the order of their numbers: a change of these is another format of the state.

    Args:
        numbers: They are floats.
        optional: Floats or None.
        counts: Integers.
        flags: Booleans.
        marks: Marks or None, the last ones.

    """

    def __init__(
        self,
        *,
        numbers: tuple[str, ...],
        optional: tuple[str, ...],
        counts: tuple[str, ...],
        flags: tuple[str, ...],
        marks: tuple[str, ...],
    ) -> None:
        self.names: Final = (*numbers, *optional, *counts, *flags, *marks)
        self._values = operator.attrgetter(*self.names)
        self._marks = len(marks)
        self._ends = tuple(itertools.accumulate(map(len, (numbers, optional, counts, flags))))
        self.length: Final = self._ends[-1] + _MARK * self._marks
        """How many numbers there are."""

    def numbers(self, owner: object) -> tuple[float, ...]:
        """Return the values of an object as numbers."""
        values = self._values(owner)
        plain, marks = values[: -self._marks], values[-self._marks :]
        return (
            *[math.nan if value is None else value for value in plain],
            *itertools.chain.from_iterable(mark or _NO_MARK for mark in marks),
        )

    def values(self, numbers: Sequence[float]) -> Iterable[tuple[str, Any]]:
        """Return the names and their values.

        Raises:
            ValueError: A number is missing, or a count is not a number.
            OverflowError: A count is infinite.

        """
        if len(numbers) != self.length:
            raise ValueError("not all numbers are there")
        floats, optional, counts, flags = self._ends
        values: list[Any] = [
            *numbers[:floats],
            # Only nan differs from itself.
            *[value if value == value else None for value in numbers[floats:optional]],  # noqa: PLR0124
            *map(int, numbers[optional:counts]),
            *map(bool, numbers[counts:flags]),
        ]
        for begin in range(flags, self.length, _MARK):
            number, at, refused = numbers[begin : begin + _MARK]
            values.append(None if math.isnan(number) else Mark(int(number), at, int(refused)))
        return zip(self.names, values, strict=True)
