"""What processes share of a rate limit: the controller's state, the places in the queue, and the members.

`Record.ask` is the whole of a transaction. Like the controller, it has no clock and never waits. Processes run it on
the stored record, one at a time.

A process that must wait gets a *ticket*: a place in the queue of its lane, and the time to come back. A ticket reserves
no turn. A place whose owner does not come back is passed by the schedule, so that a process that was killed costs
nothing.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
import struct
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Self

from alexa_props.call import Lane
from alexa_props.errors import ConfigurationError
from alexa_props.learned_limits import starting_limits
from alexa_props.limits import ScopeLimits
from alexa_props.pipeline.rate_limit import tuning
from alexa_props.pipeline.rate_limit.controller import STATE_LENGTH, Controller, SentRequest
from alexa_props.settings import RateLimit

__all__ = ["Granted", "Record", "Report", "Ticket", "UnknownFormatError"]

_FORMAT: Final = 1
_PLACES: Final = ("interactive", "bulk")
_NUMBERS: Final = 3 + 2 * len(_PLACES)
"""Times, and the position and the tail of each lane."""
# Format, epoch, overtaken, members; then configured rate and burst, these numbers, and the controller.
_HEAD: Final = struct.Struct(f"<BIHHdI{_NUMBERS + STATE_LENGTH}d")
_MOST_SECONDS: Final = 1e9
"""Age that a date can express."""
_MEMBER: Final = struct.Struct("<Id")


class UnknownFormatError(Exception):
    """The record has a format of another release."""


class Report(NamedTuple):
    """The outcome of a request."""

    sent: SentRequest
    at: float
    """Time of the response."""
    outcome: Literal["accepted", "throttled", "singled out", "failed"]
    """"singled out": it was refused for what it asks for, and not for the rate. "failed": it shows nothing of it."""
    retry_after: float | None = None


class Ticket(NamedTuple):
    """Places in the queue of a lane."""

    epoch: int
    place: float
    """The first of them."""
    size: int
    """How many."""
    at: float
    """Time to come back."""


class Granted(NamedTuple):
    """The result of a transaction."""

    turns: tuple[SentRequest, ...]
    """Requests to send, each at its own time."""
    ticket: Ticket | None
    """For the requests that must wait; None if there are none."""


class _Places:
    """The queue of a lane: the place whose turn is next, and the first place that is free."""

    __slots__ = ("position", "tail")

    def __init__(self, position: float = 0.0, tail: float = 0.0) -> None:
        self.position = position
        self.tail = tail


class Record:
    """The shared state of one scope.

    Args:
        settings: The configured rate and burst.
        controller: A new controller, or a restored one.
        epoch: Makes tickets of other records invalid.

    """

    GRANT: Final = 0.01
    """Seconds by which turns are granted ahead. After a refusal, what was granted is still sent."""
    SOON: Final = 0.001
    """Least seconds before a process comes back."""
    AHEAD: Final = 2.5
    """Turns by which interactive requests are granted ahead: bulk requests cannot take them."""
    PRESENT: Final = 5.0
    """Seconds after its last transaction in which a process counts as a member."""
    MOST_PLACES: Final = 1e6
    """Places that a record may reserve."""
    MOST_MEMBERS: Final = 500
    """Members that are counted."""
    IN_USE: Final = 1.0
    """Seconds since the last transaction of a record that is in use."""
    RETURN_AFTER: Final = 1.5
    """Seconds after which processes that were alone return together: each probes once a second."""
    CLOCK_SLACK: Final = 1.0
    """Seconds that the clock may go back."""
    LONGEST_RESPONSE: Final = 300.0
    """Seconds above which a response shows nothing: the clock was set, or its process was stopped."""
    HORIZON: Final = 2 * tuning.LONGEST_PAUSE
    """Seconds by which a time in a record may be ahead."""

    def __init__(self, settings: RateLimit, controller: Controller, epoch: int | None = None) -> None:
        self.controller = controller
        self.settings = settings
        self.epoch = random.getrandbits(32) if epoch is None else epoch
        self.seen = 0.0
        """Time of the last transaction."""
        self.since = 0.0
        """Time from which on the record may be used: after an outage all processes return at the same moment."""
        self.members: dict[int, float] = {}
        """When each member asked last."""
        self._places = {name: _Places() for name in _PLACES}
        self._overtaken = 0
        self._bulk_until = 0.0

    # Storing.

    def pack(self) -> bytes:
        """Return the record as bytes."""
        settings, (interactive, bulk) = self.settings, self._places.values()
        head = _HEAD.pack(
            _FORMAT,
            self.epoch,
            min(self._overtaken, 65535),
            len(self.members),
            math.nan if settings.per_second is None else settings.per_second,
            settings.burst,
            self.seen,
            self.since,
            self._bulk_until,
            interactive.position,
            interactive.tail,
            bulk.position,
            bulk.tail,
            *self.controller.state(),
        )
        return head + b"".join(itertools.starmap(_MEMBER.pack, self.members.items()))

    @classmethod
    def unpack(cls, stored: bytes | None, now: float, settings: RateLimit) -> Self | None:
        """Return the stored record; None if there is none, or if it is damaged.

        If its settings differ and nobody uses it, a new one replaces it.

        Raises:
            ConfigurationError: Processes with another `per_second` or `burst` use it.
            UnknownFormatError: It was stored by another release.

        """
        if not stored:
            return None
        if stored[0] != _FORMAT:
            raise UnknownFormatError
        try:
            _, epoch, overtaken, count, rate, burst, *numbers = _HEAD.unpack_from(stored)
            members = dict(_MEMBER.iter_unpack(stored[_HEAD.size :]))
            # A sum of finite numbers is finite.
            if len(members) != count or not math.isfinite(sum(numbers[:_NUMBERS], sum(members.values()))):
                return None
            seen, since, bulk_until, *places = numbers[:_NUMBERS]
            per_second = None if math.isnan(rate) else rate
            controller = Controller(per_second, burst)
            # A burst that is used up is made up for after it. The clock may have gone back: `at` drops the times.
            slowest = min(tuning.FLOOR, per_second or tuning.FLOOR)
            controller.restore(numbers[_NUMBERS:], latest=max(now, seen) + cls.HORIZON + burst / slowest)
        except (struct.error, ValueError, OverflowError, ZeroDivisionError):
            return None
        if (per_second, burst) != (settings.per_second, settings.burst):
            cls._check_unused(per_second, burst, settings, now - seen)
            return cls(settings, _changed(controller, settings, pause=now > seen))
        record = cls(settings, controller, epoch)
        record.seen, record.since, record._bulk_until, record._overtaken = seen, since, bulk_until, overtaken
        record.members = members
        interactive, bulk = record._places.values()
        interactive.position, interactive.tail, bulk.position, bulk.tail = places
        for each in (interactive, bulk):
            if not 0 <= each.tail - each.position <= cls.MOST_PLACES:
                return None
        return record.at(now)

    def at(self, now: float) -> Self:
        """Return the record as it is used at this time: time may have passed since the last transaction."""
        # 0: it is new.
        if 0 < self.seen < now - tuning.LONGEST_PAUSE:
            return type(self)(self.settings, _aged(self.controller, self.settings, now - self.seen))
        if now < self.seen - self.CLOCK_SLACK or self.since > now + self.RETURN_AFTER + self.CLOCK_SLACK:
            # Another clock: the host was restarted, or a replica took over. What was learned is still valid.
            self._forget_times()
        return self

    @classmethod
    def _check_unused(cls, per_second: float | None, burst: int, settings: RateLimit, age: float) -> None:
        """Raise `ConfigurationError` if processes with these other settings used the record lately."""
        if -cls.CLOCK_SLACK <= age < cls.PRESENT:
            raise ConfigurationError(
                f"another process shares this rate limit with per_second={per_second}, burst={burst}, and this one has "
                f"per_second={settings.per_second}, burst={settings.burst}: all that share it need the same settings"
            )

    def _forget_times(self) -> None:
        self.controller.forget_times()
        self.epoch = (self.epoch + 1) % 2**32
        self.seen = self.since = self._bulk_until = 0.0
        self.members.clear()
        self._places = {name: _Places() for name in _PLACES}

    # Transactions.

    def ask(
        self,
        now: float,
        member: int,
        lane: Lane,
        want: int,
        *,
        ticket: Ticket | None = None,
        waited: bool = False,
        reports: Sequence[Report] = (),
    ) -> Granted:
        """Apply reports, and grant turns.

        Args:
            now: The time. It may be a little before that of the last transaction.
            member: The process that asks.
            lane: The lane of its requests.
            want: How many requests it has in this lane.
            ticket: Its ticket for the lane, if it has one.
            waited: Whether a request waited before it asked.
            reports: Outcomes of earlier requests.

        """
        now = max(now, self.seen)
        self.seen = now
        self._enter(member, now)
        for report in reports:
            self._apply(report, now)
        if not want:
            return Granted((), None)
        controller, places = self.controller, self._places[lane]
        if ticket is None or ticket.epoch != self.epoch:
            ticket = self._join(places, want)
        else:
            waited = True
        if now < self.since or (lane == "interactive" and self._is_bulk_turn(now)):
            return Granted((), self.renew(now, lane, ticket))
        horizon = max(self.GRANT, self._ahead(lane))
        if controller.delay(now, max(0.0, ticket.place - places.position)) > horizon:
            return Granted((), self.renew(now, lane, ticket))
        turns: list[SentRequest] = []
        while len(turns) < min(want, ticket.size) and (delay := controller.delay(now)) <= horizon:
            controller.take(now + delay, held_back=waited or delay > 0 or bool(turns))
            turns.append(controller.send(now + delay))
        taken = len(turns)
        places.position = max(places.position, ticket.place + taken)
        self._count(lane, taken, now)
        if taken == want:
            return Granted(tuple(turns), None)
        if taken < ticket.size:
            ticket = ticket._replace(place=ticket.place + taken, size=ticket.size - taken)
        else:
            ticket = self._join(places, want - taken)
        return Granted(tuple(turns), self.renew(now, lane, ticket))

    def rejoin(self, now: float, member: int, *, returns: bool) -> float:
        """Count a member that was alone, and return the time from which on it may use the record.

        If other processes use the record, that is now. Otherwise all return at the same moment: one by one, each would
        add the rate of the others to their own.

        Args:
            now: The time.
            member: The process.
            returns: Whether it wants to return. A process that is too far away only stays a member.

        """
        self._enter(member, now)
        if returns and self.since <= now and self.seen < now - self.IN_USE:
            self.since = now + self.RETURN_AFTER
            # What the quota gave meanwhile was not counted here.
            pause, self.controller.paused_until = self.controller.paused_until, 0.0
            self.controller.forget_times()
            self.controller.paused_until = pause
            for _ in range(self.settings.burst):
                self.controller.take(self.since, held_back=False)
        return self.since

    def renew(self, now: float, lane: Lane, ticket: Ticket) -> Ticket:
        """Return the ticket with the present estimate of the time to come back."""
        ahead = max(0.0, ticket.place - self._places[lane].position)
        # Times are sums: rounding may make a turn seem due.
        delay = max(self.controller.delay(now, ahead) - self._ahead(lane), self.SOON)
        if lane == "interactive" and now < self._bulk_until:
            # A bulk process comes when its turn is due, and it may be a little late.
            soon = max(self.SOON, 0.1 / self.controller.rate)
            return ticket._replace(at=min(now + self.controller.delay(now), self._bulk_until) + soon)
        return ticket._replace(at=max(now + delay, self.since))

    def time_for(self, now: float, lane: Lane, own: int) -> float:
        """Estimate the seconds that a request of a lane waits behind `own` requests of its process."""
        places = self._places[lane]
        reserved = max(0.0, places.tail - places.position)
        ahead = max(reserved, float(own * max(1, len(self.members))))
        return self.controller.delay(now) + self.controller.time_for(math.ceil(ahead))

    def _enter(self, member: int, now: float) -> None:
        if self.members.get(member, -math.inf) > now - self.PRESENT / 5:
            return
        self.members[member] = now
        for each in [each for each, at in self.members.items() if at < now - self.PRESENT]:
            del self.members[each]
        while len(self.members) > self.MOST_MEMBERS:
            del self.members[next(iter(self.members))]

    def _apply(self, report: Report, now: float) -> None:
        # The clock may have changed since.
        controller, at = self.controller, min(report.at, now)
        if at - report.sent.at > self.LONGEST_RESPONSE:
            controller.ended(at)
        elif report.outcome == "accepted":
            controller.accepted(at, report.sent)
        elif report.outcome == "throttled":
            controller.throttled(at, report.sent, report.retry_after, controller.last_request_id)
        elif report.outcome == "failed":
            controller.ended(at)
        else:
            controller.refused_alone(controller.last_request_id)

    def _most(self) -> int:
        """Return the most turns of one transaction."""
        return max(1, int(self.controller.rate * self.GRANT))

    def _ahead(self, lane: Lane) -> float:
        """Return the seconds by which requests of a lane come back before their turn."""
        return self.GRANT + self.AHEAD / self.controller.rate if lane == "interactive" else 0.0

    def _join(self, places: _Places, want: int) -> Ticket:
        """Reserve the places for the requests of one transaction."""
        count = min(want, self._most())
        place = max(places.tail, places.position)
        places.tail = place + count
        return Ticket(self.epoch, place, count, 0.0)

    def _is_bulk_turn(self, now: float) -> bool:
        """Return whether the next turn belongs to bulk."""
        if self._overtaken < (tuning.BULK_EVERY - 1) * self._most():
            return False
        if not self._bulk_until:
            self._bulk_until = now + self.controller.delay(now, 1.0)
        if now < self._bulk_until:
            return True
        # No bulk request came.
        self._overtaken, self._bulk_until = 0, 0.0
        return False

    def _count(self, lane: Lane, turns: int, now: float) -> None:
        bulk = self._places["bulk"]
        if lane == "bulk":
            self._overtaken, self._bulk_until = 0, 0.0
        elif bulk.tail > bulk.position and self.controller.delay(now, bulk.tail - bulk.position) > 0:
            self._overtaken += turns
        else:
            self._overtaken = 0


def _changed(controller: Controller, settings: RateLimit, *, pause: bool) -> Controller:
    """Return a controller for other settings: what was learned with the old ones may be wrong. A pause may stay."""
    changed = Controller(settings.per_second, settings.burst)
    if pause:
        changed.paused_until = controller.paused_until
    return changed


def _aged(controller: Controller, settings: RateLimit, seconds: float) -> Controller:
    """Return a controller that starts with what was learned so long ago."""
    now = dt.datetime.now(dt.UTC)
    learned_at = now - dt.timedelta(seconds=min(seconds, _MOST_SECONDS))
    learned = ScopeLimits(rate=controller.rate, ceiling=controller.ceiling, learned_at=learned_at)
    start = starting_limits(learned, now)
    return Controller(
        settings.per_second,
        settings.burst,
        rate=None if start is None else start.rate,
        ceiling=None if start is None else start.ceiling,
    )
