"""Limits of an earlier process: trusted while they are new, a starting point when they are old, and never worn down."""

from __future__ import annotations

import datetime as dt
from typing import Any

import anyio
import pytest

from alexa_props import Limits, RateLimit, SmartProperties
from alexa_props.limits import ScopeLimits
from tests.helpers import Service, gather, get, smart_properties, virtual_time
from tests.pipeline.test_rate_limit import GET, Quota, many

NEW = dt.timedelta(minutes=50)
OLD = dt.timedelta(days=2)
LAST_DATE = dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=23, minutes=59)))


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def learned(ago: dt.timedelta | None, rate: float = 97, ceiling: float | None = 100) -> Limits:
    at = None if ago is None else dt.datetime.now(dt.UTC) - ago
    return Limits({GET: ScopeLimits(rate=rate, ceiling=ceiling, learned_at=at)})


def client_of(service: Any, limits: Limits, **settings: Any) -> SmartProperties:
    return smart_properties(service, rate_limit=RateLimit(**settings), limits=limits)


async def started(limits: Limits, **settings: Any) -> ScopeLimits:
    """Return the limits of a client after its first call, which has waited for nothing."""
    client = client_of(Service(204), limits, **settings)
    await get(client)
    return client.limits[GET]


@pytest.mark.parametrize(
    ("ago", "rate"),
    [
        (NEW, 97),
        (dt.timedelta(minutes=70), 50),
        (dt.timedelta(days=29), 50),
        (dt.timedelta(days=31), 20),
        (-dt.timedelta(minutes=5), 50),
        (None, 97),
    ],
    ids=["new", "over an hour", "29 days", "31 days", "the clock was set back", "of unknown age"],
)
async def test_how_far_a_rate_is_trusted_depends_on_its_age(ago: dt.timedelta | None, rate: float) -> None:
    assert (await started(learned(ago))).rate == pytest.approx(rate)


@pytest.mark.parametrize(("ceiling", "rate"), [(100, 50), (None, 97)])
async def test_an_old_rate_is_not_lowered_by_each_process_that_hardly_uses_it(
    ceiling: float | None, rate: float
) -> None:
    limits = learned(OLD, ceiling=ceiling)
    for _ in range(5):
        client = client_of(Service(204), limits)
        await get(client)
        # Estimates still use the ceiling: nothing contradicts it.
        assert (client.limits[GET].rate, client.limits[GET].ceiling) == (rate, ceiling)
        limits = Limits.from_json(client.limits.to_json())


@pytest.mark.parametrize("quota", [25, 100, 200])
async def test_an_old_ceiling_is_found_again_quickly(quota: int) -> None:
    bucket = Quota(quota, burst=quota / 10)
    client = client_of(Service(bucket, latency=0.05), learned(OLD))
    begun, before = anyio.current_time(), dt.datetime.now(dt.UTC)
    await many(client, 10 * quota)
    assert bucket.handled == 10 * quota
    assert bucket.refused <= 0.02 * bucket.handled + 5
    assert 10 / (anyio.current_time() - begun) > 0.85
    found = client.limits[GET]
    assert found.ceiling == pytest.approx(quota, rel=0.15)
    assert found.learned_at is not None
    assert found.learned_at >= before


async def test_a_search_that_passes_the_old_ceiling_has_learned_that_there_is_more() -> None:
    client = client_of(Service(204, latency=0.01), learned(OLD))
    await many(client, 5)
    found = client.limits[GET]
    assert (50 < found.rate < 100, found.ceiling) == (True, 100)
    await many(client, 300)
    found = client.limits[GET]
    assert (found.rate > 100, found.ceiling) == (True, None)
    assert found.learned_at is not None
    assert dt.datetime.now(dt.UTC) - found.learned_at < NEW


async def test_an_old_pause_is_over() -> None:
    now = dt.datetime.now(dt.UTC)
    # With a clock that is right again.
    limits = ScopeLimits(rate=1, ceiling=1, learned_at=now + OLD, paused_until=now + OLD)
    begun = anyio.current_time()
    await get(client_of(Service(204), Limits({GET: limits})))
    assert anyio.current_time() - begun < 1


async def test_a_configured_rate_bounds_what_was_learned() -> None:
    for ago in (NEW, OLD):
        assert (await started(learned(ago, rate=970, ceiling=1000), per_second=30)).rate == 30
    assert (await started(learned(NEW, rate=9.7, ceiling=10), per_second=30)).rate == pytest.approx(9.7)


async def test_what_was_not_learned_has_no_time_and_what_was_has() -> None:
    client = client_of(Service(Quota(10, burst=2), latency=0.01), Limits())
    await get(client)
    assert client.limits[GET].learned_at is None
    await gather(*[lambda: get(client)] * 20)
    at = client.limits[GET].learned_at
    assert at is not None
    await anyio.sleep(3600)
    # Looking changes nothing.
    assert client.limits[GET].learned_at == at
    assert Limits.from_json(client.limits.to_json())[GET].learned_at == at


async def test_limits_without_a_time_or_at_the_end_of_time_are_loaded() -> None:
    text = f'{{"{GET}": {{"rate": 5, "ceiling": 6, "paused_until": null}}}}'
    assert Limits.from_json(text)[GET] == ScopeLimits(rate=5, ceiling=6)
    last = Limits.from_json(Limits({GET: ScopeLimits(rate=5, ceiling=6, learned_at=LAST_DATE)}).to_json())
    assert (await started(last)).rate == 3
