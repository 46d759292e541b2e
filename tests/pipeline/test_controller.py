"""The rate controller alone, in virtual time, against quotas that it does not know."""

from __future__ import annotations

import itertools
import math
from collections import deque

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alexa_props.pipeline.rate_limit import tuning
from alexa_props.pipeline.rate_limit.controller import Controller, SentRequest
from tests.pipeline.quotas import bucket, run, shared, window

SEEDS = (1, 2, 3)
SOON, LATE = 0.01, 0.3
"""Latencies in seconds."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "accept", "refuse", "pause", "wait"]),
        st.floats(0, 30, allow_subnormal=False),
        st.integers(0, 50),
    ),
    max_size=200,
)
"""What happens, how long it takes, and to which request."""


@pytest.mark.parametrize(
    ("quota", "burst", "latency", "goodput", "refused"),
    [
        # The start at 20 per second is above the quota: some are refused before anything can be known.
        (0.5, 2, SOON, 0.95, 0.20),
        (2, 2, SOON, 0.95, 0.07),
        (2, 10, LATE, 0.90, 0.25),
        (5, 5, SOON, 0.97, 0.05),
        (5, 10, LATE, 0.92, 0.30),
        (20, 10, SOON, 0.97, 0.03),
        (20, 20, LATE, 0.95, 0.17),
        (100, 10, SOON, 0.96, 0.015),
        (100, 100, LATE, 0.95, 0.10),
        (500, 50, SOON, 0.93, 0.01),
        (500, 500, LATE, 0.88, 0.12),
        # Without any burst allowance each request must come on the millisecond, and none does at such latencies.
        (5, 1, SOON, 0.70, 0.06),
        (20, 1, LATE, 0.50, 0.07),
        (500, 1, SOON, 0.50, 0.01),
    ],
)
def test_an_unknown_quota_is_found_and_used(
    quota: float, burst: float, latency: float, goodput: float, refused: float
) -> None:
    calls = {0.5: 60, 2: 200, 5: 300, 20: 600, 100: 2000, 500: 8000}[quota]
    for seed in SEEDS:
        outcome = run(Controller(None, 1), bucket(quota, burst), calls=calls, latency=latency, seed=seed)
        assert (outcome.lost, len(outcome.accepted)) == (0, calls)
        assert outcome.per_second() / quota >= goodput
        assert outcome.refused_share <= refused


@pytest.mark.parametrize("latency", [0.5, 2.0])
def test_few_requests_are_sent_before_the_first_response(latency: float) -> None:
    controller = Controller(None, 1)
    sent = 0
    now = 0.0
    while (now := now + controller.delay(now)) < latency:
        controller.take(now, held_back=True)
        first = controller.send(now)
        sent += 1
    assert sent <= 6 + math.log2(20 * latency)
    # The first response ends that.
    assert controller.accepted(latency, first)
    assert controller.delay(latency) <= 1 / 20


def test_a_learned_rate_that_was_never_refused_is_not_lowered_by_a_long_latency() -> None:
    controller = Controller(None, 1, rate=200.0)
    controller.take(0.0, held_back=True)
    controller.accepted(0.5, controller.send(0.0))
    assert controller.rate == 200


def test_a_quota_that_was_closed_begins_at_what_it_gave() -> None:
    for seed in SEEDS:
        # The first window lets a request pass whenever it comes; the next one opens ten seconds later.
        outcome = run(Controller(None, 1), window(0.5, 10.0), calls=60, latency=0.02, seed=seed)
        assert outcome.lost == 0
        assert len(outcome.refused) <= 25


def test_a_configured_rate_is_kept_although_the_quota_was_closed() -> None:
    controller = Controller(50.0, 1)
    now = 0.0
    for refused in [False] * 20 + [True] * 6 + [False]:
        now += controller.delay(now)
        controller.take(now, held_back=True)
        sent = controller.send(now)
        if refused:
            controller.throttled(now + 0.02, sent, None, None)
        else:
            controller.accepted(now + 0.02, sent)
    assert controller.rate > 30


@pytest.mark.parametrize(("latency", "least"), [(SOON, 0.97), (LATE, 0.95)])
def test_once_found_the_quota_is_used_up(latency: float, least: float) -> None:
    for seed in SEEDS:
        outcome = run(Controller(None, 1), bucket(100, 10), calls=3000, latency=latency, seed=seed)
        assert outcome.per_second(5.0, 28.0) / 100 >= least


@pytest.mark.parametrize(
    ("quota", "latency", "least"),
    [
        *[(quota, SOON, 0.85) for quota in (5, 100)],
        *[(quota, LATE, 0.8) for quota in (5, 20)],
        # Half of each second is over before a response shows that 500 were too many for it.
        (500, LATE, 0.5),
    ],
)
def test_quotas_that_open_by_the_service_s_clock(quota: float, latency: float, least: float) -> None:
    """A quota that is used up before its second is over is closed until then, and that is no reason to crawl."""
    outcome = run(Controller(None, 1), window(quota), calls=20 * int(quota), latency=latency)
    assert outcome.per_second() / quota >= least
    assert outcome.lost <= 0.005 * len(outcome.accepted)


def test_a_quota_that_opens_each_minute_is_used_when_it_opens() -> None:
    controller = Controller(None, 1)
    outcome = run(controller, window(10, 60), calls=3000, latency=SOON, until=300)
    # 600 in each minute, whenever they come in it.
    assert outcome.per_second(0, 300) >= 0.9 * 10


@pytest.mark.parametrize(
    ("latency", "least", "refused"), [(0.002, 0.88, 0.015), (SOON, 0.88, 0.015), (LATE, 0.65, 0.07)]
)
def test_follows_a_quota_that_changes(latency: float, least: float, refused: float) -> None:
    def quota(time: float) -> float:
        return 100 if time < 10 else 50 if time < 20 else 200

    for seed in SEEDS[:2]:
        controller = Controller(None, 1)
        outcome = run(controller, bucket(quota, 10), calls=6000, latency=latency, until=30, seed=seed)
        assert outcome.per_second(0, 30) * 30 / 3500 >= least
        assert outcome.refused_share <= refused
        assert 150 < controller.rate < 300


def test_a_quota_that_has_risen_is_found_although_a_probe_is_refused() -> None:
    risen = bucket(lambda time: 50 if time < 20 else 200, 10)
    refused: list[float] = []

    def quota(time: float) -> bool:
        accepted = risen(time)
        if time > 20 and not accepted:
            refused.append(time)
        # Also those under way and the first probe.
        return accepted and not (refused and time < refused[0] + 0.025)

    outcome = run(Controller(None, 1), quota, calls=6000, latency=SOON, until=40)
    assert outcome.per_second(refused[0] + 0.5, refused[0] + 2.5) >= 0.8 * 200


@pytest.mark.parametrize(("left", "seconds"), [(0.5, 60), (0.05, 120)])
def test_a_quota_that_others_used_up_for_a_minute_is_used_again_soon(left: float, seconds: float) -> None:
    def quota(time: float) -> float:
        return left if 20 <= time < 80 else 100

    for seed in SEEDS:
        controller = Controller(None, 1)
        again = 80 + seconds
        calls = int(100 * (seconds + 60))
        outcome = run(controller, bucket(quota, 10), calls=calls, latency=SOON, until=again + 20, seed=seed)
        assert outcome.per_second(again, again + 20) >= 0.85 * 100


def test_a_quota_that_stays_low_is_not_exceeded_more_often_for_long() -> None:
    controller = Controller(None, 1)
    quota = bucket(lambda time: 100 if time < 20 else 1, 10)
    outcome = run(controller, quota, calls=6000, latency=SOON, until=3620)
    assert sum(20 <= time < 620 for time in outcome.refused) <= 120
    assert sum(time >= 620 for time in outcome.refused) <= 0.03 * 3000
    assert outcome.per_second(620, 3620) >= 0.95


def test_a_quota_that_stays_low_is_seldom_exceeded_if_each_refusal_costs_a_pause() -> None:
    class Paused(Controller):
        def throttled(self, now: float, sent: SentRequest, retry_after: float | None, request_id: str | None) -> None:
            super().throttled(now, sent, 5.0 if now > 20 else retry_after, request_id)

    outcome = run(
        Paused(None, 1), bucket(lambda time: 100 if time < 20 else 5, 10), calls=9000, latency=SOON, until=1220
    )
    assert outcome.per_second(320, 1220) >= 0.9 * 5


@pytest.mark.parametrize(("latency", "refused"), [(SOON, 0.025), (LATE, 0.1)])
def test_shares_a_quota_with_another_client(latency: float, refused: float) -> None:
    def theirs(time: float) -> float:
        return 1 if time < 8 else 50

    for seed in SEEDS[:2]:
        controller = Controller(None, 1)
        outcome = run(controller, shared(bucket(100, 10), theirs), calls=4000, latency=latency, until=30, seed=seed)
        assert outcome.per_second(2, 8) >= 0.85 * 99
        # The client that asks more often gets more, so it is at least half.
        assert outcome.per_second(12, 30) >= 0.85 * 50
        assert controller.rate < 80
        assert outcome.refused_share <= refused


def test_idle_time_changes_nothing() -> None:
    controller = Controller(None, 1)
    run(controller, bucket(100, 10), calls=2000, latency=SOON)
    rate = controller.rate
    controller.delay(10_000.0)
    controller.take(10_000.0, held_back=False)
    assert controller.rate == rate


def test_missing_responses_do_not_raise_the_rate() -> None:
    controller = Controller(None, 1)
    now = 0.0
    for _ in range(500):
        now += controller.delay(now)
        controller.take(now, held_back=True)
        controller.send(now)
    assert controller.rate <= tuning.LEAD * tuning.START


def test_refusals_of_requests_sent_before_a_cut_do_not_cut_again() -> None:
    controller = Controller(1000.0, 1)
    sent = [controller.send(0.0) for _ in range(50)]
    controller.throttled(1.0, sent[0], None, "first")
    controller.accepted(1.0, sent[1])
    rate = controller.rate
    for one in sent[2:]:
        controller.throttled(1.0, one, None, "later")
    assert (controller.rate, controller.refused, controller.last_request_id) == (rate, 49, "later")
    controller.throttled(2.0, controller.send(1.5), None, None)
    assert controller.rate < rate


@pytest.mark.parametrize("known", [None, 1000.0])
def test_a_quota_that_accepts_nothing_of_what_is_under_way_is_closed(known: float | None) -> None:
    controller = Controller(known, 1)
    sent = [controller.send(0.0) for _ in range(50)]
    for one in sent[:4]:
        controller.throttled(1.0, one, None, None)
    assert controller.holding
    assert controller.delay(1.0) >= 0.99


def test_a_search_has_few_more_requests_under_way_than_were_accepted() -> None:
    controller = Controller(None, 1)
    now, accepted = 0.0, 0
    under_way: deque[SentRequest] = deque()
    while now < 3.0:
        now += controller.delay(now)
        while under_way and under_way[0].at + 0.5 <= now:
            one = under_way.popleft()
            controller.accepted(one.at + 0.5, one)
            accepted += 1
        controller.take(now, held_back=True)
        under_way.append(controller.send(now))
        # Before the first response, distances double.
        assert len(under_way) <= 9 + accepted
    assert accepted > 50


def refused_while_under_way(controller: Controller, now: float, *, kept: int, lost: int) -> float:
    """Of what is under way the first is refused, some are accepted, others refused; then a probe is accepted."""
    sent = []
    for _ in range(1 + kept + lost):
        now += controller.delay(now)
        controller.take(now, held_back=True)
        sent.append(controller.send(now))
    now += 0.5
    controller.throttled(now, sent[0], None, None)
    for one in sent[1 : 1 + kept]:
        controller.accepted(now, one)
    for one in sent[1 + kept :]:
        controller.throttled(now, one, None, None)
    return flow(controller, now, 0.0)


def flow(controller: Controller, now: float, seconds: float, *, held_back: bool = False) -> float:
    """Accept one request, and all others for so many seconds. If none is held back, the rate does not rise."""
    end = now + seconds
    while True:
        now += controller.delay(now)
        controller.take(now, held_back=held_back)
        controller.accepted(now + 0.01, controller.send(now))
        if now >= end:
            return now


def test_if_hardly_any_gets_through_the_guess_is_what_the_quota_gave() -> None:
    controller = Controller(None, 1, rate=40.0)
    now = flow(controller, 0.0, 5.0)
    seconds = refused_while_under_way(controller, now, kept=1, lost=30)
    # About 40 a second until now, then none for a while.
    assert controller.ceiling is not None
    assert controller.ceiling >= 0.8 * 40 * 5 / seconds


def test_if_nothing_gets_through_twice_half_of_the_rate_remains() -> None:
    controller = Controller(None, 1, rate=100.0)
    now = refused_while_under_way(controller, flow(controller, 0.0, 5.0), kept=0, lost=30)
    rate = controller.rate
    refused_while_under_way(controller, now, kept=0, lost=30)
    assert controller.rate >= 0.45 * rate


def test_a_configured_rate_is_kept_although_nothing_gets_through_twice() -> None:
    controller = Controller(100.0, 1)
    now = refused_while_under_way(controller, flow(controller, 0.0, 5.0), kept=0, lost=30)
    refused_while_under_way(controller, now, kept=0, lost=30)
    assert controller.rate >= 80


def test_a_guess_climbs_fast_but_not_far_from_what_was_accepted() -> None:
    controller = Controller(None, 1, rate=40.0)
    now = refused_while_under_way(controller, flow(controller, 0.0, 5.0), kept=0, lost=30)
    rate = controller.rate
    now = flow(controller, now, 10.0, held_back=True)
    assert 2 * rate < controller.rate < 12 * rate
    # The next refusal measures half of the rate: that is a guess, too.
    controller.throttled(now + 0.01, controller.send(now), None, None)
    rate = controller.rate
    flow(controller, now + 0.02, 2.0, held_back=True)
    assert controller.rate > 1.25 * rate


def test_two_refusals_soon_after_each_other_cost_little() -> None:
    controller = Controller(None, 1, ceiling=100.0)
    now = 0.0
    for _ in range(2):
        now = flow(controller, now, 0.02)
        controller.throttled(now + 0.01, controller.send(now), None, None)
    assert controller.rate > 80


@pytest.mark.parametrize("latency", [0.002, 0.1])
def test_a_quota_that_others_had_used_up_is_found(latency: float) -> None:
    quota = bucket(100, 10)
    assert sum(quota(0.0) for _ in range(20)) == 10
    outcome = run(Controller(None, 1), quota, calls=2000, latency=latency)
    assert outcome.per_second(2, 18) >= 0.95 * 100


def test_time_without_requests_is_no_measurement() -> None:
    # Now and then a request, and seldom a refusal: that says nothing about how many would be accepted.
    controller = Controller(None, 1, rate=97.0, ceiling=100.0)
    for number in range(200):
        now = 10.0 * number
        controller.take(now, held_back=False)
        sent = controller.send(now)
        if number % 20:
            controller.accepted(now + 0.1, sent)
        else:
            controller.throttled(now + 0.1, sent, None, None)
    assert controller.rate > 50


def test_pauses_make_it_careful() -> None:
    """If each refusal costs a second, probing for more all the time would cost a third of the throughput."""
    for seed in SEEDS:
        outcome = run(Controller(None, 1), bucket(100, 10), calls=4000, latency=SOON, retry_after=1.0, seed=seed)
        assert outcome.per_second(5, 40) >= 0.8 * 100
        assert outcome.lost == 0


@pytest.mark.parametrize("pause", [5.0, 60.0])
def test_pauses_do_not_hide_a_risen_quota(pause: float) -> None:
    controller = Controller(None, 1)
    quota = bucket(lambda time: 50 if time < 60 else 200, 10)
    run(controller, quota, calls=60_000, latency=SOON, until=240, retry_after=pause)
    # The rate may be that of a pause.
    assert controller.ceiling is not None
    assert controller.ceiling > 150


@pytest.mark.parametrize("burst", [1, 5])
def test_a_known_quota_is_paced_by_schedule_and_never_refused(burst: int) -> None:
    outcome = run(Controller(100.0, burst), bucket(100, burst + 1), calls=2000, latency=SOON)
    assert not outcome.refused
    assert outcome.per_second() >= 0.98 * 100
    gaps = [after - before for before, after in itertools.pairwise(outcome.accepted[burst:])]
    assert max(gaps) < 0.015


def test_a_known_quota_that_is_wrong_is_corrected_downwards_only() -> None:
    controller = Controller(100.0, 1)
    outcome = run(controller, bucket(40, 10), calls=2000, latency=SOON)
    assert outcome.per_second(5) >= 0.95 * 40
    assert controller.rate < 50
    careful = Controller(20.0, 1)
    assert run(careful, bucket(500, 10), calls=500, latency=SOON).per_second() < 20.5
    assert careful.rate == 20


def test_starts_with_a_learned_rate() -> None:
    first = Controller(None, 1)
    run(first, bucket(100, 10), calls=2000, latency=SOON)
    warm = Controller(None, 1, rate=first.rate, ceiling=first.ceiling)
    outcome = run(warm, bucket(100, 10), calls=500, latency=SOON)
    assert outcome.per_second() >= 0.97 * 100
    assert len(outcome.refused) <= 6
    # What is known is not exceeded by what was learned.
    assert Controller(50.0, 1, rate=100.0, ceiling=120.0).rate == 50
    assert Controller(50.0, 1, rate=30.0, ceiling=30.0).rate == pytest.approx(30 * 0.97)


@pytest.mark.parametrize("rate", [0.001, 0.2, 3.0])
def test_endless_refusals_stop_nothing_forever(rate: float) -> None:
    controller = Controller(rate, 1)
    now = 0.0
    for _ in range(60):
        now += controller.delay(now)
        controller.take(now, held_back=True)
        controller.throttled(now + 0.01, controller.send(now), None, None)
    assert controller.delay(now) <= 1 / min(rate, tuning.FLOOR) + 0.1
    assert math.isfinite(controller.time_for(1000))


# A rate that rises while its burst is used up.
@example(
    known=None, burst=6, steps=[("send", 0, 0), ("refuse", 0, 0), ("send", 0, 0), ("accept", 0, 0), ("send", 2.0, 0)]
)
# Requests that are held back, and a quota that is known: the rate must not climb.
@example(known=10.0, burst=1, steps=[("send", 2.0, 0)] * 3)
@given(known=st.none() | st.floats(0.001, 1000), burst=st.integers(1, 20), steps=STEPS)
def test_in_any_sequence_requests_are_sent_and_never_above_the_known_rate(
    known: float | None, burst: int, steps: list[tuple[str, float, int]]
) -> None:
    controller = Controller(known, burst)
    now, cuts = 0.0, 0
    under_way: list[SentRequest] = []
    for what, seconds, which in steps:
        if what == "send":
            now += controller.delay(now)
            controller.take(now, held_back=seconds > 1)
            under_way.append(controller.send(now))
        elif what == "wait":
            now += seconds
        elif under_way:
            sent = under_way.pop(which % len(under_way))
            before = controller.rate
            if what == "accept":
                controller.accepted(now, sent)
            else:
                controller.throttled(now, sent, seconds if what == "pause" else None, None)
                assert controller.rate <= before
                cuts += controller.rate < before
        most = math.inf if known is None else known
        assert min(tuning.FLOOR, most) <= controller.rate <= most
        # Before anything is known of the service, distances double.
        longest = (2 if controller.answered else 2**10) / controller.rate
        assert 0 <= controller.delay(now) <= max(longest, controller.paused_until - now) + 1e-6
        assert math.isfinite(controller.time_for(1000))
    assert cuts <= controller.refused
