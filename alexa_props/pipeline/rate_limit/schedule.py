"""The schedule of requests at a rate: their turns, and the times of those that missed their turn."""

from __future__ import annotations

from alexa_props.pipeline.rate_limit import tuning

__all__ = ["Schedule"]


class Schedule:
    """Spaces requests by a rate, which may change at any time.

    A request takes a turn, and is sent at that time or, if it was delayed, later. Turns are spaced by the rate, and so
    are requests that are sent late.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = rate
        """Requests per second."""
        self.paused_until = 0.0
        """Time before which nothing is sent."""
        self._burst = burst
        self._holding = False
        """Whether requests are sent one by one, without a burst."""
        self._next = 0.0
        """Time of the next turn if there were no burst."""
        self._due = 0.0
        """The same of requests that missed their turn: behind all that were sent."""
        self._delayed_until = 0.0
        """Time from which on a request is spaced by the rate from the last one that had missed its turn."""
        self._sent_at = 0.0
        """Latest time at which a request was sent, which may be ahead: turns are also granted in advance."""
        self._idle = 0.0
        """Seconds so far in which nobody took turns."""

    def delay(self, now: float, ahead: float = 0.0) -> float:
        """Return the seconds until the next turn, or until so many turns after it; 0 if it is now."""
        return max(self._next + ahead / self.rate - self._allowance() - now, self.paused_until - now, 0.0)

    def new_turn_delay(self, now: float) -> float:
        """Return the seconds until a request that missed its turn may be sent."""
        # Requests that are delayed equally long keep their distances, up to rounding: that is no reason to wait.
        tolerance = 0.1 / self.rate
        return max(self._due - self._allowance() - tolerance - now, self.paused_until - now, 0.0)

    def is_sending_delayed(self, now: float) -> bool:
        """Return whether a delayed request was sent so recently that one more now would exceed the rate."""
        return now < self._delayed_until - 0.1 / self.rate

    def forget_times(self) -> None:
        """Drop the schedule, which is of another clock."""
        self._due = self._next = self._delayed_until = self._sent_at = self._idle = self.paused_until = 0.0

    def _allowance(self) -> float:
        """Return the seconds by which requests may be ahead of the schedule: a burst after time without requests."""
        return 0.0 if self._holding else (self._burst - 1) / self.rate

    def _advance(self, now: float, step: float, *, held_back: bool) -> bool:
        """Take the next turn, with the one after it `step` seconds later; return whether it was taken in time."""
        # A waiter wakes a little late: the schedule stands. Idle time is lost.
        late = min(tuning.LATE, tuning.CATCH_UP / self.rate) if held_back else 0.0
        in_time = now - self._next <= late
        begin = max(self._next, now - late)
        self._idle += begin - self._next
        self._next = begin + step
        return in_time

    def _raise(self, rate: float, now: float) -> None:
        """Raise the rate, if it is higher."""
        allowance = self._allowance()
        self.rate = max(self.rate, rate)
        # A burst that is used up is as many requests as before, but takes less time.
        sooner = allowance - self._allowance()
        self._next = max(self._next - sooner, min(self._next, now))
        self._due = max(self._due - sooner, min(self._due, now))

    def _space(self, now: float, *, delayed: bool, held_back: bool) -> None:
        """Space later requests from one that is sent now; see `Controller.send`."""
        self._due = max(self._due, now) + 1 / self.rate
        if delayed:
            self._delayed_until = self._due
        if held_back:
            # No turns while delayed requests are sent: together they would exceed the rate.
            self._next = max(self._next, self._due)
        self._sent_at = max(self._sent_at, now)

    def _hasten(self, now: float) -> None:
        """Let the next turn be one distance away at most."""
        self._next = min(self._next, now + 1 / self.rate)

    def _begin_anew(self, now: float, seconds: float) -> None:
        """Replace the schedule of an old rate: the next turn is after these seconds and the pause."""
        # Nobody took the turns until now.
        self._idle += max(now - self._next, 0.0)
        # Turns that were granted ahead of time are still used.
        self._next = max(max(now, self._sent_at) + seconds, self.paused_until)
        self._forgo_burst()

    def _forgo_burst(self) -> None:
        """Let requests be sent one by one from the next turn on."""
        self._due = self._next = self._next + self._allowance()
