"""A call is cancelled at each of its awaits in turn: the calls behind it move up, and nothing else changes."""

from __future__ import annotations

import pytest

from alexa_props import RateLimit
from tests.helpers import answer
from tests.property.cancelling import noted
from tests.property.every_await import GET, Moment, Play, Scenario, every_moment

FIVE = RateLimit(per_second=10, burst=5)
UNKNOWN = RateLimit()
PAUSE = answer(429, Retry_After="0.5")
FAULT = answer(503, Retry_After="0.35")

ON_SCHEDULE = {
    "alone": Scenario(queue="I"),
    "sent immediately": Scenario(queue="Iiii"),
    "first in the queue": Scenario(queue="iIii"),
    "in the queue": Scenario(queue="iiiIii"),
    "last in the queue": Scenario(queue="iiiI"),
    "within a burst": Scenario(queue="iiIiiii", limit=FIVE),
    "behind a burst": Scenario(queue="iiiiiIii", limit=FIVE),
    "at a rate to be found": Scenario(queue="iIiiii", limit=UNKNOWN),
    "queued at a rate to be found": Scenario(queue="iiiiIiii", limit=UNKNOWN),
    "bulk, overtaken": Scenario(queue="ibBbiiii"),
    "bulk, with its turn to come": Scenario(queue="ibBbiiiiiiii"),
    "overtaking": Scenario(queue="bbIbib"),
    "overtaking for the last turn before bulk's": Scenario(queue="ibbiiiIii"),
    "first of its lane": Scenario(queue="bbiIbib"),
    "while all are paused": Scenario(queue="iiIii", answers=(PAUSE,)),
    "first while all are paused": Scenario(queue="iIiib", answers=(PAUSE,)),
    "queued while others are refused": Scenario(queue="iiiIii", answers=(204, PAUSE)),
    "at a rate that was found": Scenario(queue="iiiiIii", answers=(204, answer(429)), limit=UNKNOWN),
    "of a burst while all are paused": Scenario(queue="iiiiiiIiiiiii", answers=(204, PAUSE), limit=FIVE),
    "the one that is refused": Scenario(queue="Iii", answers=(PAUSE,)),
    "the one that is refused, from the middle": Scenario(queue="iiIiii", answers=(204, 204, PAUSE)),
    "the one that is refused, of a burst": Scenario(queue="iIiiiiiiiiii", answers=(204, PAUSE), limit=FIVE),
    "waiting to be repeated": Scenario(queue="iIiiiiii", answers=(204, FAULT)),
    "being repeated": Scenario(queue="iIiiiiii", answers=(204, 503, 503)),
    "running out of time in the queue": Scenario(queue="iiiIii", doomed={"deadline": 0.25}),
    "running out of time with its turn": Scenario(queue="iiiIii", doomed={"deadline": 0.3}),
    "running out of time after it was sent": Scenario(queue="iiiIii", doomed={"deadline": 0.31}),
    "patient enough": Scenario(queue="iiiIii", doomed={"max_wait": 0.3}),
    "out of patience when the pause is known": Scenario(queue="iiIii", answers=(PAUSE,), doomed={"max_wait": 0.4}),
    "out of patience when overtaken": Scenario(queue="iBiiiii", doomed={"max_wait": 0.25}),
    "several": Scenario(queue="iIIiIbBi"),
    "several that are paused": Scenario(queue="IIIiI", answers=(PAUSE,)),
    "everybody": Scenario(queue="IIIIII"),
}
WAITING_FOR_A_TOKEN = {
    "fetching the token": Scenario(queue="Iiii", token=0.25),
    "waiting for the token": Scenario(queue="iIii", token=0.25),
    "queued behind the token": Scenario(queue="iiiiIii", token=0.25),
    "fetching the token, with little time": Scenario(queue="Iiii", token=0.25, doomed={"deadline": 0.2}),
    "fetching the token immediately": Scenario(queue="IIi", token=0.0),
    "fetching the token of a burst": Scenario(queue="IiIiiii", token=0.25, limit=FIVE),
}
MOMENTS: tuple[Moment, ...] = ("waits", "woken", "task", "scope")


def others_do_not_notice(this: Play, undisturbed: Play) -> None:
    for name, doomed in this.callers:
        ended, otherwise = this.ended[name], undisturbed.ended[name]
        # It may have been cancelled too late, in the very step that ended it.
        assert ended == otherwise or (doomed and ended in ("cancelled", "done")), (name, this.ended)


def first_come_first_served(this: Play) -> None:
    for lane in "ib":
        numbers = [int(name[1:]) for name in this.left if name[0] == lane]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("name", ON_SCHEDULE)
def test_cancelled_at_every_await_in_the_queue(name: str) -> None:
    for moment in MOMENTS:
        for at, this, undisturbed in every_moment(ON_SCHEDULE[name], moment):
            with noted(f"{moment} {at}: {this.left} at {this.service.times}, undisturbed {undisturbed.service.times}"):
                others_do_not_notice(this, undisturbed)
                first_come_first_served(this)
                check_schedule(this, undisturbed)


def check_schedule(this: Play, undisturbed: Play) -> None:
    times, others = this.service.times, undisturbed.service.times
    if this.scenario.is_plain or not this.lost_on_its_way:
        # Its turn goes to the next: the same times, of one call less. That holds also for the calls that come later.
        assert times == pytest.approx(others[: len(times)])
    else:
        # The limiter learns from responses, and one was lost: that makes it no bolder, and not much slower.
        assert all(time >= other - 1e-6 for time, other in zip(times, others, strict=False))
        assert times[-1] <= others[-1] + 1


@pytest.mark.parametrize("name", WAITING_FOR_A_TOKEN)
def test_cancelled_at_every_await_before_a_token(name: str) -> None:
    for moment in MOMENTS:
        for at, this, undisturbed in every_moment(WAITING_FOR_A_TOKEN[name], moment):
            with noted(f"{moment} {at}: {this.left} at {this.service.times}"):
                others_do_not_notice(this, undisturbed)
                # A token in flight arrives, whichever call asked for it.
                assert this.service.times[-1] <= undisturbed.service.times[-1] + 0.3
                assert this.client.limits[GET].refused == 0
