"""Whatever is asked, cancelled and refused, and in what order: permits are conserved, lanes are FIFO, nobody hangs."""

from __future__ import annotations

from typing import Any

import anyio
import attrs
import httpx
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from alexa_props import RateLimit, RetryPolicy, SmartProperties, errors
from tests.helpers import Service, answer, get, smart_properties

GET = "unit_settings.get_default_music_station"


@attrs.frozen
class Ask:
    """A call begins."""

    lane: str


@attrs.frozen
class Cancel:
    """The call that began `back` calls ago is cancelled, wherever it is."""

    back: int


@attrs.frozen
class Sleep:
    """Time passes."""

    seconds: float


@attrs.frozen
class Refuse:
    """The next request is refused."""

    retry_after: float


STEPS = st.one_of(
    st.builds(Ask, st.sampled_from(["interactive", "bulk"])),
    st.builds(Cancel, st.integers(0, 8)),
    st.builds(Sleep, st.sampled_from([0, 0.01, 0.1, 0.25, 1.0])),
    st.builds(Refuse, st.sampled_from([0, 0.3, 2.0])),
)
LIMITS = st.builds(
    RateLimit, per_second=st.one_of(st.none(), st.sampled_from([2.0, 10.0, 50.0])), burst=st.integers(1, 3)
)


@given(steps=st.lists(STEPS, max_size=40), limit=LIMITS, latency=st.sampled_from([0.0, 0.05, 0.5]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_no_sequence_breaks_the_limiter(steps: list[Any], limit: RateLimit, latency: float) -> None:
    trio.run(_play, steps, limit, latency, clock=trio.testing.MockClock(autojump_threshold=0))


async def _play(steps: list[Any], limit: RateLimit, latency: float) -> None:
    refusals: list[float] = []

    def serve(_: httpx.Request) -> httpx.Response:
        return answer(429, Retry_After=str(refusals.pop(0))) if refusals else answer(204)

    service = Service(serve, latency=latency)
    client = smart_properties(service, rate_limit=limit, retry=RetryPolicy(max_attempts=1))
    lanes = {lane: client.with_options(priority=lane) for lane in ("interactive", "bulk")}
    scopes: list[anyio.CancelScope] = []
    ended: dict[str, str] = {}

    async def call(name: str, lane: str, scope: anyio.CancelScope) -> None:
        ended[name] = "cancelled"
        with scope:
            try:
                await get(lanes[lane], name)
                ended[name] = "done"
            except errors.Throttled:
                ended[name] = "refused"

    with anyio.fail_after(10_000):
        async with anyio.create_task_group() as tasks:
            for step in steps:
                match step:
                    case Ask(lane):
                        scopes.append(anyio.CancelScope())
                        tasks.start_soon(call, f"{lane}-{len(scopes)}", lane, scopes[-1])
                        # In line, one after the other: without it the order of arrival is the scheduler's.
                        await anyio.wait_all_tasks_blocked()
                    case Cancel(back) if back < len(scopes):
                        scopes[-1 - back].cancel()
                    case Sleep(seconds):
                        await anyio.sleep(seconds)
                    case Refuse(retry_after):
                        refusals.append(retry_after)

        # Everybody ended, and none by anything but its own cancellation.
        assert len(ended) == len(scopes)
        # First in, first out within a lane, among those that ever left.
        left = [seen.url.path.split("/")[3] for seen in service.seen]
        for lane in lanes:
            numbers = [int(name.rpartition("-")[2]) for name in left if name.startswith(lane)]
            assert numbers == sorted(numbers)
            assert len(numbers) == len(set(numbers))
        # No permit was lost, and none is held.
        limits = client.limits.get(GET)
        assert limits is None or (limits.waiting, limits.in_flight) == (0, 0)
        await _still_serves(client, refusals)


async def _still_serves(client: SmartProperties, refusals: list[float]) -> None:
    refusals.clear()
    with anyio.fail_after(30):
        await get(client)


@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=5), cancelled=st.sets(st.integers(0, 24)))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_survivors_are_served_at_the_rate_whoever_is_cancelled(counts: list[int], cancelled: set[int]) -> None:
    async def main() -> None:
        service = Service(204)
        client = smart_properties(service, rate_limit=RateLimit(per_second=10))
        scopes = [anyio.CancelScope() for _ in range(sum(counts))]

        async def call(scope: anyio.CancelScope) -> None:
            with scope:
                await get(client)

        async with anyio.create_task_group() as tasks:
            for scope in scopes:
                tasks.start_soon(call, scope)
            await anyio.wait_all_tasks_blocked()
            gone = {index for index in cancelled if 0 < index < len(scopes)}
            for index in gone:
                scopes[index].cancel()
        assert len(service.seen) == len(scopes) - len({i for i, scope in enumerate(scopes) if scope.cancelled_caught})
        assert all(abs(wait - 0.1) < 1e-9 for wait in service.waits)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
