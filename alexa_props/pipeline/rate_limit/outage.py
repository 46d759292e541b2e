"""While the store of a shared quota is lost: this process's share of the rate, and when it probes and returns.

Times are the event loop's: the clock of a store that is lost may be corrected when it is found.
"""

from __future__ import annotations

import random
from typing import Final

import attrs

from alexa_props.pipeline.rate_limit import tuning
from alexa_props.pipeline.rate_limit.controller import Controller
from alexa_props.settings import RateLimit

__all__ = ["Outage", "share_of"]

_PROBE_EVERY: Final = 1.0
"""Seconds between two probes of a store that was lost."""


@attrs.define
class Outage:
    """The time without the store."""

    began: float
    probe_at: float = attrs.field(init=False)
    """Time of the next probe."""
    back_at: float | None = None
    """Time of the return; None until a probe has succeeded."""
    unusable: str = ""
    """Why the store refuses to be used again, as logged."""

    def __attrs_post_init__(self) -> None:
        self.postpone_probe(self.began)

    def postpone_probe(self, now: float) -> None:
        """Let the next probe be a while from now."""
        self.probe_at = now + _PROBE_EVERY

    def forget_times(self, now: float) -> None:
        """Probe soon: the other times are of another event loop."""
        self.began = self.probe_at = now
        self.back_at = None


def share_of(shared: Controller, settings: RateLimit, members: int, *, time: float | None, now: float) -> Controller:
    """Return the controller of a process that continues alone, with its share of what is known.

    Args:
        shared: That of the record.
        settings: Of the scope.
        members: Clients that share it.
        time: The store's time; None if the record was never seen.
        now: The event loop's time.

    """
    burst = max(1, settings.burst // members)
    alone = Controller(
        None if settings.per_second is None else settings.per_second / members,
        burst,
        rate=shared.rate if time is None else max(shared.rate / members, tuning.FLOOR),
        ceiling=None if shared.ceiling is None else shared.ceiling / members,
    )
    if time is None:
        return alone
    if shared.paused_until > time:
        alone.paused_until = now + shared.paused_until - time
    elif shared.delay(time, members * burst - 1) > 0:
        # The group has used its turns up to now. Each process begins at another moment.
        began = now - random.random() / alone.rate  # noqa: S311 - jitter
        for _ in range(burst):
            alone.take(began, held_back=False)
    return alone
