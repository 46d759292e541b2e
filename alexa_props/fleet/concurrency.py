"""How many items a run works on at once."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["AdaptiveConcurrency"]


class AdaptiveConcurrency:
    """Follows what the rate limiter lets through: as many items at once as keep somebody in line, and few more.

    By Little's law, so many calls are under way at the rate that was learned as it lets through in the time that a call
    takes; whoever is more waits in line. So of every generation of items the share of time that was spent in line is
    taken off, and a quarter put on.

    Args:
        most: begin with so many at once, and never have more; None begins with few.

    """

    FIRST: Final = 4
    MOST: Final = 100
    """Where nothing else says it: no number was given, and no client was seen whose connections could be counted."""

    def __init__(self, most: int | None) -> None:
        self.now = most or self.FIRST
        self._most = most or math.inf
        self._items = 0
        self._elapsed = self._called = self._waited = 0.0

    def ended(self, *, elapsed: float, called: float, waited: float, connections: int | None) -> None:
        """An item ended after `elapsed` seconds, with `called` of them in calls, of these `waited` in line.

        Calls of one item may run side by side, so that `called` may be the greatest.
        """
        self._items += 1
        self._elapsed += elapsed
        self._called += called
        self._waited += waited
        if self._items < self.now:
            return
        # What an item does besides its calls takes its time, too.
        busy = max(self._called, self._elapsed)
        in_line = self._waited / busy if busy else 0.0
        abreast = max(1.0, self._called / self._elapsed) if self._elapsed else 1.0
        most = min(self._most, max(1, int((connections or max(self.MOST, self.now)) / abreast)))
        self.now = int(min(most, round(self.now * (1 - in_line) * 1.25) + self.FIRST))
        self._items = 0
        self._elapsed = self._called = self._waited = 0.0
