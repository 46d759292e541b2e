"""The record that processes share: turns, places and lanes, on a clock that jumps from event to event."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterator

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexa_props import RateLimit, errors
from alexa_props.call import Lane
from alexa_props.pipeline.rate_limit import controller, tuning
from alexa_props.pipeline.rate_limit import record as record_module
from alexa_props.pipeline.rate_limit.controller import Controller, SentRequest
from alexa_props.pipeline.rate_limit.record import Record, Report, Ticket, UnknownFormatError
from tests.pipeline.quotas import Quota, bucket


def new(per_second: float | None = None, burst: int = 1) -> Record:
    return Record(RateLimit(per_second=per_second, burst=burst), Controller(per_second, burst), 1)


@attrs.define(eq=False)
class Process:
    """A process: requests that wait in a lane, its ticket, and whether it still runs."""

    number: int
    lane: Lane = "bulk"
    waiting: deque[float] = attrs.Factory(deque)
    ticket: Ticket | None = None
    alive: bool = True
    wakes: int = 0


@attrs.define(eq=False)
class Fleet:
    """Processes that share one record, which is packed and unpacked in every transaction."""

    processes: list[Process]
    quota: Quota
    latency: float = 0.05
    settings: RateLimit = attrs.Factory(RateLimit)
    late: Callable[[], float] = float
    """Seconds by which a process wakes late."""
    looks: float = 0.05
    """Seconds after which a process with a ticket asks again."""
    now: float = 0.0
    sent: list[tuple[float, int, float]] = attrs.Factory(list)
    """When each request was sent, by which process, and when it had arrived."""
    refused: int = 0
    _stored: bytes | None = None
    _events: list[tuple[float, int, Callable[[], None]]] = attrs.Factory(list)
    _order: Iterator[int] = attrs.Factory(itertools.count)

    def at(self, time: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._order), happens))

    def run(self, until: float = math.inf) -> None:
        while self._events and self._events[0][0] <= until:
            time, _, happens = heapq.heappop(self._events)
            self.now = max(self.now, time)
            happens()

    def arrive(self, process: Process) -> None:
        process.waiting.append(self.now)
        if len(process.waiting) == 1:
            self.ask(process, waited=False)

    def ask(self, process: Process, *, waited: bool, reports: tuple[Report, ...] = ()) -> None:
        if not process.alive:
            return
        record = Record.unpack(self._stored, self.now, self.settings) or Record(
            self.settings, Controller(self.settings.per_second, self.settings.burst), 1
        )
        granted = record.ask(
            self.now,
            process.number,
            process.lane,
            len(process.waiting),
            ticket=process.ticket,
            waited=waited,
            reports=reports,
        )
        self._stored = record.pack()
        process.ticket = granted.ticket
        for turn in granted.turns:
            self.sent.append((turn.at, process.number, process.waiting.popleft()))
            self.at(turn.at + self.latency / 2, lambda turn=turn: self._served(process, turn))  # type: ignore[misc]
        if granted.ticket is not None:
            process.wakes += 1
            again = min(granted.ticket.at, self.now + self.looks) + self.late()
            self.at(again, lambda wake=process.wakes: self._wakes(process, wake))  # type: ignore[misc]

    def _wakes(self, process: Process, wake: int) -> None:
        if wake == process.wakes and process.waiting:
            self.ask(process, waited=True)

    def _served(self, process: Process, turn: SentRequest) -> None:
        accepted = self.quota(self.now)
        self.refused += not accepted

        def responded() -> None:
            report = Report(turn, self.now, "accepted" if accepted else "throttled")
            self.ask(process, waited=True, reports=(report,))

        self.at(self.now + self.latency / 2, responded)


def fleet(count: int, quota: Quota, **options: object) -> Fleet:
    return Fleet([Process(number) for number in range(count)], quota, **options)  # type: ignore[arg-type]


def departures(count: int, seed: int, per_second: float | None) -> list[float]:
    """Return when so many processes send the same 300 requests."""
    chance = random.Random(seed)
    arrivals = sorted((chance.uniform(0, 6), chance.randrange(4)) for _ in range(300))
    shared = fleet(count, bucket(60, 10), settings=RateLimit(per_second=per_second))
    for at, owner in arrivals:
        process = shared.processes[owner % count]
        shared.at(at, lambda process=process: shared.arrive(process))  # type: ignore[misc]
    shared.run()
    assert not any(process.waiting for process in shared.processes)
    return sorted(at for at, _, _ in shared.sent)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_processes_together_send_exactly_when_one_process_would(seed: int) -> None:
    assert departures(4, seed, 40.0) == pytest.approx(departures(1, seed, 40.0), abs=1e-9)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_processes_together_learn_as_one_process_does(seed: int) -> None:
    together, alone = departures(4, seed, None), departures(1, seed, None)
    assert together[-1] - together[0] == pytest.approx(alone[-1] - alone[0], rel=0.1)


@given(seed=st.integers(0, 2**32), rate=st.sampled_from([2.0, 40.0, 400.0]), count=st.integers(1, 12))
@settings(max_examples=15, deadline=None)
def test_killed_and_late_processes_cost_the_others_nothing_and_exceed_no_rate(
    seed: int, rate: float, count: int
) -> None:
    chance = random.Random(seed)
    shared = fleet(
        count,
        bucket(1e9, 1e9),
        settings=RateLimit(per_second=rate),
        late=lambda: chance.choice((0.0, 0.001, 0.03, 0.3)) * chance.random(),
    )
    for process in shared.processes:
        process.lane = chance.choice(("interactive", "bulk"))
        for _ in range(int(200 / count)):
            shared.at(chance.uniform(0, 60 / rate), lambda process=process: shared.arrive(process))  # type: ignore[misc]
    for process in chance.sample(shared.processes, count // 2):
        shared.at(chance.uniform(0, 100 / rate), lambda process=process: setattr(process, "alive", False))  # type: ignore[misc]
    shared.run()
    for process in shared.processes:
        assert not process.alive or not process.waiting
    times = sorted(at for at, _, _ in shared.sent)
    # The most that any stretch of time has above the rate.
    excess = most = 0.0
    for earlier, later in itertools.pairwise(times):
        excess = max(0.0, excess + 1 - rate * (later - earlier))
        most = max(most, excess)
    assert most <= tuning.CATCH_UP + 1e-6


@given(seed=st.integers(0, 2**32), rate=st.sampled_from([5.0, 60.0]))
@settings(max_examples=8, deadline=None)
def test_processes_that_always_ask_get_equal_shares(seed: int, rate: float) -> None:
    chance = random.Random(seed)
    shared = fleet(
        5, bucket(1e9, 1e9), settings=RateLimit(per_second=rate), late=lambda: 0.002 * chance.random(), looks=math.inf
    )
    for process in shared.processes:
        for _ in range(60):
            shared.at(0.0, lambda process=process: shared.arrive(process))  # type: ignore[misc]
    shared.run()
    owners = [owner for _, owner, _ in shared.sent]
    for begin in range(0, 250, 5):
        assert len(set(owners[begin : begin + 7])) == 5


@pytest.mark.parametrize("rate", [4.0, 40.0, 300.0])
def test_interactive_requests_go_first_and_leave_bulk_one_turn_in_five(rate: float) -> None:
    shared = fleet(4, bucket(1e9, 1e9), settings=RateLimit(per_second=rate), looks=math.inf)
    shared.processes[0].lane = "interactive"
    for process in shared.processes:
        for _ in range(400 if process.lane == "interactive" else 100):
            shared.at(0.0, lambda process=process: shared.arrive(process))  # type: ignore[misc]
    shared.run(until=200 / rate)
    owners = [owner for _, owner, _ in shared.sent]
    bulk = sum(owner != 0 for owner in owners)
    assert len(owners) >= 190
    assert bulk / len(owners) == pytest.approx(0.2, abs=0.06)


def test_an_interactive_request_waits_for_two_turns_at_most_behind_bulk_processes() -> None:
    shared = fleet(9, bucket(1e9, 1e9), settings=RateLimit(per_second=50))
    shared.processes[0].lane = "interactive"
    for process in shared.processes[1:]:
        for _ in range(100):
            shared.at(0.0, lambda process=process: shared.arrive(process))  # type: ignore[misc]
    for number in range(20):
        shared.at(1.003 + 0.31 * number, lambda: shared.arrive(shared.processes[0]))
    shared.run(until=10)
    waits = [at - arrived for at, owner, arrived in shared.sent if owner == 0]
    assert len(waits) == 20
    assert max(waits) <= 2 / 50


def test_a_refusal_slows_all_processes_and_only_once() -> None:
    shared = fleet(8, bucket(50, 5))
    for process in shared.processes:
        for _ in range(150):
            shared.at(0.0, lambda process=process: shared.arrive(process))  # type: ignore[misc]
    shared.run(until=20)
    assert len(shared.sent) - shared.refused >= 0.93 * (50 * 20)
    assert shared.refused <= 0.02 * len(shared.sent)


@pytest.mark.parametrize("per_second", [0.001, 1e6])
def test_a_very_low_or_high_configured_rate_can_be_shared(per_second: float) -> None:
    record = new(per_second)
    record.ask(10.0, 1, "bulk", 1)
    assert Record.unpack(record.pack(), 20.0, record.settings) is not None


def test_is_stored_and_read_unchanged() -> None:
    record = new()
    for number in range(30):
        granted = record.ask(
            10.0 + number / 7, number % 9, "interactive" if number % 4 else "bulk", 3, ticket=None, waited=number > 3
        )
        for turn in granted.turns:
            outcome = "throttled" if number % 11 == 10 else "accepted"
            record.ask(10.1 + number / 7, 1, "bulk", 0, reports=[Report(turn, 10.1 + number / 7, outcome, 1.5)])  # type: ignore[arg-type]
    stored = record.pack()
    again = Record.unpack(stored, 15.0, record.settings)
    assert again is not None
    assert again.pack() == stored
    assert len(stored) < 600


@given(st.binary(max_size=700), st.floats(0, 1e9))
@settings(max_examples=200, deadline=None)
def test_garbage_is_no_record(stored: bytes, now: float) -> None:
    try:
        record = Record.unpack(b"\x01" + stored, now, RateLimit())
    except errors.ConfigurationError:
        return
    if record is not None:
        assert math.isfinite(record.ask(now, 1, "bulk", 1).turns[0].at if record.since <= now else 0.0)


@given(st.integers(0, 500), st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_changed_byte_never_raises(position: int, value: int) -> None:
    record = new()
    record.ask(10.0, 1, "bulk", 3)
    stored = bytearray(record.pack())
    stored[position % len(stored)] = value
    try:
        read = Record.unpack(bytes(stored), 10.1, RateLimit())
    except (errors.ConfigurationError, UnknownFormatError):
        return
    if read is not None:
        granted = read.ask(10.1, 2, "bulk", 1)
        times = [turn.at for turn in granted.turns] + ([granted.ticket.at] if granted.ticket else [])
        assert all(map(math.isfinite, times))


def test_a_record_of_a_state_that_cannot_be_is_damaged() -> None:
    record = new()
    # Only a refusal lets it hold, and shows a ceiling.
    record.controller._holding = True
    assert Record.unpack(record.pack(), 0.0, RateLimit()) is None


def test_processes_that_return_to_an_empty_store_keep_what_was_learned() -> None:
    # By the clock of a server, which counts from 1970.
    now = 1.8e9
    record = Record(RateLimit(), Controller(None, 1, ceiling=100.0))
    back = record.rejoin(now, 1, returns=True)
    for member in (2, 3, 4):
        read = Record.unpack(record.pack(), now + 0.1 * member, RateLimit())
        assert read is not None
        record = read
        assert record.rejoin(now + 0.1 * member, member, returns=True) == back
    assert (record.controller.ceiling, len(record.members)) == (100, 4)


def test_a_record_of_another_release_is_left_alone() -> None:
    with pytest.raises(UnknownFormatError):
        Record.unpack(b"\x02" + new().pack()[1:], 0.0, RateLimit())


def test_another_state_of_the_controller_is_another_format() -> None:
    """Else processes of two releases would take turns in replacing each other's record as damaged."""
    digest = hashlib.sha256(" ".join(controller._LAYOUT.names).encode()).hexdigest()[:16]
    assert (record_module._FORMAT, digest) == (1, "e5023327824321b4")


@pytest.mark.parametrize("other", [RateLimit(per_second=50), RateLimit(per_second=100, burst=3), RateLimit()])
def test_all_that_share_a_rate_limit_need_the_same_settings(other: RateLimit) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"per_second=100.*same settings"):
        Record.unpack(new(100.0).pack(), 0.0, other)


def test_settings_that_all_processes_changed_apply_when_the_old_processes_are_gone() -> None:
    record = new(50)
    record.ask(100.0, 1, "bulk", 1)
    record.controller.paused_until = 400.0
    changed = RateLimit(per_second=80, burst=3)
    with pytest.raises(errors.ConfigurationError, match="per_second=50"):
        Record.unpack(record.pack(), 100.0 + Record.PRESENT - 0.1, changed)
    begun = Record.unpack(record.pack(), 100.0 + Record.PRESENT, changed)
    assert begun is not None
    assert (begun.controller.rate, begun.controller.paused_until) == (80, 400.0)
    again = Record.unpack(begun.pack(), 106.0, changed)
    assert again is not None
    # The host was restarted.
    restarted = Record.unpack(record.pack(), 5.0, changed)
    assert restarted is not None
    assert restarted.controller.paused_until == 0


@pytest.mark.parametrize(("per_second", "burst"), [(0.05, 1000), (0.001, 20)])
def test_a_large_burst_of_a_low_rate_that_is_used_up_is_no_damage(per_second: float, burst: int) -> None:
    record = new(per_second, burst)
    for _ in range(burst):
        assert record.ask(100.0, 1, "bulk", 1).turns
    again = Record.unpack(record.pack(), 100.0, record.settings)
    assert again is not None
    assert not again.ask(100.0, 1, "bulk", 1).turns


def test_a_clock_that_was_set_back_drops_the_times_and_keeps_what_was_learned() -> None:
    record = new()
    for number in range(20):
        turn = record.ask(500_000.0 + number, 1, "bulk", 1).turns[0]
        outcome = "throttled" if number in (9, 19) else "accepted"
        at = 500_000.2 + number
        record.ask(at, 1, "bulk", 0, reports=[Report(turn, at, outcome, None)])  # type: ignore[arg-type]
    ceiling = record.controller.ceiling
    assert ceiling is not None
    ticket = record.ask(500_019.3, 2, "bulk", 9).ticket
    assert ticket is not None
    again = Record.unpack(record.pack(), 3.0, record.settings)
    assert again is not None
    assert again.controller.ceiling == pytest.approx(ceiling, rel=0.3)
    turn = again.ask(3.0, 1, "bulk", 1, ticket=ticket).turns[0]
    # The response to a request that was sent before.
    again.ask(3.1, 2, "bulk", 0, reports=[Report(turn._replace(at=500_019.3), 3.1, "accepted")])
    # A response that seems to come three minutes from now: the clock was right meanwhile.
    turn = again.ask(3.3, 1, "bulk", 1).turns[0]
    again.ask(3.4, 2, "bulk", 0, reports=[Report(turn, 203.4, "throttled")])
    assert again.controller.delay(3.4) < 60
    # Processes that were alone return together, but not in seven seconds.
    again.since = 10.0
    assert again.at(3.4).since <= 3.4


@pytest.mark.parametrize(
    ("unused", "ceiling", "rate"), [(3000, 100, 97), (5000, None, 50), (40 * 86400, None, tuning.START)]
)
def test_what_was_learned_is_trusted_by_its_age(unused: float, ceiling: float | None, rate: float) -> None:
    settings = RateLimit()
    record = Record(settings, Controller(None, 1, ceiling=100.0))
    record.ask(10.0, 1, "bulk", 1)
    again = Record.unpack(record.pack(), 10.0 + unused, settings)
    assert again is not None
    assert again.controller.ceiling == ceiling
    assert again.controller.rate == pytest.approx(rate)


def test_members_are_those_who_asked_in_the_last_seconds() -> None:
    record = new()
    for member in range(5):
        record.ask(10.0 + member, member, "bulk", 1)
    assert sorted(record.members) == [0, 1, 2, 3, 4]
    record.ask(17.5, 9, "bulk", 1)
    assert sorted(record.members) == [3, 4, 9]
