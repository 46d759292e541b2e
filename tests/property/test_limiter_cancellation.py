"""In any sequence of calls, cancellations, refusals and faults, no call hangs and no permit is lost or gained."""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import anyio
import attrs
import httpx
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from alexa_props import RateLimit, RetryPolicy, errors, hooks
from tests import loops
from tests.helpers import Amazon, Service, answer, get, login, smart_properties

GET = "unit_settings.get_default_music_station"
NOISE = 1e-6
LATE = 0.02
Way = Literal["trio", "scope", "task"]
"""trio's scopes, anyio's on asyncio, or asyncio's own `Task.cancel`."""


@attrs.frozen
class Ask:
    """Start calls, one after the other."""

    lane: str
    options: dict[str, Any]
    count: int = 1


@attrs.frozen
class Cancel:
    """Cancel the call that was started `back` calls ago, wherever it is."""

    back: int


@attrs.frozen
class Sleep:
    """Let time pass."""

    seconds: float


@attrs.frozen
class Spoil:
    """Refuse the next request (429), or let the service fail (503)."""

    status: int
    retry_after: float


# Most have no limit.
OPTIONS = st.sampled_from([{}] * 8 + [{"deadline": 0.15}, {"deadline": 1.0}, {"max_wait": 0.0}, {"max_wait": 0.35}])
ASK = st.builds(Ask, st.sampled_from(["interactive", "interactive", "bulk"]), OPTIONS, st.sampled_from([1] * 5 + [9]))
CANCEL = st.builds(Cancel, st.integers(0, 6))
SLEEP = st.builds(Sleep, st.sampled_from([0, 0.01, 0.02, 0.1, 0.25, 1.0]))
SPOIL = st.builds(Spoil, st.sampled_from([429, 503]), st.sampled_from([0, 0.3, 2.0]))
# Without faults of the service the pace can be checked exactly.
CALM = st.one_of(ASK, ASK, CANCEL, SLEEP)
STEPS = st.one_of(st.lists(CALM, min_size=8, max_size=40), st.lists(st.one_of(CALM, SPOIL), min_size=8, max_size=40))
LIMITS = st.builds(RateLimit, per_second=st.sampled_from([None, 2.0, 10.0, 50.0]), burst=st.sampled_from([1, 1, 3, 5]))


async def settle() -> None:
    """Let new calls join the queue: else the order of arrival is the scheduler's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await anyio.wait_all_tasks_blocked()
    else:
        for _ in range(3):
            await asyncio.sleep(0)


def run(way: Way, main: Callable[[], Awaitable[None]]) -> None:
    """Run it on the backend of such cancellations, in virtual time."""

    async def on_asyncio(_: loops.JumpingLoop) -> None:
        await main()

    if way == "trio":
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    else:
        loops.run(on_asyncio)


class Game:
    """A client and a service, all calls, and what happened to them at which time."""

    def __init__(self, limit: RateLimit, way: Way, latency: float, token: float | None) -> None:
        self.limit, self.way, self.token = limit, way, token
        self.spoils: list[Spoil] = []
        self.pauses: list[tuple[float, float]] = []
        amazon = Amazon(latency=token or 0.0, api_latency=latency)
        amazon.api.script = [self._serve]
        self.service: Service = amazon.api
        options: dict[str, Any] = {} if token is None else {"auth": login()}
        self.client = smart_properties(
            amazon,
            rate_limit=limit,
            retry=RetryPolicy(max_attempts=3, base=0.2),
            hooks=[self._record],
            **options,
        )
        self.calls: list[Ask] = []
        self.begun: list[float] = []
        self.asked: dict[int, list[float]] = {}
        self._number_of: dict[int, int] = {}
        self._cancels: dict[int, Callable[[], object]] = {}
        self._tasks: Any = None
        self.cancelled: set[int] = set()
        self.ended: dict[int, BaseException | None] = {}

    def _serve(self, _: httpx.Request) -> httpx.Response:
        if not self.spoils:
            return answer(204)
        spoil = self.spoils.pop(0)
        # Nothing between this and the rate limiter can be cancelled.
        if spoil.status == 429:
            self.pauses.append((anyio.current_time(), anyio.current_time() + spoil.retry_after))
        return answer(spoil.status, Retry_After=str(spoil.retry_after))

    def _record(self, event: hooks.Event) -> None:
        """Record when an attempt of which call enters the rate limiter."""
        if isinstance(event, hooks.CallStarted):
            self._number_of[event.call_id] = int((event.subject or "-1").partition("-")[2] or -1)
        elif isinstance(event, hooks.AttemptStarted):
            self.asked.setdefault(self._number_of[event.call_id], []).append(anyio.current_time())

    async def play(self, steps: list[Any]) -> None:
        with anyio.fail_after(10_000):
            async with anyio.create_task_group() as self._tasks:
                for step in steps:
                    match step:
                        case Ask():
                            for _ in range(step.count):
                                await self._ask(step)
                        case Cancel(back):
                            self._cancel(len(self.calls) - 1 - back)
                        case Sleep(seconds):
                            await anyio.sleep(seconds)
                        case _:
                            self.spoils.append(step)
        self.check()
        self.spoils.clear()
        with anyio.fail_after(30):
            await get(self.client, "x--1")

    async def _ask(self, ask: Ask) -> None:
        number = len(self.calls)
        self.calls.append(ask)
        self.begun.append(anyio.current_time())
        scope = anyio.CancelScope()
        self._cancels[number] = scope.cancel
        self._tasks.start_soon(self._call, number, scope)
        await settle()

    def _cancel(self, number: int) -> None:
        if number in self._cancels and number not in self.ended:
            self.cancelled.add(number)
            self._cancels[number]()

    async def _call(self, number: int, scope: anyio.CancelScope) -> None:
        ask = self.calls[number]
        lane: Any = ask.lane
        task = asyncio.current_task() if self.way == "task" else None
        if task is not None:
            self._cancels[number] = task.cancel
        try:
            with scope:
                await get(self.client.with_options(priority=lane, **ask.options), f"{lane[0]}-{number}")
                self.ended[number] = None
        except errors.RateLimitTooLong as error:
            self.ended[number] = error
            self._check_too_long(number, error)
        except errors.AlexaError as error:
            self.ended[number] = error
            if isinstance(error, errors.DeadlineExceeded) and self.token is None:
                assert anyio.current_time() == pytest.approx(self.begun[number] + ask.options["deadline"])
        except asyncio.CancelledError as error:
            if task is None:
                raise
            self.ended[number] = error
        self.ended.setdefault(number, asyncio.CancelledError())

    def _check_too_long(self, number: int, error: errors.RateLimitTooLong) -> None:
        assert error.max_wait == self.calls[number].options["max_wait"]
        assert error.wait > error.max_wait
        if self.token is not None:
            return  # a call that waits for a token may find out later
        assert anyio.current_time() <= self.asked[number][-1] + error.max_wait + NOISE
        at_once = anyio.current_time() == self.asked[number][-1] and error.wait < math.inf
        if at_once and self.limit.per_second is not None and not self.pauses:
            # Calls that have left the queue no longer count.
            assert error.wait <= (self.client.limits[GET].waiting + 1) / self.limit.per_second + NOISE

    def check(self) -> None:
        """Check what holds once all calls have ended."""
        assert sorted(self.ended) == list(range(len(self.calls)))
        for number, error in self.ended.items():
            # Each ends in an allowed way, and is cancelled only if it was.
            allowed: tuple[type[BaseException], ...] = (errors.Throttled, errors.ServerError)
            allowed += (asyncio.CancelledError,) if number in self.cancelled else ()
            allowed += (errors.RateLimitTooLong,) if "max_wait" in self.calls[number].options else ()
            allowed += (errors.DeadlineExceeded,) if "deadline" in self.calls[number].options else ()
            assert error is None or isinstance(error, allowed)
        limits = self.client.limits.get(GET)
        assert limits is None or (limits.waiting, limits.in_flight) == (0, 0)
        if self.token is not None:
            return  # calls that wait for a token are sent when it arrives
        left: list[int] = [int(seen.url.path.split("/")[3].partition("-")[2]) for seen in self.service.seen]
        self._check_order(left)
        self._check_lanes(left)
        self._check_pace(left)

    def _check_order(self, left: list[int]) -> None:
        """First in, first out within a lane; a retry is a new arrival."""
        for lane in ("interactive", "bulk"):
            firsts = [number for number in dict.fromkeys(left) if self.calls[number].lane == lane]
            assert firsts == sorted(firsts)

    def _check_lanes(self, left: list[int]) -> None:
        """While both lanes wait, bulk gets some of the permits, but not many."""
        attempts = {number: iter(times) for number, times in self.asked.items()}
        asked = [next(attempts[number]) for number in left]
        for index, number in enumerate(left):
            lane = self.calls[number].lane
            since = [i for i in range(index) if self.service.times[i] > asked[index] + NOISE]
            others = [self.calls[left[i]].lane != lane for i in since]
            if lane == "interactive":
                assert sum(others) <= 2 + len(others) / 4, "bulk overtook"
            else:
                assert not all(others[-12:]) or len(others) < 12, "bulk starves"

    def _check_pace(self, left: list[int]) -> None:
        """The first in the queue is sent exactly when the rate allows: not earlier, not later, and not in a pause."""
        attempts = {number: iter(times) for number, times in self.asked.items()}
        rate, burst = self.limit.per_second, self.limit.burst
        due = 0.0
        for number, leaves in zip(left, self.service.times, strict=True):
            asked = next(attempts[number])
            assert asked <= leaves + NOISE
            assert not any(begin + NOISE < leaves < end - NOISE for begin, end in self.pauses), "it was sent in a pause"
            patience = self.calls[number].options.get("max_wait")
            assert patience is None or leaves - asked <= patience + NOISE
            if rate is None or (self.pauses and burst > 1):
                continue
            allowed = due - (burst - 1) / rate
            # A pause may be taken for waking late, which the rate limiter makes up for.
            assert leaves >= allowed - (LATE if self.pauses else 0.0) - NOISE, (
                "faster than the rate: a cancelled call has added a permit"
            )
            if not self.pauses:
                assert leaves <= max(asked, allowed) + NOISE, "slower than the rate: a cancelled call took a permit"
            due = max(due, leaves) + 1 / rate


@pytest.mark.parametrize("way", ["trio", "scope", "task"])
@given(
    steps=STEPS,
    limit=LIMITS,
    latency=st.sampled_from([0.0, 0.05, 0.5]),
    token=st.sampled_from([None, None, None, 0.0, 0.3]),
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_no_sequence_breaks_the_rate_limiter(
    way: Way, steps: list[Any], limit: RateLimit, latency: float, token: float | None
) -> None:
    run(way, functools.partial(Game(limit, way, latency, token).play, steps))


@pytest.mark.parametrize(
    ("way", "burst", "pause", "between"),
    [
        ("trio", 1, None, None),
        ("task", 1, None, 0.03),
        ("task", 5, None, None),
        ("trio", 5, None, 0.03),
        ("task", 1, 0.5, None),
        ("task", 1, 0.5, 0.03),
    ],
)
def test_four_queued_calls_cancelled_in_every_order_leave_nothing(
    way: Way, burst: int, pause: float | None, between: float | None
) -> None:
    limit = RateLimit(per_second=10, burst=burst)
    line = [Ask(lane, {}) for lane in ("interactive", "interactive", "bulk", "interactive", "bulk", "interactive")]
    for count in range(1, 5):
        for gone in itertools.permutations(range(1, 5), count):
            steps: list[Any] = [] if pause is None else [Spoil(429, pause)]
            steps += [*[Ask("interactive", {})] * burst, *line]
            for back in gone:
                steps += [Cancel(back), *([] if between is None else [Sleep(between)])]
            game = Game(limit, way, 0.02, None)
            run(way, functools.partial(game.play, steps))
            if between is None:
                # The others, one that was refused and came again, and one that came after all.
                assert len(game.service.seen) == burst + len(line) - count + (pause is not None) + 1
