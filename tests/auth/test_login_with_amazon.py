"""One refresh at a time, when it is due or the token was refused, and no refresh token lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import httpx
import pytest
import trio.testing

from alexa_props import LoginWithAmazon, RetryPolicy, TokenStore, errors
from tests.auth.stores import Store
from tests.helpers import (
    ORIGIN,
    STATION,
    TOKEN_URL,
    Amazon,
    answer,
    gather,
    get,
    login,
    smart_properties,
    virtual_time,
)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def test_it_is_a_token_store() -> None:
    store: TokenStore = Store()
    assert store is not None


async def fail() -> None:
    raise OSError("disk full, while writing Atzr|rotated-1")


# The token request


async def test_the_token_request() -> None:
    amazon = Amazon()
    auth = LoginWithAmazon(client_id="id&1", client_secret="s=+ é", refresh_token="Atzr|%20")
    await get(smart_properties(amazon, auth=auth))
    (request,) = amazon.token.seen
    assert (request.method, str(request.url)) == ("POST", TOKEN_URL)
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers
    assert request.form == {
        "grant_type": "refresh_token",
        "refresh_token": "Atzr|%20",
        "client_id": "id&1",
        "client_secret": "s=+ é",
    }
    assert amazon.api.seen[0].token == "Bearer Atza|access-1"


async def test_alerts_may_take_the_token_without_a_prefix() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), alerts_authorization="bare")
    await client.alerts.delete_alarms("unit-1")
    await get(client)
    assert [seen.token for seen in amazon.api.seen] == ["Atza|access-1", "Bearer Atza|access-1"]


async def test_the_token_endpoint_may_be_elsewhere() -> None:
    amazon = Amazon()
    await get(smart_properties(amazon, auth=login(token_url="http://localhost:8080/auth/o2/token")))
    assert str(amazon.token.seen[0].url) == "http://localhost:8080/auth/o2/token"


def test_secrets_are_not_sent_in_the_clear() -> None:
    for url in ("http://api.amazon.com/token", "ftp://api.amazon.com", "api.amazon.com", ""):
        with pytest.raises(errors.ConfigurationError, match="token_url must be https"):
            login(token_url=url)


@pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
def test_refuses_invalid_arguments(name: str) -> None:
    invalid: list[Any] = ["", None, 7, b"bytes", "token\n", "\udc80"]
    for value in invalid:
        arguments = {"client_id": "id", "client_secret": "secret", "refresh_token": "Atzr|token", name: value}
        with pytest.raises(errors.ConfigurationError, match=f"{name} must be a non-empty string"):
            LoginWithAmazon(**arguments)


# When


async def test_a_token_is_used_until_it_is_due() -> None:
    amazon = Amazon(life=3600)
    client = smart_properties(amazon, auth=login())
    for at in (0, 3299.9, 3300.1, 3400):
        await anyio.sleep(at - anyio.current_time())
        await get(client)
    assert [seen.token for seen in amazon.api.seen] == ["Bearer Atza|access-1"] * 2 + ["Bearer Atza|access-2"] * 2
    assert amazon.token.times == pytest.approx([0, 3300.1], abs=0.01)


async def test_an_invalid_life_counts_as_an_hour() -> None:
    for life in (3600, "3600", 3600.0, None, "soon", 0, -5, 1e999, 10**400, [1]):
        amazon = Amazon(life=life)
        client = smart_properties(amazon, auth=login())
        await get(client)
        await anyio.sleep(3299)
        await get(client)
        assert len(amazon.token.seen) == 1, life
        await anyio.sleep(2)
        await get(client)
        assert len(amazon.token.seen) == 2, life


async def test_short_lived_tokens_are_not_refreshed_on_each_call() -> None:
    amazon = Amazon(life=5)
    client = smart_properties(amazon, auth=login())
    for _ in range(100):
        await get(client)
        await anyio.sleep(0.1)
    assert len(amazon.token.seen) <= 10 / 3.7 + 1


async def test_in_the_advisory_window_one_refreshes_and_the_others_continue() -> None:
    amazon = Amazon(latency=30)
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(3350)
    begun = anyio.current_time()
    ends: list[float] = []

    async def call() -> None:
        await get(client)
        ends.append(anyio.current_time() - begun)

    await gather(*[call] * 50)
    assert sum(end < 1 for end in ends) == 49
    assert max(ends) == pytest.approx(30, abs=0.1)
    assert len(amazon.token.seen) == 2
    assert [seen.token for seen in amazon.api.seen].count("Bearer Atza|access-2") == 1


async def test_the_windows_of_a_short_lived_token_shrink_with_it() -> None:
    amazon = Amazon(life=20, latency=1)
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(16)
    # 4 s are left: less than a quarter, so one refreshes, but more than a tenth, so the others go on.
    await gather(*[lambda: get(client)] * 10)
    assert [seen.token for seen in amazon.api.seen].count("Bearer Atza|access-1") == 10


async def test_in_the_mandatory_window_all_wait() -> None:
    amazon = Amazon(latency=30)
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(3545)
    await gather(*[lambda: get(client)] * 50)
    assert len(amazon.token.seen) == 2
    assert [seen.token for seen in amazon.api.seen[1:]] == ["Bearer Atza|access-2"] * 50


async def test_a_refresh_that_takes_long_makes_others_wait_once_the_old_token_is_too_old() -> None:
    amazon = Amazon(latency=100)
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(3400)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client)
        await anyio.sleep(60)
        await get(client)
    assert amazon.api.seen[-1].token == "Bearer Atza|access-2"
    assert len(amazon.token.seen) == 2


async def test_an_advisory_refresh_that_fails_is_tried_again_after_ten_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(3350)
    amazon.token.script = [answer(400, {"error": "invalid_grant"}), amazon.token.script[0]]
    for _ in range(20):
        await get(client)
        await anyio.sleep(0.4)
    assert len(amazon.token.seen) == 2
    assert "the current one is still valid: " in caplog.text
    await anyio.sleep(2.1)
    await get(client)
    assert len(amazon.token.seen) == 3
    assert amazon.api.seen[-1].token == "Bearer Atza|access-2"


async def test_an_advisory_refresh_that_is_cut_off_does_not_hold_up_the_next_calls() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login()).with_options(deadline=1)
    await get(client)
    await anyio.sleep(3350)
    give = amazon.token.script[0]
    amazon.token.script = [lambda _: anyio.sleep_forever()]
    with pytest.raises(errors.DeadlineExceeded):
        await get(client)
    await get(client)
    assert [seen.token for seen in amazon.api.seen] == ["Bearer Atza|access-1"] * 2
    amazon.token.script = [give]
    await anyio.sleep(10)
    await get(client)
    assert amazon.api.seen[-1].token == "Bearer Atza|access-2"


# How often


async def test_a_late_refusal_of_the_old_token_does_not_drop_the_new_one() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login())
    await get(client)
    serve = amazon.api.script[0]

    async def slow(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(100)
        return answer(401)

    amazon.api.script = [slow, serve]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, client)
        await anyio.sleep(1)
        amazon.revoke()
        await get(client)
    assert len(amazon.token.seen) == 2


async def test_at_most_one_refresh_per_call() -> None:
    amazon = Amazon()
    amazon.api.script = [401]
    client = smart_properties(amazon, auth=login())
    for calls in (1, 2):
        with pytest.raises(errors.Unauthorized):
            await get(client)
        assert (len(amazon.token.seen), len(amazon.api.seen)) == (1 + calls, 2 * calls)


FORBIDDEN = [
    {"errors": [{"code": "FORBIDDEN", "description": "no permission"}]},
    {"errors": [{"code": "OTHER"}, "odd", {"code": "FORBIDDEN"}]},
    {"type": "FORBIDDEN", "message": "no permission"},
    {"code": "FORBIDDEN"},
]


async def test_a_missing_permission_is_no_reason_to_refresh() -> None:
    for body in FORBIDDEN:
        amazon = Amazon()
        amazon.api.script = [answer(401, body)]
        client = smart_properties(amazon, auth=login())
        with pytest.raises(errors.ApiError):
            await client.alerts.delete_alarms("unit-1")
        assert (len(amazon.token.seen), len(amazon.api.seen)) == (1, 1), body


async def test_any_other_401_refreshes() -> None:
    for refusal in (
        answer(401),
        answer(401, {"errors": "FORBIDDEN"}),
        answer(401, ["FORBIDDEN"]),
        answer(401, {"errors": [{"code": "UNAUTHORIZED"}]}),
        httpx.Response(401, html="<p>FORBIDDEN</p>"),
    ):
        amazon = Amazon()
        amazon.api.script = [refusal, 204]
        await get(smart_properties(amazon, auth=login()))
        assert len(amazon.token.seen) == 2, refusal.content


async def test_a_403_does_not_refresh() -> None:
    amazon = Amazon()
    amazon.api.script = [403]
    with pytest.raises(errors.Forbidden):
        await get(smart_properties(amazon, auth=login()))
    assert len(amazon.token.seen) == 1


async def test_a_refresh_that_is_refused_after_a_401_raises_that() -> None:
    amazon = Amazon()
    amazon.api.script = [401]
    amazon.token.script = [amazon.token.script[0], answer(400, {"error": "invalid_grant"})]
    with pytest.raises(errors.AuthenticationError):
        await get(smart_properties(amazon, auth=login()))
    assert len(amazon.api.seen) == 1


async def test_a_call_that_gets_no_token_was_not_sent() -> None:
    amazon = Amazon()
    amazon.token.script = [httpx.ConnectError]
    with pytest.raises(
        errors.TransportError, match=r"asking api.amazon.com .*3 attempts; the call itself was not sent"
    ) as caught:
        await get(smart_properties(amazon, auth=login()))
    assert caught.value.sent == "no"
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (3, 0)


# The refreshing call is cancelled


@pytest.mark.parametrize(("latency", "requests"), [(8, [0]), (20, [0, 10])])
async def test_a_refresh_whose_call_is_cancelled_ends_or_is_taken_over(latency: float, requests: list[float]) -> None:
    """It has 5 s to end, so that a rotated token is not lost. After that, a waiter takes over."""
    amazon = Amazon(latency=latency)
    amazon.rotate = True
    client = smart_properties(amazon, auth=login())

    async def impatient() -> None:
        with anyio.move_on_after(5):
            await get(client)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(impatient)
        await anyio.wait_all_tasks_blocked()
        for _ in range(20):
            tasks.start_soon(get, client)
    assert len(amazon.api.seen) == 20
    assert amazon.token.times == pytest.approx(requests, abs=0.01)


async def test_a_deadline_during_a_refresh_loses_no_rotated_token() -> None:
    amazon = Amazon(latency=0.3)
    amazon.rotate = True
    client = smart_properties(amazon, auth=login())
    with pytest.raises(errors.DeadlineExceeded):
        await get(client.with_options(deadline=0.2))
    assert len(amazon.token.seen) == 1
    await get(client)
    assert len(amazon.token.seen) == 1
    amazon.revoke()
    await get(client)
    assert amazon.token.seen[1].form["refresh_token"] == "Atzr|rotated-1"


# OAuth errors


ADVICE = {
    "invalid_grant": " - the refresh token is wrong, .*: log in for a new one",
    "invalid_client": " - client_id or client_secret is wrong: ",
    "unauthorized_client": " - the security profile is not allowed to use this grant: ",
    "invalid_request": "",
}


@pytest.mark.parametrize("error", ADVICE)
async def test_a_refusal_says_what_was_attempted_what_came_back_and_what_to_do(error: str) -> None:
    amazon = Amazon()
    amazon.token.script = [
        answer(400, {"error": error, "error_description": "so it is", "request_id": "x"}, x_amzn_RequestId="request-9")
    ]
    call = r"unit_settings.get_default_music_station\(.unit-1.\)"
    message = (
        rf"^{call}: api.amazon.com refused to give an access token to client "
        rf"'amzn1.application-oa2-client.one': 400 {error}: so it is{ADVICE[error]}.*\(request id request-9\)$"
    )
    with pytest.raises(errors.AuthenticationError, match=message) as caught:
        await get(smart_properties(amazon, auth=login()))
    assert (caught.value.error, caught.value.error_description) == (error, "so it is")
    assert (caught.value.status, caught.value.request_id) == (400, "request-9")


async def test_a_refusal_without_a_reason_suggests_to_check_the_address() -> None:
    for body in (b"", b"<html>", b"[]", b'"x"', b'{"error": 7}'):
        amazon = Amazon()
        amazon.token.script = [httpx.Response(403, content=body)]
        with pytest.raises(errors.AuthenticationError, match=r"403 .*is token_url right\?") as caught:
            await get(smart_properties(amazon, auth=login()))
        assert (caught.value.error, caught.value.error_description) == (None, None)


INVALID = [
    b"",
    b"<html>Atza|secret</html>",
    b'{"access_token": "Atza|secret',
    b'["Atza|secret"]',
    b'"Atza|secret"',
    b'{"token": "Atza|secret"}',
    b'{"access_token": null}',
    b'{"access_token": 7}',
    b'{"access_token": ""}',
    '{"access_token": "Atza|secret é"}'.encode(),
    b'{"access_token": "Atza|secret\\r\\nX: y"}',
    b'{"access_token": "Atza|secret", "refresh_token": "Atzr|secret\\ud800"}',
]


async def test_an_invalid_grant_is_an_error_without_the_token() -> None:
    for body in INVALID:
        amazon = Amazon()
        amazon.token.script = [httpx.Response(200, content=body)]
        with pytest.raises(errors.AuthenticationError, match="gave no usable token: 200, but its response") as caught:
            await get(smart_properties(amazon, auth=login()))
        assert "secret" not in str(caught.value), body
        assert caught.value.__cause__ is None
        assert amazon.api.seen == []


# The store


async def test_the_store_is_loaded_before_each_refresh() -> None:
    amazon, store = Amazon(life=20), Store("Atzr|stored")
    client = smart_properties(amazon, auth=login(token_store=store))
    for stored in ("Atzr|stored", "Atzr|stored", "Atzr|rotated elsewhere"):
        store.stored = stored
        await gather(*[lambda: get(client)] * 20)
        await anyio.sleep(30)
    sent = [seen.form["refresh_token"] for seen in amazon.token.seen]
    assert sent == ["Atzr|stored", "Atzr|stored", "Atzr|rotated elsewhere"]
    assert store.loads == 3


async def test_with_an_empty_store_the_given_refresh_token_is_used() -> None:
    for stored in (None, ""):
        amazon = Amazon()
        await get(smart_properties(amazon, auth=login(token_store=Store(stored))))
        assert amazon.token.seen[0].form["refresh_token"] == "Atzr|secret-refresh"


async def test_a_rotated_token_is_saved_before_anything_uses_it() -> None:
    amazon, store = Amazon(life=20), Store()
    amazon.rotate = True
    stored_at_call: list[str | None] = []
    serve = amazon.api.script[0]

    def look(request: httpx.Request) -> Any:
        stored_at_call.append(store.stored)
        assert callable(serve)
        return serve(request)

    amazon.api.script = [look]
    store.before_save = lambda: anyio.sleep(3)
    client = smart_properties(amazon, auth=login(token_store=store))
    # Not by the one that refreshes, and not by those that wait for it.
    for _ in range(2):
        await gather(*[lambda: get(client)] * 20)
        await anyio.sleep(30)
    assert stored_at_call == ["Atzr|rotated-1"] * 20 + ["Atzr|rotated-2"] * 20
    assert [seen.form["refresh_token"] for seen in amazon.token.seen] == ["Atzr|secret-refresh", "Atzr|rotated-1"]


async def test_without_a_store_a_rotated_token_is_used_too() -> None:
    amazon = Amazon(life=20)
    amazon.rotate = True
    client = smart_properties(amazon, auth=login())
    await get(client)
    await anyio.sleep(30)
    await get(client)
    assert amazon.token.seen[1].form["refresh_token"] == "Atzr|rotated-1"


async def test_a_token_that_was_not_rotated_is_not_saved() -> None:
    amazon, store = Amazon(), Store()
    amazon.token.script = [
        answer(json={"access_token": "Atza|access-1", "expires_in": 3600, "refresh_token": "Atzr|secret-refresh"})
    ]
    amazon.valid.add("Atza|access-1")
    store.before_save = fail
    await get(smart_properties(amazon, auth=login(token_store=store)))


async def test_a_store_that_cannot_save_fails_all_waiters_with_one_request_and_without_the_token() -> None:
    amazon, store = Amazon(latency=1), Store()
    amazon.rotate = True
    store.before_save = fail
    client = smart_properties(amazon, auth=login(token_store=store))
    results = await gather(*[lambda: get(client)] * 20)
    doing = "unit_settings.get_default_music_station('unit-1')"
    assert {str(result) for result in results} == {
        f"{doing}: the token store could not save the new refresh token: OSError: disk full, while writing …"
    }
    assert {type(result) for result in results} == {errors.AuthenticationError}
    assert len(amazon.token.seen) == 1
    # It is not lost, as the one before it may be dead by now: first it is saved, and then it is used.
    store.before_save = anyio.lowlevel.checkpoint
    await get(client)
    assert amazon.token.seen[1].form["refresh_token"] == "Atzr|rotated-1"
    assert store.saved == ["Atzr|rotated-1", "Atzr|rotated-2"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_store_that_is_cancelled_by_others_fails_the_call() -> None:
    async def fail() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    for way in ("load", "save"):
        amazon, store = Amazon(), Store()
        amazon.rotate = True
        setattr(store, f"before_{way}", fail)
        with pytest.raises(errors.AuthenticationError, match=rf"the token store could not {way} .*: CancelledError"):
            await get(smart_properties(amazon, auth=login(token_store=store)))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_caller_that_is_cancelled_while_a_store_loads_is_cancelled() -> None:
    store = Store()
    store.before_load = anyio.sleep_forever
    client = smart_properties(Amazon(), auth=login(token_store=store))
    with anyio.move_on_after(0.01) as scope:
        await get(client)
    assert scope.cancelled_caught
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(get(client), 0.01)


async def test_a_store_that_loads_an_invalid_token() -> None:
    invalid: list[Any] = [b"Atzr|bytes", "Atzr|line\n", 5]
    for stored in invalid:
        amazon = Amazon()
        with pytest.raises(errors.AuthenticationError, match="the token store loaded an invalid refresh token"):
            await get(smart_properties(amazon, auth=login(token_store=Store(stored))))
        assert amazon.token.seen == []


async def test_a_store_that_cannot_load() -> None:
    class Broken(Store):
        async def load(self) -> str | None:
            raise KeyError("no such entry")

    with pytest.raises(errors.AuthenticationError, match="could not load the refresh token: KeyError"):
        await get(smart_properties(Amazon(), auth=login(token_store=Broken())))


async def test_a_store_that_fails_in_the_advisory_window_leaves_the_old_token() -> None:
    amazon, store = Amazon(), Store()
    client = smart_properties(amazon, auth=login(token_store=store))
    await get(client)
    await anyio.sleep(3350)
    amazon.rotate = True
    store.before_save = fail
    await get(client)
    assert [seen.token for seen in amazon.api.seen] == ["Bearer Atza|access-1"] * 2


async def test_saving_outlives_the_call_that_was_cancelled() -> None:
    amazon, store = Amazon(), Store()
    amazon.rotate = True
    store.before_save = lambda: anyio.sleep(5)
    client = smart_properties(amazon, auth=login(token_store=store))
    with anyio.move_on_after(1):
        await get(client)
    assert store.stored == "Atzr|rotated-1"
    await get(client)
    assert len(amazon.token.seen) == 1


class TestOnAsyncio:
    """asyncio's own cancellation goes through anyio's shields."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_a_refresh_whose_task_is_cancelled_ends_and_serves_the_others(self) -> None:
        amazon = Amazon(latency=0.05)
        client = smart_properties(amazon, auth=login())
        calls = [asyncio.create_task(get(client)) for _ in range(20)]
        await asyncio.sleep(0.02)
        calls[0].cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results[:1]] == [asyncio.CancelledError]
        assert not [result for result in results[1:] if isinstance(result, BaseException)]
        assert len(amazon.token.seen) == 1


# On other clients


async def test_on_a_plain_httpx_client_with_replay() -> None:
    amazon, auth = Amazon(), login()
    async with httpx.AsyncClient(transport=amazon, auth=auth) as client:
        assert (await client.get(f"{ORIGIN}/v2/x")).json() == STATION
        amazon.revoke()
        assert (await client.get(f"{ORIGIN}/v2/x")).json() == STATION
        amazon.api.script = [401]
        assert (await client.get(f"{ORIGIN}/v2/x")).status_code == 401
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (3, 5)


class Wire(httpx.AsyncByteStream):
    """A body that is still on the wire when the answer begins."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


async def test_on_a_plain_httpx_client_bodies_are_read_when_they_are_needed() -> None:
    amazon = Amazon()

    class Unread(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await amazon.handle_async_request(request)
            return httpx.Response(response.status_code, stream=Wire(response.content))

    async with httpx.AsyncClient(transport=Unread(), auth=login()) as client:
        assert (await client.get(f"{ORIGIN}/v2/x")).json() == STATION
        amazon.revoke()
        assert (await client.get(f"{ORIGIN}/v2/x")).json() == STATION
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (2, 3)


async def test_on_a_plain_httpx_client_a_transport_error_is_that_of_one_request() -> None:
    amazon = Amazon()
    amazon.token.script = [httpx.ConnectError, amazon.token.script[0]]
    async with httpx.AsyncClient(transport=amazon, auth=login()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{ORIGIN}/v2/x")
        assert (await client.get(f"{ORIGIN}/v2/x")).status_code == 200


async def test_on_a_plain_httpx_client_each_waiter_raises_its_own_copy_of_an_error() -> None:
    """One exception raised in many tasks would collect the tracebacks of all. The clients' auth stage makes its own."""
    amazon = Amazon(latency=1)
    amazon.token.script = [answer(400, {"error": "invalid_grant", "error_description": "revoked"})]
    async with httpx.AsyncClient(transport=amazon, auth=login()) as client:
        results = await gather(*[lambda: client.get(f"{ORIGIN}/v2/x")] * 5)
        assert {type(result) for result in results} == {errors.AuthenticationError}
        assert {(result.error, result.error_description, result.status) for result in results} == {
            ("invalid_grant", "revoked", 400)
        }
        assert len({str(result) for result in results}) == 1
        assert len({id(result) for result in results}) == 5
        assert (len(amazon.token.seen), len(amazon.api.seen)) == (1, 0)


def test_refuses_a_sync_client() -> None:
    with (
        httpx.Client(auth=login(), transport=httpx.MockTransport(lambda _: answer(204))) as client,
        pytest.raises(errors.ConfigurationError, match=r"use httpx\.AsyncClient"),
    ):
        client.get(ORIGIN)


async def test_two_clients_may_share_it() -> None:
    amazon, auth = Amazon(latency=1), login()
    clients = [smart_properties(amazon, auth=auth) for _ in range(2)]
    await gather(*(lambda client=client: get(client) for client in clients))
    assert len(amazon.token.seen) == 1


def test_a_token_timed_by_another_event_loops_clock_is_not_used() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login())
    for begin in (500_000, 10_000):
        clock = trio.testing.MockClock(autojump_threshold=0)
        clock.jump(begin)
        trio.run(get, client, clock=clock)
    assert len(amazon.token.seen) == 2


def test_its_repr_is_without_secrets() -> None:
    assert "Atzr|secret-refresh" not in repr(login())
    assert repr(login()) == "LoginWithAmazon(client_id='amzn1.application-oa2-client.one')"


def test_it_serves_one_event_loop_after_the_other() -> None:
    amazon = Amazon()
    client = smart_properties(amazon, auth=login(), retry=RetryPolicy(max_attempts=1))
    for _ in range(2):
        asyncio.run(get(client))
    assert len(amazon.token.seen) == 1


async def test_a_401_that_names_endpoints_is_a_result_and_refreshes_nothing() -> None:
    amazon = Amazon()
    amazon.api.script = [answer(401, {"errors": [{"code": "UNAUTHORIZED", "endpointId": "e1"}]})]
    client = smart_properties(amazon, auth=login())
    assert [failure.code async for failure in client.alerts.delete_alarms("unit-1")] == ["UNAUTHORIZED"]
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (1, 1)


# Threads


@pytest.mark.parametrize("shared", ["client", "plain httpx client"])
def test_a_second_loop_is_refused_while_the_first_runs_and_served_afterwards(shared: str) -> None:
    amazon, auth = Amazon(), login(token_store=Store())
    amazon.rotate = True

    async def call() -> None:
        if shared == "client":
            await get(smart_properties(amazon, auth=auth))
        else:
            async with httpx.AsyncClient(transport=amazon, auth=auth) as client:
                await client.get(f"{ORIGIN}/v2/x")

    with anyio.from_thread.start_blocking_portal() as portal:
        portal.call(call)
        with pytest.raises(errors.ConfigurationError, match=r"on another event loop that still runs: make one Login"):
            asyncio.run(call())
        portal.call(call)
    asyncio.run(call())
    assert len(amazon.token.seen) == 1
