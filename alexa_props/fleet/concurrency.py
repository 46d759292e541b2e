"""How many items of a run are in flight."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["AdaptiveConcurrency"]


class AdaptiveConcurrency:
    """Follows the rate that the limiter allows: enough items in flight to keep its queue from running empty.

    By Little's law, calls in flight are the learned rate times the duration of a call; all further calls wait in the
    queue. So after as many items as are in flight, their number is reduced by the share of time that was spent
    in the queue, and increased by a quarter.

    Args:
        most: The number to begin with, and never to exceed. None begins with few.

    """

    FIRST: Final = 4
    """The number to begin with if `most` is None."""
    MOST: Final = 100
    """The limit if `most` is None and no client was seen whose connections are known."""

    def __init__(self, most: int | None) -> None:
        self.now = most or self.FIRST
        self._most = most or math.inf
        self._items = 0
        self._elapsed = self._called = self._waited = 0.0

    def ended(self, *, elapsed: float, called: float, waited: float, connections: int | None) -> None:
        """Count an item that ended.

        Args:
            elapsed: Seconds that it took.
            called: Seconds of its calls, added up. It exceeds `elapsed` if calls run concurrently.
            waited: Seconds of `called` that were spent in the queue of the rate limiter.
            connections: How many requests its client may have in flight; None if it called none.

        """
        self._items += 1
        self._elapsed += elapsed
        self._called += called
        self._waited += waited
        if self._items < self.now:
            return
        # An item may do other work besides its calls.
        busy = max(self._called, self._elapsed)
        queued = self._waited / busy if busy else 0.0
        calls_per_item = max(1.0, self._called / self._elapsed) if self._elapsed else 1.0
        most = min(self._most, max(1, int((connections or max(self.MOST, self.now)) / calls_per_item)))
        self.now = int(min(most, round(self.now * (1 - queued) * 1.25) + self.FIRST))
        self._items = 0
        self._elapsed = self._called = self._waited = 0.0
