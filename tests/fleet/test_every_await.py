"""A run is left at each of its awaits in turn. It leaves nothing behind and reports all that may have been sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import pytest
import trio

from alexa_props import RetryPolicy, SmartProperties, fleet
from alexa_props.fleet import Outcome, Run
from tests.fleet.helpers import MADE, room_of
from tests.helpers import Service, answer, smart_properties
from tests.property.cancelling import CountingLoop
from tests.property.every_await import Moment, Steps

ROOMS = list("abc")


@attrs.define
class Play:
    """A run that is left at a moment, and its outcomes."""

    ordered: bool
    journal: Path | None
    batched: bool
    reported: list[Outcome[Any, Any]] = attrs.field(factory=list)
    run: Run[Any, Any] | None = None
    open_sources: int = 0
    moments: int = 0
    service: Service = attrs.field(init=False)
    asp: SmartProperties = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.service = Service(lambda request: MADE if request.method == "POST" else answer(204))
        self.asp = smart_properties(self.service, retry=RetryPolicy(base=0))

    async def rooms(self) -> AsyncIterator[str]:
        self.open_sources += 1
        try:
            for room in ROOMS:
                await anyio.lowlevel.checkpoint()
                yield room
        finally:
            self.open_sources -= 1

    async def call(self, room: str) -> str:
        await self.asp.alerts.delete_alarms(room)
        if room == "c":
            await self.asp.units.create("parent", room)
        return room

    async def call_many(self, rooms: Sequence[str]) -> None:
        for room in rooms:
            await self.call(room)

    def begun(self) -> AbstractAsyncContextManager[Run[Any, Any]]:
        options: Any = {"journal": self.journal, "job": "a job", "ordered": self.ordered, "concurrency": 2}
        if self.batched:
            return fleet.run_many(self.call_many, self.rooms(), size=2, **options)
        return fleet.run(self.call, self.rooms(), **options)

    async def __call__(self) -> None:
        """Run to the end, or until it is left."""
        async with self.begun() as self.run:
            async for outcome in self.run:
                self.reported.append(outcome)
                await anyio.lowlevel.checkpoint()

    async def after(self) -> None:
        """Check that nothing is left of the run, and that it has reported all that may have arrived at the service."""
        assert self.open_sources == 0
        assert all((scope.waiting, scope.in_flight) == (0, 0) for scope in self.asp.limits.values())
        assert self.service.active == 0
        left = () if self.run is None else self.run.in_flight
        reported = Counter(outcome.key for outcome in (*self.reported, *left))
        assert set(reported.values()) <= {1}
        assert {room_of(seen) for seen in self.service.seen} <= set(reported)
        if self.journal is None:
            return
        # The journal is free, and another run does the rest: nothing that is done, and nothing twice.
        first = {outcome.key: outcome for outcome in (*self.reported, *left)}
        before = len(self.service.seen)
        made = sum(seen.method == "POST" for seen in self.service.seen)
        report = await fleet.collect(self.call, ROOMS, journal=self.journal, job="a job")
        sent = {room_of(seen) for seen in self.service.seen[before:]}
        done = {key for key, outcome in first.items() if outcome.status == "done"}
        assert sent.isdisjoint(done)
        assert done | sent | {outcome.key for outcome in report.unknown} == set(ROOMS)
        assert {outcome.key for outcome in report.unknown} <= {"c"}
        assert sum(seen.method == "POST" for seen in self.service.seen) == 1 or (
            # It was about to be sent, and never was. The journal cannot know.
            made == 0 and len(report.unknown) == 1
        )


def _on_trio(this: Play, moment: Moment, at: int) -> None:
    steps = Steps(moment, at)

    async def main() -> None:
        steps.scopes.append(scope := anyio.CancelScope())
        with scope:
            steps.watched = trio.lowlevel.current_task()
            await this()
        steps.watched = None
        this.moments = steps.count
        await this.after()
        assert len(trio.lowlevel.current_task().child_nurseries) == 0

    trio.run(main, instruments=[steps])


def _on_asyncio(this: Play, moment: Moment, at: int) -> None:
    loop = CountingLoop()

    async def main() -> None:
        scope = anyio.CancelScope()

        async def in_scope() -> None:
            with scope:
                await this()

        task = asyncio.create_task(in_scope())

        def look() -> bool:
            this.moments += not task.done()
            if this.moments != at or task.done():
                return False
            (task.cancel if moment == "task" else scope.cancel)()
            return True

        loop.look = look
        await asyncio.wait([task])
        loop.look = lambda: False
        assert task.cancelled() or task.exception() is None
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await this.after()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


def play(moment: Moment, at: int, *, ordered: bool, journal: Path | None, batched: bool) -> Play:
    this = Play(ordered, journal, batched)
    (_on_asyncio if moment in ("task", "scope") else _on_trio)(this, moment, at)
    return this


@pytest.mark.apart
@pytest.mark.parametrize(
    "variant", ["as they end", "in order", "with a journal", "batches in order", "batches with a journal"]
)
@pytest.mark.parametrize("moment", ["waits", "woken", "task", "scope"])
def test_leaving_a_run_at_every_await(moment: Moment, variant: str, tmp_path: Path) -> None:
    at = 0
    while True:
        at += 1
        journal = tmp_path / f"{at}.db" if "journal" in variant else None
        this = play(moment, at, ordered="in order" in variant, journal=journal, batched="batches" in variant)
        if this.moments < at:
            break
    # There were such moments, and the last run was not left.
    assert at > 12
    assert {outcome.status for outcome in this.reported} == {"done"}
    assert len(this.reported) == len(ROOMS)
