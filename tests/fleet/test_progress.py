"""Progress: the figures, the callback, and the displays."""

from __future__ import annotations

import functools
import itertools
import logging
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from alexa_props import fleet
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.progress import Meter, Progress
from alexa_props.simulator import Simulator
from tests.fleet.helpers import Clock, echo, fail, work
from tests.helpers import virtual_time

# The figures.


def test_counts_items() -> None:
    clock = Clock()
    with Meter(None, 20, "station", clock=clock) as meter:
        meter.ended("done", 0, 3)
        meter.ended("done", 2, 3)
        meter.ended("failed", 1, 2)
        meter.ended("unknown", 0, 1)
        meter.skipped(1)
        clock.now += 4
        assert meter.now(7) == Progress(
            total=20, done=2, failed=1, unknown=1, skipped=1, refused=3, in_flight=7, elapsed=4, rate=1.0, eta=15.0
        )
        assert meter.now(7).ended == 5


def test_rate_is_recent() -> None:
    clock = Clock()
    with Meter(None, 4_000, "station", clock=clock) as meter:
        work(meter, clock, seconds=30, per_second=100)
        assert meter.now(5).rate == pytest.approx(100, rel=0.02)
        work(meter, clock, seconds=21, per_second=10)
        state = meter.now(5)
        assert state.rate == pytest.approx(10, rel=0.02)
        assert state.eta == pytest.approx((4_000 - 3_000 - 210) / 10, rel=0.02)


def test_rate_of_slow_items() -> None:
    clock = Clock()
    with Meter(None, 100, "reset", clock=clock) as meter:
        work(meter, clock, seconds=300, per_second=1 / 30)
        assert meter.now(1).rate == pytest.approx(1 / 30)
        assert meter.now(1).eta == pytest.approx(90 * 30)


def test_no_eta_if_nothing_ends() -> None:
    clock = Clock()
    with Meter(None, 2_000, "station", clock=clock) as meter:
        work(meter, clock, seconds=10, per_second=100)
        clock.now += 10
        meter.now(5)
        clock.now += 10
        assert (meter.now(5).rate, meter.now(5).eta) == (0.0, None)


def test_no_eta_in_the_first_second() -> None:
    clock = Clock()
    with Meter(None, 1_000, "station", clock=clock) as meter:
        assert (meter.now(5).rate, meter.now(5).eta) == (0.0, None)
        work(meter, clock, seconds=0.5, per_second=10)
        assert meter.now(5).rate == pytest.approx(10)
        assert meter.now(5).eta is None
        work(meter, clock, seconds=0.5, per_second=10)
        assert meter.now(5).eta == pytest.approx(99)


def test_skipped_items_do_not_count_for_the_rate() -> None:
    clock = Clock()
    with Meter(None, 1_000, "station", clock=clock) as meter:
        for _ in range(800):
            meter.skipped(0)
        work(meter, clock, seconds=10, per_second=10)
        assert meter.now(5).rate == pytest.approx(10)
        assert meter.now(5).eta == pytest.approx(10)


@pytest.mark.parametrize(("total", "eta"), [(None, None), (0, 0.0), (3, 0.0), (5, 0.0), (6, 1.0)])
def test_eta_at_the_end(total: int | None, eta: float | None) -> None:
    clock = Clock()
    with Meter(None, total, "station", clock=clock) as meter:
        work(meter, clock, seconds=5, per_second=1)
        assert meter.now(0).eta == eta


def test_progress_is_frozen_after_the_end() -> None:
    clock = Clock()
    with Meter(None, 1_000, "station", clock=clock) as meter:
        work(meter, clock, seconds=20, per_second=10)
        work(meter, clock, seconds=20, per_second=20)
    clock.now += 100
    last = meter.now(3)
    assert (last.elapsed, last.in_flight) == (40, 0)
    # The rate of the whole run. The rest is not going to be done.
    assert last.rate == pytest.approx(15)
    assert last.eta is None

    with Meter(None, 1, "station", clock=clock) as meter:
        meter.ended("done", 0, 0)
    assert meter.now(0).eta == 0.0


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "1,234 of 4,000, 3 failed, 2 unknown, 29 skipped, 12 refused, 35.2/s, 0:01:19 left"),
        (
            {"done": 1234, "failed": 0, "unknown": 0, "skipped": 0, "refused": 0, "total": None, "eta": None},
            "1,234, 35.2/s, 1:02:03 elapsed",
        ),
        (
            {"done": 4000, "failed": 0, "unknown": 0, "skipped": 0, "refused": 0, "rate": 1234.5, "eta": 0.0},
            "4,000 of 4,000, 1,234/s, 1:02:03 elapsed",
        ),
        (
            {"failed": 0, "unknown": 0, "skipped": 0, "refused": 0, "rate": 0.033, "elapsed": 9.6, "eta": None},
            "1,200 of 4,000, 0.03/s, 0:00:10 elapsed",
        ),
    ],
)
def test_progress_as_text(changes: dict[str, Any], line: str) -> None:
    some: dict[str, Any] = {"total": 4000, "done": 1200, "failed": 3, "unknown": 2, "skipped": 29, "refused": 12}
    rest: dict[str, Any] = {"in_flight": 16, "elapsed": 3723.0, "rate": 35.2, "eta": 79.4}
    assert str(Progress(**{**some, **rest, **changes})) == line


# A callback.


def test_callback_gets_first_and_last_state_and_ten_per_second() -> None:
    clock = Clock()
    states: list[Progress] = []
    with Meter(states.append, 5_000, "station", clock=clock) as meter:
        assert [state.ended for state in states] == [0]
        work(meter, clock, seconds=2, per_second=1_000)
        shown = len(states)
        assert 19 <= shown <= 21
        for _ in range(1_000):
            meter.skipped(5)
        assert len(states) == shown
        clock.now += 0.1
        meter.skipped(4)
        assert (states[-1].skipped, states[-1].in_flight) == (1_001, 4)
    assert len(states) == shown + 2
    assert (states[-1].done, states[-1].skipped, states[-1].in_flight) == (2_000, 1_001, 0)
    assert [state.elapsed for state in states[:4]] == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.005)


def test_slow_callback_is_not_called_for_every_item() -> None:
    clock = Clock()
    called: list[float] = []

    def slow(state: Progress) -> None:
        called.append(clock.now)
        clock.now += 3

    with Meter(slow, None, "station", clock=clock) as meter:
        for _ in range(99):
            clock.now += 0.01
            meter.ended("done", 0, 1)
        # The first state at 0, which took 3 s; then one after 0.1 s, and so on.
        assert called == pytest.approx([1000 + 3.1 * number for number in range(10)], abs=0.02 * 10)


def test_exception_of_a_callback_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    called: list[int] = []

    def broken(state: Progress) -> None:
        called.append(state.done)
        raise ZeroDivisionError

    with Meter(broken, 10, "station", clock=clock) as meter:
        work(meter, clock, seconds=10, per_second=1)
    assert called == [*range(11), 10]
    (record,) = caplog.records
    assert record.name == "alexa_props"
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_failing_run_shows_its_last_state() -> None:
    states: list[Progress] = []
    with pytest.raises(ZeroDivisionError):
        fail(states.append, ZeroDivisionError())
    assert [(state.failed, state.in_flight) for state in states] == [(0, 0), (1, 0)]


async def _asynchronous(state: Progress) -> None: ...


@pytest.mark.parametrize("progress", [1, 0, "yes", object(), _asynchronous])
def test_refuses_invalid_progress(progress: Any) -> None:
    with pytest.raises(ConfigurationError, match="progress must be True, None, or a function") as caught:
        Meter(progress, 10, "station")
    assert repr(progress)[:70] in str(caught.value)


@pytest.mark.parametrize("progress", [None, False])
def test_none_and_false_show_nothing(
    progress: bool | None, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    with Meter(progress, 10, "station", clock=clock) as meter:
        work(meter, clock, seconds=30, per_second=10)
    assert capsys.readouterr() == ("", "")
    assert not caplog.records


@pytest.mark.usefixtures("on_virtual_time")
@pytest.mark.parametrize("anyio_backend", [virtual_time()], ids=["virtual time"])
async def test_progress_updates_while_no_item_ends() -> None:
    states: list[Progress] = []
    async with Simulator(rooms=130, endpoints_per_room=0) as sim:
        asp = sim.smart_properties()
        sim.latency(3.5, operation="units.list")

        async def call(room: str) -> None:
            await anyio.sleep(5)

        await fleet.collect(call, fleet.walk_rooms(asp, sim.organization_id), progress=states.append)
    listing = [state for state in states if state.listed is not None and not state.ended and not state.in_flight]
    assert [round(state.elapsed) for state in listing[:10]] == list(range(10))
    assert len({state.listed for state in listing}) > 2
    assert "listing rooms: 0 units" in str(listing[0])
    working = [round(state.elapsed) for state in states if state.in_flight]
    assert max(later - earlier for earlier, later in itertools.pairwise(working)) <= 1
    assert "listing" not in str(states[-1])


@pytest.fixture
def on_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure progress on the clock of the event loop."""
    monkeypatch.setitem(Meter.__init__.__kwdefaults__ or {}, "clock", anyio.current_time)


@pytest.mark.usefixtures("on_virtual_time")
@pytest.mark.parametrize("anyio_backend", [virtual_time()], ids=["virtual time"])
@pytest.mark.parametrize("root", ["a page", "branches", "a room"])
async def test_number_of_rooms_is_known_once_they_are_listed(root: str) -> None:
    states: list[Progress] = []
    async with Simulator(rooms=8 if root == "a page" else 300, endpoints_per_room=0) as sim:
        top = sim.rooms[0] if root == "a room" else sim.organization_id
        rooms = fleet.walk_rooms(sim.smart_properties(), top)
        report = await fleet.collect(takes_a_while, rooms, progress=states.append, concurrency=1)
    assert len(report) == {"a page": 8, "branches": 300, "a room": 1}[root]
    assert (states[0].listed, states[0].total) == (None, None)
    assert "listing rooms: 0 units" in str(states[1])
    assert [state.total for state in states if not state.ended][-1] == len(report)


@pytest.mark.usefixtures("on_virtual_time")
@pytest.mark.parametrize("anyio_backend", [virtual_time()], ids=["virtual time"])
async def test_number_of_rooms_is_not_that_of_items_that_are_filtered() -> None:
    states: list[Progress] = []
    async with Simulator(rooms=100, endpoints_per_room=0) as sim:

        async def some() -> AsyncIterator[fleet.Room]:
            async for room in fleet.walk_rooms(sim.smart_properties(), sim.organization_id):
                if (room.name or "").endswith("1"):
                    yield room

        report = await fleet.collect(takes_a_while, some(), progress=states.append, concurrency=2)
    assert 5 < len(report) < 100
    assert "listing rooms: 0 units" in str(states[1])
    # It is known once the last one was read.
    assert [state.total for state in states if state.ended == len(report) - 4][-1] is None
    assert {state.total for state in states} == {None, len(report)}


async def takes_a_while(_: str) -> None:
    await anyio.sleep(2.5)


async def reset_room(room: str, volume: int = 30) -> None: ...


@pytest.mark.parametrize(
    ("call", "options", "title"),
    [
        (reset_room, {}, "reset room"),
        (functools.partial(reset_room, volume=10), {}, "reset room"),
        (reset_room, {"job": "night reset"}, "night reset"),
        (reset_room, {"job": 'reset {"volume": 30}', "title": "reset"}, "reset"),
        (lambda room: echo(item=room), {}, "items"),
        (fleet.ensure_default_music_station, {"title": "line\nbreak \x1b[2J"}, "line break \ufffd[2J"),
        (reset_room, {"title": "long " * 20}, "long long long long long long long long …"),
    ],
)
async def test_title(
    call: Any, options: dict[str, Any], title: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger="alexa_props.progress")
    monkeypatch.setattr(sys, "stderr", None)
    await fleet.collect(call, [], progress=True, **options)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{title}: 0 of 0, ")


@pytest.mark.parametrize("title", ["", 1, b"reset"])
async def test_refuses_invalid_title(title: Any) -> None:
    with pytest.raises(ConfigurationError, match="title must be a name, not"):
        await fleet.collect(echo, [], title=title)
