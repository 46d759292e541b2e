"""A scenario with a queue at the rate limiter, played once per moment at which its doomed calls can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Literal

import anyio
import attrs
import httpx
import trio
import trio.testing

from alexa_props import RateLimit, RetryPolicy, SmartProperties
from tests import loops
from tests.helpers import Amazon, Answer, Service, get, login, smart_properties

Moment = Literal["waits", "woken", "task", "scope"]
"""trio: in the n-th wait, or woken from it and not yet on; asyncio: before the n-th turn of the loop, in two ways."""

GET = "unit_settings.get_default_music_station"
NEVER = 1_000_000
TEN = RateLimit(per_second=10)


@attrs.frozen(kw_only=True)
class Scenario:
    """The calls in the queue, in order of arrival: "i"nteractive and "b"ulk; capitals are cancelled, all at one moment.

    Attributes:
        queue: the calls; one more comes as `late` when all have ended.
        limit: settings of the limiter.
        answers: by order of arrival at the service; then always "no content".
        doomed: options of the doomed calls.
        token: seconds that the token endpoint takes; None works without tokens.

    """

    queue: str
    limit: RateLimit = TEN
    answers: tuple[Answer, ...] = ()
    doomed: dict[str, Any] = attrs.field(factory=dict)
    token: float | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the limiter learns nothing: the rate is known, and no call is throttled."""
        return self.limit.per_second is not None and not any(
            isinstance(entry, httpx.Response) and entry.status_code == httpx.codes.TOO_MANY_REQUESTS
            for entry in self.answers
        )


class Play:
    """One run of a scenario, and its outcome."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        amazon = Amazon(latency=scenario.token or 0.0, api_latency=0.02)
        self.service = Service(*scenario.answers, 204, latency=0.02) if scenario.token is None else amazon.api
        options: dict[str, Any] = {} if scenario.token is None else {"auth": login()}
        self.client: SmartProperties = smart_properties(
            self.service if scenario.token is None else amazon,
            rate_limit=scenario.limit,
            # Without jitter one run is like the other.
            retry=RetryPolicy(base=0),
            **options,
        )
        self.ended = {name: "cancelled" for name, _ in self.callers}
        self.moments = 0

    @property
    def callers(self) -> Iterator[tuple[str, bool]]:
        for number, letter in enumerate(self.scenario.queue):
            yield f"{letter.lower()}{number}", letter.isupper()

    @property
    def left(self) -> list[str]:
        """The calls that the service saw, in order of their first request."""
        return list(dict.fromkeys(seen.url.path.split("/")[3] for seen in self.service.seen))

    @property
    def lost_on_its_way(self) -> bool:
        """Whether a doomed call was seen at the service."""
        return any(doomed and name in self.left for name, doomed in self.callers)

    @property
    def refused(self) -> int:
        return self.client.limits[GET].refused if self.client.limits else 0

    async def call(self, name: str, *, doomed: bool) -> None:
        lane: Any = "bulk" if name[0] == "b" else "interactive"
        client = self.client.with_options(priority=lane, **(self.scenario.doomed if doomed else {}))
        try:
            await get(client, name)
            self.ended[name] = "done"
        except Exception as error:  # noqa: BLE001 - it is the outcome
            self.ended[name] = type(error).__name__

    async def after(self) -> None:
        """Check that nothing is left of any call, and that the next one is served."""
        limits = self.client.limits.get(GET)
        assert limits is None or (limits.waiting, limits.in_flight) == (0, 0)
        with anyio.fail_after(60):
            await get(self.client, "late")
        assert (self.client.limits[GET].waiting, self.client.limits[GET].in_flight) == (0, 0)


def play(scenario: Scenario, moment: Moment, at: int) -> Play:
    """The scenario, with its doomed calls cancelled at that moment: 0 is before they have begun."""
    return (_on_asyncio if moment in ("task", "scope") else _on_trio)(scenario, moment, at)


class Steps(trio.abc.Instrument):
    """Counts the steps of one task, and of those that it has begun itself, and cancels at the given one."""

    def __init__(self, moment: Moment, at: int) -> None:
        self.moment, self.at = moment, at
        self.count = 0
        self.watched: trio.lowlevel.Task | None = None
        self.scopes: list[anyio.CancelScope] = []

    def _is_watched(self, task: trio.lowlevel.Task | None) -> bool:
        while task is not None and task is not self.watched:
            task = task.parent_nursery.parent_task if task.parent_nursery else None
        return task is not None

    def _step(self, task: trio.lowlevel.Task) -> None:
        if self.watched is not None and self._is_watched(task):
            self.count += 1
            if self.count == self.at:
                for scope in self.scopes:
                    scope.cancel()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.moment == "woken":
            self._step(task)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.moment == "waits":
            self._step(task)


def _on_trio(scenario: Scenario, moment: Moment, at: int) -> Play:
    this, steps = Play(scenario), Steps(moment, at)

    async def call(name: str, doomed: bool, scope: anyio.CancelScope) -> None:
        if doomed and steps.watched is None:
            steps.watched = trio.lowlevel.current_task()
        with scope:
            await this.call(name, doomed=doomed)
        if steps.watched is trio.lowlevel.current_task():
            this.moments, steps.watched = steps.count, None

    async def main() -> None:
        with anyio.fail_after(1000):
            async with anyio.create_task_group() as tasks:
                for name, doomed in this.callers:
                    scope = anyio.CancelScope()
                    if doomed:
                        steps.scopes.append(scope)
                        if steps.count >= at:
                            scope.cancel()
                    tasks.start_soon(call, name, doomed, scope)
                    await anyio.wait_all_tasks_blocked()
        await this.after()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[steps])
    return this


def _on_asyncio(scenario: Scenario, moment: Moment, at: int) -> Play:
    this = Play(scenario)

    async def call(name: str, doomed: bool, scope: anyio.CancelScope) -> None:
        with scope:
            await this.call(name, doomed=doomed)

    async def main(loop: loops.JumpingLoop) -> None:
        tasks: list[asyncio.Task[None]] = []
        watched: list[asyncio.Task[None]] = []
        cancels: list[Callable[[], object]] = []

        def look() -> bool:
            if not watched or watched[0].done():
                return False
            this.moments += 1
            if this.moments != at:
                return False
            for cancel in cancels:
                cancel()
            return True

        loop.look = look
        for name, doomed in this.callers:
            scope = anyio.CancelScope()
            task = asyncio.create_task(call(name, doomed, scope))
            tasks.append(task)
            if doomed:
                watched.append(task)
                cancels.append(task.cancel if moment == "task" else scope.cancel)
                if this.moments >= at:
                    cancels[-1]()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        async with asyncio.timeout(1000):
            await asyncio.wait(tasks)
        assert all(task.cancelled() or task.exception() is None for task in tasks)
        await this.after()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    loops.run(main)
    return this


def every_moment(scenario: Scenario, moment: Moment) -> Iterator[tuple[int, Play, Play]]:
    """Yield each moment with its run, and with the run in which no call is cancelled."""
    undisturbed = play(scenario, moment, NEVER)
    # A refusal of a cancelled call is one that the limiter never learns of.
    unrefused = play(attrs.evolve(scenario, answers=()), moment, NEVER)
    assert undisturbed.moments > 0
    for at in range(undisturbed.moments + 1):
        disturbed = play(scenario, moment, at)
        yield at, disturbed, undisturbed if disturbed.refused == undisturbed.refused else unrefused
