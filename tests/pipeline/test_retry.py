"""When an attempt is repeated, after what wait, and what is raised if it is not."""

from __future__ import annotations

import datetime as dt
import email.utils
import functools
from collections import Counter
from typing import Any

import anyio
import attrs
import httpx
import pytest

from alexa_props import RateLimit, RetryPolicy, SmartProperties, Timeouts, errors, fleet, hooks
from alexa_props.call import Call, ResponseClass
from alexa_props.pipeline.retry import RetryQuota
from alexa_props.responses import parse_retry_after
from tests.helpers import (
    Amazon,
    Script,
    Seen,
    Service,
    answer,
    for_business,
    gather,
    get,
    login,
    smart_properties,
    virtual_time,
)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


async def keep_calling(client: SmartProperties) -> None:
    while True:
        await get(client)


FATE = {
    httpx.ConnectError: ("no", True),
    httpx.ConnectTimeout: ("no", True),
    httpx.PoolTimeout: ("no", True),
    httpx.ReadError: ("maybe", True),
    httpx.ReadTimeout: ("maybe", True),
    httpx.WriteError: ("maybe", True),
    httpx.WriteTimeout: ("maybe", True),
    httpx.CloseError: ("maybe", True),
    httpx.RemoteProtocolError: ("maybe", True),
    httpx.ProxyError: ("no", False),
    httpx.UnsupportedProtocol: ("no", False),
    httpx.LocalProtocolError: ("no", False),
}
"""Each httpx exception: whether the request may have been sent, and whether the fault may pass."""


def test_the_table_names_every_transport_error_of_httpx() -> None:
    kinds = {
        kind
        for kind in vars(httpx).values()
        if isinstance(kind, type)
        and issubclass(kind, httpx.TransportError)
        # Other packages may derive classes.
        and not any(vars(httpx).get(derived.__name__) is derived for derived in kind.__subclasses__())
    }
    assert kinds == set(FATE)


async def test_repeats_an_idempotent_call_after_transient_faults() -> None:
    found: dict[type[httpx.TransportError], tuple[str, bool]] = {}
    for kind in FATE:
        service = Service(kind)
        with pytest.raises(errors.TransportError, match=kind.__name__) as caught:
            await get(smart_properties(service))
        found[kind] = (caught.value.sent, len(service.seen) == 4)
        assert caught.value.attempts == len(service.seen)
        assert caught.value.operation == "unit_settings.get_default_music_station"
        assert type(caught.value.__cause__) is kind
    assert found == FATE


async def test_repeats_a_post_only_if_nothing_was_sent() -> None:
    for kind, (sent, transient) in FATE.items():
        service = Service(kind, 200)
        client = smart_properties(service)
        if transient and sent == "no":
            assert (await client.request("POST", "/v2/things", json={})).status_code == 200
            assert len(service.seen) == 2
        else:
            with pytest.raises(errors.TransportError) as caught:
                await client.request("POST", "/v2/things", json={})
            assert (len(service.seen), caught.value.sent) == (1, sent), kind


@pytest.mark.parametrize("before", [[httpx.ReadError], [503], [httpx.ReadError, 429]], ids=str)
async def test_a_call_that_may_have_been_sent_stays_so_however_the_last_attempt_failed(before: list[Script]) -> None:
    with pytest.raises(errors.TransportError, match="it may have been sent") as caught:
        await get(smart_properties(Service(*before, httpx.ConnectError)))
    assert caught.value.sent == "maybe"


async def test_repeats_only_responses_with_a_transient_status() -> None:
    attempts: dict[int, int] = {}
    for status in (200, 201, 302, 400, 403, 404, 408, 409, 500, 501, 502, 503, 504):
        service = Service(status)
        assert (await smart_properties(service).request("GET", "/v2/things")).status_code == status
        attempts[status] = len(service.seen)
    assert {status for status, count in attempts.items() if count == 4} == {408, 500, 502, 503, 504}
    assert {*attempts.values()} == {1, 4}


async def test_does_not_repeat_a_post_that_has_a_response() -> None:
    for status in (408, 500, 503):
        service = Service(status)
        assert (await smart_properties(service).request("POST", "/v2/things")).status_code == status
        assert len(service.seen) == 1


async def test_repeats_a_throttled_post() -> None:
    service = Service(429, 201)
    assert (await smart_properties(service).request("POST", "/v2/things")).status_code == 201


async def test_the_error_of_the_last_attempt_counts_all_attempts() -> None:
    with pytest.raises(errors.ServerError, match=r"4 attempt\(s\)") as caught:
        await get(smart_properties(Service(500, 502, 503, 500)))
    assert (caught.value.status, caught.value.attempts) == (500, 4)


async def test_does_not_repeat_after_a_foreign_exception() -> None:
    service = Service(ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        await get(smart_properties(service))
    assert len(service.seen) == 1


async def test_one_attempt_means_no_retry() -> None:
    service = Service(503)
    with pytest.raises(errors.ServerError):
        await get(smart_properties(service, retry=RetryPolicy(max_attempts=1)))
    assert len(service.seen) == 1


async def test_a_view_has_its_own_policy() -> None:
    service = Service(503)
    client = smart_properties(service)
    with pytest.raises(errors.ServerError):
        await get(client.with_options(retry=RetryPolicy(max_attempts=2)))
    assert len(service.seen) == 2


async def test_waits_are_drawn_from_nothing_to_a_capped_power_of_two() -> None:
    policy = RetryPolicy(max_attempts=7, base=1.0, cap=8.0)
    drawn: list[list[float]] = []
    for _ in range(100):
        service = Service(*[503] * 6, None)
        await get(smart_properties(service, retry=policy))
        drawn.append(service.waits)
    for waits, bound in zip(zip(*drawn, strict=True), [1, 2, 4, 8, 8, 8], strict=True):
        assert max(waits) <= bound + 1e-5
        # Full jitter: the whole range is used, and by no two clients alike.
        assert max(waits) > 0.85 * bound
        assert min(waits) < 0.15 * bound
        assert len(set(waits)) > 90


def _http_date(moment: dt.datetime) -> str:
    return email.utils.format_datetime(moment, usegmt=True)


MOON = dt.datetime(1969, 7, 20, 20, 17, tzinfo=dt.UTC)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "floor"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "soon"}, 0),
        ({"Retry_After": _http_date(MOON), "Date": _http_date(MOON - dt.timedelta(seconds=9))}, 9),
    ],
)
async def test_retry_after_is_a_floor(status: int, headers: dict[str, str], floor: float) -> None:
    service = Service(answer(status, **headers), None)
    await get(smart_properties(service, retry=RetryPolicy(base=0.001)))
    assert service.waits[0] == pytest.approx(floor, abs=1.5 if status == 429 else 0.01)
    assert service.waits[0] >= floor


async def test_retry_after_is_no_more_than_a_floor() -> None:
    """All calls that were refused together are asked to wait for the same time: they still spread."""
    waits: list[float] = []
    for _ in range(50):
        service = Service(answer(503, Retry_After="0.5"), None)
        await get(smart_properties(service, retry=RetryPolicy(base=5)))
        waits += service.waits
    assert min(waits) > 0.5 - 1e-6
    assert max(waits) > 3


async def test_the_longest_of_several_requested_waits_counts() -> None:
    service = Service(answer(429, Retry_After="60"), answer(429, Retry_After="5"), None, latency=1)
    client = smart_properties(service)
    await gather(*[lambda: get(client)] * 2)
    assert service.times[2] >= 1 + 60


async def test_a_retry_after_date_is_relative_to_the_local_clock_without_a_date_header() -> None:
    service = Service(answer(503, Retry_After=_http_date(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60))), None)
    await get(smart_properties(service))
    assert 50 < service.waits[0] <= 60


@pytest.mark.parametrize("status", [429, 503])
async def test_a_requested_wait_beyond_the_cap_is_raised_immediately(status: int) -> None:
    service = Service(answer(status, Retry_After="121"))
    client = smart_properties(service)
    begun = anyio.current_time()
    with pytest.raises(errors.ApiError, match="asked to wait 121 s") as caught:
        await get(client)
    assert caught.value.retry_after == 121
    assert (len(service.seen), anyio.current_time()) == (1, begun)
    service = Service(answer(503, Retry_After="120"), None)
    await get(smart_properties(service))
    assert len(service.seen) == 2


LIMITS: dict[str, tuple[int, str, dict[str, Any], dict[str, Any]]] = {
    "max_attempts=2": (503, "1", {"retry": RetryPolicy(max_attempts=2)}, {}),
    "max_retry_after=120 s": (429, "121", {}, {}),
    "max_wait=1 s": (429, "10", {}, {"max_wait": 1}),
    "the deadline of 5 s": (429, "10", {}, {"deadline": 5}),
    "max_attempts=4": (503, "0", {}, {}),
}


@pytest.mark.parametrize("limit", LIMITS)
async def test_an_error_names_the_setting_that_allowed_no_further_attempt(limit: str) -> None:
    status, asked, options, marks = LIMITS[limit]
    client = smart_properties(Service(answer(status, Retry_After=asked)), **options).with_options(**marks)
    with pytest.raises(errors.ApiError) as caught:
        await get(client)
    assert str(caught.value).endswith(
        f"); {limit} allowed no further attempt" + ("; slow down" if status == 429 else "")
    ), caught.value


async def test_an_error_names_the_max_wait_that_allowed_no_further_attempt() -> None:
    client = smart_properties(Service(429), rate_limit=RateLimit(per_second=0.01))
    with pytest.raises(errors.Throttled, match=r"1 attempt\(s\)\); max_wait=50 s allowed no further attempt"):
        await get(client.with_options(max_wait=50))


async def test_an_error_without_a_response_names_the_setting_too() -> None:
    client = smart_properties(Service(httpx.ConnectError), retry=RetryPolicy(max_attempts=2))
    with pytest.raises(errors.TransportError, match=r"sent\); max_attempts=2 allowed no further attempt; calling"):
        await get(client)


async def test_an_error_that_no_retry_would_fix_names_no_setting() -> None:
    with pytest.raises(errors.ApiError) as caught:
        await get(smart_properties(Service(404)))
    assert "allowed" not in str(caught.value)


async def test_a_failing_service_drains_the_quota_and_successes_fill_it() -> None:
    service = Service(503)
    client = smart_properties(service, retry=RetryPolicy(base=0.001))
    for _ in range(50):
        with pytest.raises(errors.ServerError):
            await get(client)
    # 500 in the bucket, 5 a retry: 100 retries, and then one attempt a call.
    assert len(service.seen) == 50 + 100
    with pytest.raises(errors.ServerError, match="the client's retry quota allowed no further attempt"):
        await get(client)
    service.script = [None]
    for _ in range(15):
        await get(client)
    service.script = [503]
    service.seen.clear()
    for _ in range(5):
        with pytest.raises(errors.ServerError):
            await get(client)
    assert len(service.seen) == 5 + 3


async def test_the_quota_never_exceeds_its_capacity() -> None:
    service = Service()
    client = smart_properties(service, retry=RetryPolicy(base=0.001))
    for _ in range(100):
        await get(client)
    service.script = [503]
    service.seen.clear()
    for _ in range(50):
        with pytest.raises(errors.ServerError):
            await get(client)
    assert len(service.seen) == 50 + 100


async def test_the_wait_after_many_failures_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RetryQuota, "COST", 0)
    service = Service(*[503] * 1100, None)
    policy = RetryPolicy(max_attempts=2000, base=0.001, cap=0.001)
    assert await get(smart_properties(service, retry=policy)) is not None


async def test_a_throttled_attempt_counts_neither_against_max_attempts_nor_the_retry_quota() -> None:
    service = Service(*[*[429] * 6, 503, None] * 20)
    client = smart_properties(service, retry=RetryPolicy(max_attempts=2))
    for _ in range(20):
        assert await get(client) is not None
    assert len(service.seen) == 20 * 8


async def test_no_item_of_a_fleet_is_lost_to_a_quota_below_the_concurrency() -> None:
    free_at = 0.0

    def quota(_: httpx.Request) -> httpx.Response:
        nonlocal free_at
        if anyio.current_time() < free_at:
            return answer(429)
        free_at = anyio.current_time() + 0.5
        return answer(204)

    service = Service(quota, latency=0.3)
    client = smart_properties(service, retry=RetryPolicy(max_attempts=1))
    report = await fleet.collect(client.alerts.delete_alarms, [f"unit-{n}" for n in range(200)], concurrency=16)
    assert len(report.done) == 200
    assert len(service.seen) > 200


async def test_a_call_that_alone_is_throttled_ends_and_delays_no_other() -> None:
    service = Service(lambda request: answer(429 if "unlucky" in request.url.path else 204), latency=0.1)
    client = smart_properties(service, rate_limit=RateLimit(per_second=10), retry=RetryPolicy(base=0.1, cap=0.5))
    # Virtual seconds, and ten times what it takes.
    with anyio.fail_after(300):
        async with anyio.create_task_group() as tasks:
            for _ in range(15):
                tasks.start_soon(keep_calling, client)
            with pytest.raises(
                errors.Throttled, match="the limit of 100 refusals allowed no further attempt"
            ) as caught:
                await get(client, "unlucky")
            tasks.cancel_scope.cancel()
    assert caught.value.attempts == 100
    assert len(service.seen) > 0.9 * 10 * anyio.current_time()
    assert len(service.seen) > 200


async def test_the_backoff_of_a_call_that_alone_is_throttled_counts_toward_max_wait() -> None:
    service = Service(lambda request: answer(429 if "unlucky" in request.url.path else 204), latency=0.1)
    client = smart_properties(service, rate_limit=RateLimit(per_second=10), retry=RetryPolicy(base=4, cap=4))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep_calling, client)
        with pytest.raises(errors.Throttled, match="max_wait=20 s allowed no further attempt"):
            await get(client.with_options(max_wait=20), "unlucky")
        tasks.cancel_scope.cancel()
    # Uncounted, the backoff of 100 refusals takes about 200 s.
    assert anyio.current_time() < 60


async def test_a_room_that_alone_is_throttled_delays_no_other() -> None:
    handled: list[float] = []

    def service(request: httpx.Request) -> httpx.Response:
        if request.url.params["unitId"] == "unit-7":
            return answer(429, Retry_After="2")
        handled.append(anyio.current_time())
        return answer(204)

    client = smart_properties(Service(service, latency=0.3), rate_limit=RateLimit())
    report = await fleet.collect(client.alerts.delete_alarms, [f"unit-{n}" for n in range(300)])
    assert [type(outcome.error) for outcome in report.failed] == [errors.Throttled]
    assert len(handled) == 299
    # Without that room it is done in 7 s.
    assert handled[-1] < 40


async def test_throttled_calls_fail_if_the_service_accepts_nothing_for_two_minutes() -> None:
    service = Service(429)
    client = smart_properties(service)
    reason = "the limit of 120 s without an accepted request allowed no further attempt"
    for least, most in ((120, 180), (0, 60)):
        begun = anyio.current_time()
        with pytest.raises(errors.Throttled, match=reason):
            await get(client)
        assert least <= anyio.current_time() - begun <= most
    # Time without requests says nothing about the service.
    await anyio.sleep(1000)
    service.script = [429, 429, None]
    assert await get(client) is not None


async def test_max_wait_bounds_the_waits_of_all_attempts_together() -> None:
    client = smart_properties(Service(429), rate_limit=RateLimit(max_wait=20))
    begun = anyio.current_time()
    with pytest.raises(errors.Throttled, match="max_wait=20 s allowed no further attempt"):
        await get(client)
    assert 5 < anyio.current_time() - begun <= 20


async def test_transport_faults_cost_retry_quota() -> None:
    service = Service(httpx.ConnectError)
    client = smart_properties(service, retry=RetryPolicy(base=0.001))
    for _ in range(60):
        with pytest.raises(errors.TransportError):
            await get(client)
    assert len(service.seen) == 60 + 100


@pytest.mark.parametrize("limit", ["deadline", "total"])
async def test_the_deadline_bounds_an_attempt(limit: str) -> None:
    service = Service(latency=100)
    client = (
        smart_properties(service, timeouts=Timeouts(total=5))
        if limit == "total"
        else smart_properties(service).with_options(deadline=5)
    )
    begun = anyio.current_time()
    with pytest.raises(errors.DeadlineExceeded, match=r"'unit-1'\): not done within 5 s, after 1 attempt") as caught:
        await get(client)
    assert anyio.current_time() - begun == pytest.approx(5)
    assert (caught.value.sent, caught.value.attempts) == ("maybe", 1)
    assert caught.value.operation == "unit_settings.get_default_music_station"
    assert service.active == 0


async def test_the_deadline_bounds_the_wait_for_a_permit() -> None:
    service = Service(answer(429, Retry_After="100"))
    client = smart_properties(service)
    with pytest.raises(errors.Throttled):
        await get(client.with_options(max_wait=1))
    begun = anyio.current_time()
    with pytest.raises(errors.DeadlineExceeded, match="nothing was sent") as caught:
        await get(client.with_options(deadline=5))
    assert anyio.current_time() - begun == pytest.approx(5)
    assert (caught.value.sent, len(service.seen)) == ("no", 1)


async def test_the_deadline_bounds_the_wait_for_a_token() -> None:
    amazon = Amazon(latency=100)
    with pytest.raises(errors.DeadlineExceeded) as caught:
        await get(smart_properties(amazon, auth=login()).with_options(deadline=5))
    assert (caught.value.sent, len(amazon.api.seen)) == ("no", 0)


async def test_the_deadline_after_an_attempt_that_may_have_been_sent() -> None:
    service = Service(httpx.ReadError, lambda _: anyio.sleep(100))
    client = smart_properties(service, retry=RetryPolicy(base=0.001))
    with pytest.raises(errors.DeadlineExceeded, match="it may have been sent") as caught:
        await get(client.with_options(deadline=5))
    assert (caught.value.sent, caught.value.attempts) == ("maybe", 2)


@pytest.mark.parametrize(("status", "sent"), [(503, "maybe"), (429, "no")])
async def test_the_deadline_after_an_attempt_that_had_a_response(status: int, sent: str) -> None:
    """A service that fails may have done it all the same; one that throttles has not."""
    client = smart_properties(Service(status), rate_limit=RateLimit(per_second=0.01))
    with pytest.raises(errors.DeadlineExceeded) as caught:
        await get(client.with_options(deadline=5))
    assert (caught.value.sent, caught.value.attempts) == (sent, 2)


async def test_the_last_failure_is_raised_if_the_queue_for_a_retry_is_too_long() -> None:
    client = smart_properties(Service(httpx.ReadTimeout), rate_limit=RateLimit(per_second=0.1))
    with pytest.raises(errors.TransportError, match=r"ReadTimeout.*1 attempt") as caught:
        await get(client.with_options(max_wait=5))
    assert caught.value.sent == "maybe"


async def test_a_pause_beyond_max_retry_after_is_an_error_for_all_calls() -> None:
    service = Service(answer(429, Retry_After="3600"))
    client = smart_properties(service)
    begun = anyio.current_time()
    with pytest.raises(errors.Throttled) as caught:
        await get(client)
    assert caught.value.retry_after == 3600
    with pytest.raises(errors.RateLimitTooLong, match="more than max_retry_after=120 s") as refused:
        await get(client)
    assert refused.value.wait == pytest.approx(3600)
    assert anyio.current_time() == begun


async def test_a_pause_beyond_max_retry_after_ends_the_wait_of_queued_calls() -> None:
    service = Service(answer(429, Retry_After="3600"), latency=1)
    client = smart_properties(service, rate_limit=RateLimit(per_second=0.5))
    results = await gather(*[lambda: get(client)] * 5)
    assert Counter(map(type, results)) == {errors.Throttled: 1, errors.RateLimitTooLong: 4}
    assert anyio.current_time() < 10


async def test_max_wait_bounds_a_pause_that_begins_while_queued_and_the_wait_for_a_retry() -> None:
    service = Service(answer(429, Retry_After="3"), latency=0.1)
    client = smart_properties(service, rate_limit=RateLimit(per_second=4)).with_options(max_wait=0.5)
    begun = anyio.current_time()
    results = await gather(*[lambda: get(client)] * 3)
    assert Counter(map(type, results)) == {errors.Throttled: 1, errors.RateLimitTooLong: 2}
    assert anyio.current_time() - begun <= 0.5 + 0.01


async def test_a_call_in_flight_when_the_client_closes_may_have_been_sent() -> None:
    """As the pool does it: what was under way fails, and what comes later is refused."""
    service = Service(httpx.ReadError, errors.ConfigurationError("the client is closed"))
    with pytest.raises(errors.TransportError, match="ReadError") as caught:
        await get(smart_properties(service))
    assert caught.value.sent == "maybe"


async def test_a_call_that_the_transport_refuses_was_not_sent() -> None:
    service = Service(httpx.ConnectError, errors.ConfigurationError("no such proxy"))
    with pytest.raises(errors.TransportError, match="ConnectError") as caught:
        await get(smart_properties(service))
    assert (caught.value.sent, caught.value.attempts) == ("no", 1)


async def test_raises_immediately_if_the_next_wait_exceeds_the_deadline() -> None:
    service = Service(answer(503, Retry_After="6"))
    begun = anyio.current_time()
    with pytest.raises(errors.ServerError) as caught:
        await get(smart_properties(service).with_options(deadline=5))
    assert anyio.current_time() == begun
    assert caught.value.retry_after == 6


async def test_cancellation_during_backoff_ends_the_call() -> None:
    service = Service(answer(503, Retry_After="100"))
    client = smart_properties(service)
    begun = anyio.current_time()
    with anyio.move_on_after(3) as scope:
        await get(client)
    assert scope.cancelled_caught
    assert anyio.current_time() - begun == 3
    assert client.limits["unit_settings.get_default_music_station"].in_flight == 0
    service.script = [None]
    assert await get(client) is not None


async def test_nothing_holds_a_permit_while_it_sleeps() -> None:
    service = Service(answer(503, Retry_After="50"), None)
    client = smart_properties(service)
    name = "unit_settings.get_default_music_station"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client)
        await anyio.sleep(10)
        assert (client.limits[name].in_flight, client.limits[name].waiting, service.active) == (0, 0, 0)
        # And no other call waits for it.
        begun = anyio.current_time()
        await get(client)
        assert anyio.current_time() - begun < 0.001
    assert len(service.seen) == 3


async def test_every_attempt_is_authorized_again() -> None:
    service = Service(500, 500, answer(json={"Device": {}}))
    await for_business(service).devices.get("arn")
    assert all("X-Amz-Date" in seen.headers for seen in service.seen)
    amazon = Amazon(life=20)
    amazon.api.script = [answer(503, Retry_After="30"), amazon.api.script[0]]
    await get(smart_properties(amazon, auth=login()))
    assert [seen.token for seen in amazon.api.seen] == ["Bearer Atza|access-1", "Bearer Atza|access-2"]


async def test_replaces_a_refused_token_and_replays_the_call_without_backoff() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), retry=RetryPolicy(max_attempts=1, base=20))
    await get(client)
    amazon.revoke()
    begun = anyio.current_time()
    assert await get(client) is not None
    assert anyio.current_time() - begun < 0.001
    assert [seen.token for seen in amazon.api.seen[1:]] == ["Bearer Atza|access-1", "Bearer Atza|access-2"]


async def test_a_replay_takes_a_new_permit() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), rate_limit=RateLimit(per_second=1))
    await get(client)
    amazon.revoke()
    await get(client)
    assert amazon.api.waits == pytest.approx([1, 1])


async def test_a_call_is_replayed_once() -> None:
    amazon = Amazon()
    amazon.api.script = [401]
    with pytest.raises(errors.Unauthorized, match=r"2 attempt\(s\)"):
        await get(smart_properties(amazon, auth=login()))
    assert (len(amazon.api.seen), len(amazon.token.seen)) == (2, 2)


async def test_replays_a_post_because_a_401_was_not_handled() -> None:
    amazon = Amazon()
    amazon.api.script = [401, 201]
    assert (await smart_properties(amazon, auth=login()).request("POST", "/v2/things")).status_code == 201


async def test_a_request_object_that_is_sent_again_has_all_attempts_again() -> None:
    service = Service(503)
    request = httpx.Request("GET", "https://api.amazonalexa.com/v2/things")
    async with httpx.AsyncClient(transport=smart_properties(service).pipeline) as client:
        for _ in range(2):
            assert (await client.send(request)).status_code == 503
    assert len(service.seen) == 8


async def test_100_calls_retry_without_falling_into_step() -> None:
    """elastic-transport repeats a refused call four times within a millisecond."""
    service = Service(*[503] * 100, None)
    client = smart_properties(service)
    results = await gather(*[lambda: get(client)] * 100)
    assert not any(isinstance(result, Exception) for result in results)
    retried = sorted(service.times[100:])
    assert len(retried) == 100
    # Spread over half a second: no tenth of it holds half of them.
    assert max(sum(start <= time < start + 0.05 for time in retried) for start in retried) < 40


async def test_repeats_after_mixed_faults() -> None:
    service = Service(503, httpx.ReadTimeout, 429, None)
    assert await get(smart_properties(service)) is not None
    assert len(service.seen) == 4


async def test_a_queue_too_long_for_the_replay_is_raised_instead_of_the_401() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), rate_limit=RateLimit(per_second=0.1)).with_options(max_wait=5)
    await get(client)
    amazon.revoke()
    await anyio.sleep(100)
    with pytest.raises(errors.RateLimitTooLong):
        await get(client)
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (2, 2)


async def test_max_wait_of_the_rate_limit_bounds_the_wait_for_a_retry() -> None:
    service = Service(answer(429, Retry_After="3"))
    client = smart_properties(service, rate_limit=RateLimit(per_second=100, max_wait=0.5))
    begun = anyio.current_time()
    with pytest.raises(errors.Throttled):
        await get(client)
    assert (len(service.seen), anyio.current_time()) == (1, begun)


# The state of a call


class Counted:
    """A client whose protocol counts how often each response is classified, and what travels with its requests."""

    def __init__(self, amazon: Amazon, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        self.calls: list[Call] = []
        self.classified = self.parsed = 0
        classify = SmartProperties.protocol.classify

        def counted_classify(call: Call, response: httpx.Response) -> ResponseClass:
            self.classified += 1
            return classify(call, response)

        def counted_parse(response: httpx.Response) -> float | None:
            self.parsed += 1
            return parse_retry_after(response)

        monkeypatch.setattr(SmartProperties.protocol, "classify", counted_classify)
        monkeypatch.setattr("alexa_props.pipeline.rate_limit.parse_retry_after", counted_parse)
        serve = amazon.api.script
        amazon.api.script = [functools.partial(self._record, each) for each in serve]
        self.client = smart_properties(amazon, auth=login(), retry=RetryPolicy(base=0.1), **options)

    def _record(self, entry: Any, request: httpx.Request) -> Any:
        self.calls.append(request.extensions["alexa_props"])
        return entry(request) if callable(entry) else entry


async def test_computes_the_response_class_and_retry_after_once_per_response(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon, events = Amazon(), list[hooks.Event]()
    asked = {"Retry_After": "3", "x_amzn_RequestId": "request-2"}
    amazon.api.script = [answer(429, Retry_After="2"), answer(503, **asked), answer(404, x_amzn_RequestId="request-3")]
    counted = Counted(amazon, monkeypatch, hooks=[events.append])
    with pytest.raises(errors.NotFound, match="request-3") as caught:
        await get(counted.client)
    assert (counted.classified, counted.parsed) == (3, 3)
    # One call travels through all attempts, and only its state changes.
    call = counted.calls[0]
    assert [each is call for each in counted.calls] == [True] * 3
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        call.max_wait = 1.0  # type: ignore[misc]
    state = call.state
    assert (state.response_class, state.status, state.request_id) == (ResponseClass.FINAL, 404, "request-3")
    assert (state.retry_after, caught.value.retry_after, state.attempts, state.throttled) == (None, None, 3, 1)
    throttled = [event.retry_after for event in events if isinstance(event, hooks.AttemptThrottled)]
    ended = [(event.status, event.request_id) for event in events if isinstance(event, hooks.AttemptEnded)]
    assert (throttled, ended) == ([2.0], [(429, None), (503, "request-2"), (404, "request-3")])


async def test_a_replayed_401_leaves_no_trace_in_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon, events = Amazon(), list[hooks.Event]()
    refusal = answer(401, {"message": "token refused"}, x_amzn_RequestId="of the 401", Retry_After="9")
    amazon.api.script = [refusal, lambda _: anyio.sleep(100)]
    counted = Counted(amazon, monkeypatch, hooks=[events.append])
    with pytest.raises(errors.DeadlineExceeded) as caught:
        await get(counted.client.with_options(deadline=5))
    state = counted.calls[0].state
    assert (state.response_class, state.status, state.request_id, state.retry_after) == (None, None, None, None)
    assert (state.stopped_by, state.refreshed, caught.value.attempts) == (None, True, 2)
    ended = events[-1]
    assert isinstance(ended, hooks.CallEnded)
    assert (ended.status, ended.request_id, ended.error) == (None, None, "DeadlineExceeded")


async def test_a_transport_that_returns_the_same_401_object_again_is_replayed_once() -> None:
    amazon = Amazon()
    refusal = answer(401, {"message": "token refused"})

    class Repeats(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/auth/o2/token":
                return await amazon.handle_async_request(request)
            amazon.api.seen.append(Seen(0, request.method, request.url, request.headers, b"", {}))
            assert len(amazon.api.seen) < 10
            return refusal

    with pytest.raises(errors.Unauthorized, match=r"2 attempt\(s\)"):
        await get(smart_properties(Repeats(), auth=login()))
    assert len(amazon.api.seen) == 2


async def test_raw_requests_have_the_options_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon = Amazon()
    limit = RateLimit(per_second=50, max_wait=7)
    counted = Counted(amazon, monkeypatch, rate_limit=limit)

    async def through_the_pipeline(_: str) -> None:
        await outside.get("https://api.amazonalexa.com/v2/things")
        await counted.client.request("GET", "/v2/things")

    async with httpx.AsyncClient(transport=counted.client.pipeline) as outside:
        await through_the_pipeline("no item")
        await fleet.collect(through_the_pipeline, ["an item"])
    for call in counted.calls:
        assert (call.operation.name, call.operation.idempotent, call.max_wait) == ("GET /v2/things", True, 7)
        assert (call.deadline, call.retry, call.region) == (None, RetryPolicy(base=0.1), None)
    assert [call.lane for call in counted.calls] == ["interactive"] * 2 + ["bulk"] * 2
