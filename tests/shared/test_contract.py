"""What every store of records promises. A further one only needs a line in `conftest.py`."""

from __future__ import annotations

import asyncio
import random
import time

import anyio
import pytest

from alexa_props.shared import HostShared, Shared, SharedUnavailable
from tests import loops
from tests.property.cancelling import CountingLoop
from tests.shared.conftest import Kind
from tests.shared.memory import MemoryShared
from tests.shared.worker import count, number_in

KEYS = [
    "limit:1:units.list",
    "a",
    "A",
    "..",
    ".",
    "../../escape",
    "/etc/passwd",
    "a/b",
    "a_b",
    "%2e%2e",
    "x" * 500,
    "ü:\n",
]


# One process


async def test_a_record_is_what_change_made_of_it_and_none_keeps_it(shared: Shared) -> None:
    assert await shared.update("token:1", lambda record, _: (b"\x00\xff" * 1500, record)) is None
    assert await shared.update("token:1", lambda record, _: (None, record)) == b"\x00\xff" * 1500
    assert await shared.update("token:1", lambda record, _: (b"short", record)) == b"\x00\xff" * 1500
    assert await shared.update("token:1", lambda record, _: (None, record)) == b"short"
    assert await shared.update("limit:2", lambda record, _: (None, record)) is None


async def test_keys_that_look_like_paths_are_records_of_the_store(shared: Shared) -> None:
    for key in KEYS:
        await shared.update(key, lambda record, _, key=key: (key.encode(), None))  # type: ignore[misc]
    found = [await shared.update(key, lambda record, _: (None, record)) for key in KEYS]
    assert found == [key.encode() for key in KEYS]


async def test_what_change_raises_is_raised_and_the_record_stays(shared: Shared) -> None:
    await shared.update("key", lambda *_: (b"kept", None))
    for error in (ValueError("no"), TimeoutError("no"), OSError("no"), KeyError(b"no")):

        def fail(record: bytes | None, now: float, error: Exception = error) -> tuple[bytes | None, None]:
            raise error

        with pytest.raises(type(error)) as caught:
            await shared.update("key", fail)
        assert caught.value is error
    assert await shared.update("key", lambda record, _: (None, record)) == b"kept"


async def test_the_clock_of_changes_is_the_clock_of_the_store_and_goes_forward(shared: Shared) -> None:
    first = await shared.update("key", lambda record, now: (b"", now))
    assert abs(shared.now() - first) < 5
    await anyio.sleep(0.05)
    second = await shared.update("key", lambda record, now: (b"", now))
    assert 0.04 < second - first < 5
    for _ in range(3):
        await shared.update("key", lambda record, now: (b"", now))
    distance = shared.distance
    assert distance is not None
    assert 0 <= distance < 0.2


async def test_updates_within_a_process_are_atomic(shared: Shared) -> None:
    async def work() -> None:
        for _ in range(20):
            await shared.update("key", count, patience=30)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(work)
    assert await shared.update("key", lambda record, _: (None, number_in(record))) == 200


async def test_two_stores_in_a_process_exclude_each_other(kind: Kind) -> None:
    async def work(shared: Shared) -> None:
        for _ in range(50):
            await shared.update("key", count, patience=30)
        await shared.aclose()

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(work, kind.connect())
    shared = kind.connect()
    assert await shared.update("key", lambda record, _: (None, number_in(record))) == 200
    await shared.aclose()


async def test_threads_with_event_loops_share_one_store(kind: Kind) -> None:
    shared = kind.connect()

    async def work() -> None:
        for _ in range(50):
            await shared.update("key", count, patience=30)
        await shared.aclose()

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(anyio.to_thread.run_sync, lambda: asyncio.run(work()))
    assert await shared.update("key", lambda record, _: (None, number_in(record))) == 200
    await shared.aclose()


async def test_a_store_works_again_after_it_was_closed(shared: Shared) -> None:
    await shared.aclose()
    await shared.update("key", count)
    await shared.aclose()
    await shared.aclose()
    assert await shared.update("key", lambda record, _: (None, number_in(record))) == 1


@pytest.mark.parametrize("anyio_backend", loops.EVERY)
async def test_a_store_works_on_every_event_loop(shared: Shared, anyio_backend: object) -> None:
    assert [await shared.update("key", count) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("backend", loops.EVERY)
def test_a_store_moves_to_a_later_event_loop(kind: Kind, backend: tuple[str, dict[str, object]]) -> None:
    shared = kind.connect()
    for _ in range(3):
        # Not closed in between: the end of an event loop closes what belongs to it.
        with loops.runner(backend) as runner:
            assert runner.run(shared.update("key", count)) > 0
    asyncio.run(shared.aclose())


# Cancellation


class Cancelled:
    """An update that is cancelled before a turn of the event loop."""

    def __init__(self, loop: CountingLoop, way: str, at: int) -> None:
        self._loop, self._way, self._at = loop, way, at
        self._scope = anyio.CancelScope()
        self.turns = 0
        self.last = 0
        """What the change computed last."""

    async def run(self, shared: Shared, key: str) -> None:
        """Run the update; whether it was cancelled does not matter."""
        task = asyncio.create_task(self._update(shared, key))
        self._loop.look = lambda: self._look(task)
        await asyncio.wait([task])
        self._loop.look = lambda: False
        assert task.cancelled() or task.exception() is None

    async def _update(self, shared: Shared, key: str) -> None:
        with self._scope:
            await shared.update(key, self._change, patience=10)

    def _change(self, record: bytes | None, now: float) -> tuple[bytes | None, int]:
        record, self.last = count(record, now)
        return record, self.last

    def _look(self, task: asyncio.Task[None]) -> bool:
        self.turns += 1
        if self.turns - 1 != self._at or task.done():
            return False
        (task.cancel if self._way == "task" else self._scope.cancel)()
        return True


@pytest.mark.apart
@pytest.mark.parametrize("way", ["task", "scope"])
@pytest.mark.parametrize("warm", [False, True])
def test_an_update_that_is_cancelled_at_any_moment_is_whole_and_leaves_nothing_behind(
    shared: Shared, way: str, warm: bool
) -> None:
    if isinstance(shared, MemoryShared):
        shared.latency = 0.002
    loop = CountingLoop()

    async def main(at: int) -> bool:
        """Return whether the update ended before it could be cancelled."""
        key = f"key-{at}"
        if warm:
            await shared.update(key, lambda record, _: (None, record), patience=10)
        else:
            await shared.aclose()
        update = Cancelled(loop, way, at)
        await update.run(shared, key)
        # What was computed last is stored, if the update had begun.
        number = await shared.update(key, lambda record, _: (None, number_in(record)), patience=10)
        assert number == update.last
        assert await shared.update(key, count, patience=10) == number + 1
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return update.turns <= at

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        moments = next(at for at in range(500) if runner.run(main(at)))
        assert moments > 1 or isinstance(shared, HostShared)
        runner.run(shared.aclose())


# Several processes


@pytest.mark.apart
def test_eight_processes_lose_no_update(kind: Kind) -> None:
    workers = [kind.worker("limit:1", 1000) for _ in range(8)]
    for worker in workers:
        worker.ready()
    assert {printed for worker in workers for printed in worker.end()} == {"."}
    assert asyncio.run(total(kind, "limit:1")) == 8 * 1001


@pytest.mark.apart
@pytest.mark.parametrize("key", ["limit:1", "token:1"])
def test_processes_killed_at_random_moments_lose_no_update_that_was_reported(kind: Kind, key: str) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)  # noqa: T201 - shown if the test fails
    worker = kind.worker(key, 0, forks=20, seed=seed)
    worker.ready()
    printed = worker.end()
    assert set(printed) == {"."}
    # What was killed may have stored one update that it did not report.
    assert len(printed) <= asyncio.run(total(kind, key)) <= len(printed) + 20


@pytest.mark.apart
def test_a_store_is_used_by_a_process_and_its_forks(kind: Kind) -> None:
    worker = kind.worker("limit:1", 200, forks=3)
    worker.ready()
    assert worker.end() == "." * (4 * 200 + 2)
    assert asyncio.run(total(kind, "limit:1")) == 4 * 200 + 2


async def total(kind: Kind, key: str) -> int:
    shared = kind.connect()
    number = await shared.update(key, lambda record, _: (None, number_in(record)), patience=10)
    await shared.aclose()
    return number


# A blocked store


@pytest.mark.apart
async def test_a_blocked_store_is_reported_in_time_and_does_not_block_the_event_loop(kind: Kind) -> None:
    shared = kind.connect()
    await shared.update("key", count, patience=10)
    gaps, last = [0.0], time.monotonic()

    async def tick() -> None:
        nonlocal last
        while True:
            await anyio.sleep(0.001)
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    with kind.block("key"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            for patience in (None, 0.5):
                began = time.monotonic()
                with pytest.raises(SharedUnavailable) as caught:
                    await shared.update("key", count, patience=patience)
                assert time.monotonic() - began < 10
                assert str(caught.value).startswith(shared.name)
            tasks.cancel_scope.cancel()
    assert len(gaps) > 20
    # A server that continues may still store what it was sent.
    assert await shared.update("key", count, patience=10) in (2, 3)
    await shared.aclose()


@pytest.mark.apart
async def test_many_updates_of_a_blocked_store_fail_together(kind: Kind) -> None:
    shared = kind.connect()
    await shared.update("key", count, patience=10)
    failed = 0

    async def update() -> None:
        nonlocal failed
        try:
            await shared.update("key", count, patience=0.3)
        except SharedUnavailable:
            failed += 1

    with kind.block("key"), anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(update)
    assert failed == 100
    await shared.aclose()
