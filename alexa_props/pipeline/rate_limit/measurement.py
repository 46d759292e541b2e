"""What a quota accepts per second, measured between two moments at which it was used up."""

from __future__ import annotations

from typing import NamedTuple

from alexa_props.pipeline.rate_limit import tuning

__all__ = ["Mark", "measured", "measured_from_few"]


class Mark(NamedTuple):
    """A moment at which the quota was used up: how many were sent by then, when, and how many of them were refused.

    Time in which there was nothing to send does not count: nothing can be concluded from what was not accepted then.
    """

    number: int
    at: float
    refused: int

    def since(self, before: Mark) -> tuple[float, int]:
        """Return the seconds since an earlier mark, and how many requests were accepted meanwhile."""
        return self.at - before.at, max(self.number - before.number - (self.refused - before.refused), 0)


def measured(before: Mark | None, mark: Mark | None, ceiling: float, apart: float = 0.0) -> float | None:
    """Return the requests per second that were accepted between two marks; None if too few to tell.

    Args:
        before: The earlier mark.
        mark: The later one.
        ceiling: Requests per second that the quota seems to accept.
        apart: Seconds that must be between them, if that is more than usual.

    """
    if before is None or mark is None:
        return None
    seconds, accepted = mark.since(before)
    few = accepted < tuning.ENOUGH and seconds < max(1.0, tuning.ENOUGH / ceiling)
    return None if few or seconds <= max(tuning.SPAN, apart) else (accepted + 1) / seconds


def measured_from_few(before: Mark | None, mark: Mark, apart: float) -> float | None:
    """Return about how many were accepted per second; None if both marks are about the same refusals."""
    seconds, accepted = (0.0, 0) if before is None else mark.since(before)
    return (accepted + tuning.UNSEEN) / seconds if seconds > apart else None
