"""The stage that drives any `httpx.Auth`, sends its side requests, and sends credentials to no other origin."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import pickle
import re
import traceback
import weakref
from collections.abc import AsyncGenerator, Generator
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import Timeouts, errors
from tests import loops
from tests.helpers import (
    ORIGIN,
    Amazon,
    Service,
    answer,
    cancellation,
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


async def test_basic_authentication() -> None:
    service = Service()
    await get(smart_properties(service, auth=httpx.BasicAuth("user", "password")))
    assert service.seen[0].token == "Basic dXNlcjpwYXNzd29yZA=="


async def test_digest_authentication() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        sent = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("Authorization", "")))
        if not sent:
            return answer(401, WWW_Authenticate='Digest realm="r", nonce="n", qop="auth"', Set_Cookie="session=1")

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        middle = f"n:{sent['nc']}:{sent['cnonce']}:auth"
        wanted = md5(f"{md5('user:r:password')}:{middle}:{md5('GET:' + sent['uri'])}")
        return answer(204) if sent["response"] == wanted else answer(403)

    service = Service(serve)
    client = smart_properties(service, auth=httpx.DigestAuth("user", "password"))
    await get(client)
    await get(client)
    # The challenge once, then a new answer to it for each request.
    assert [bool(seen.token) for seen in service.seen] == [False, True, True]


class Ticket(httpx.Auth):
    """Fetches a ticket on the side, before the first request and after a 401."""

    requires_response_body = True

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        side = yield httpx.Request("POST", f"{ORIGIN}/ticket", content=b"please")
        request.headers["Ticket"] = side.text
        response = yield request
        self.bodies.append(response.content)
        if response.status_code == 401:
            side = yield httpx.Request("POST", f"{ORIGIN}/ticket", headers={"User-Agent": "own"})
            request.headers["Ticket"] = side.text
            yield request


def tickets(*answers: int) -> Service:
    script = iter(answers)
    return Service(
        lambda request: httpx.Response(200, text="t") if request.url.path == "/ticket" else answer(next(script), {})
    )


async def test_a_flow_with_side_requests() -> None:
    service, auth = tickets(401, 200), Ticket()
    response = await smart_properties(service, auth=auth).request("GET", "/v2/things")
    assert response.status_code == 200
    assert [seen.url.path for seen in service.seen] == [
        *("/ticket", "/v2/things", "/ticket"),
        # Replayed by another flow.
        *("/ticket", "/v2/things"),
    ]
    assert auth.bodies == [b"{}", b"{}"]


async def test_side_requests_have_the_clients_time_limits_and_user_agent() -> None:
    service = tickets(401, 200)
    client = smart_properties(service, auth=Ticket(), timeouts=Timeouts(connect=1, read=2, pool=3), user_agent="app/1")
    await client.request("GET", "/v2/things")
    assert all(seen.timeout == {"connect": 1, "read": 2, "write": 2, "pool": 3} for seen in service.seen)
    assert service.seen[0].headers["User-Agent"].startswith("app/1 alexa-props/")
    assert service.seen[2].headers["User-Agent"] == "own"


class SideAfterwards(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        yield request
        yield httpx.Request("POST", f"{ORIGIN}/logout")


async def test_a_flow_that_ends_with_a_side_request_returns_the_response_of_the_call() -> None:
    service = Service(answer(200, {"it": "is"}), 500, 500, 204)
    response = await smart_properties(service, auth=SideAfterwards()).request("GET", "/v2/things")
    assert response.json() == {"it": "is"}
    assert [seen.url.path for seen in service.seen] == ["/v2/things", "/logout", "/logout", "/logout"]


class Aimless(httpx.Auth):
    """Never yields the request that it was given."""

    def __init__(self, *, side: bool) -> None:
        self.side = side

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if self.side:
            yield httpx.Request("GET", ORIGIN)


@pytest.mark.parametrize("side", [False, True])
async def test_a_flow_that_forgets_the_request_is_a_clear_error(side: bool) -> None:
    with pytest.raises(errors.ConfigurationError, match="Aimless ended without yielding the request"):
        await get(smart_properties(Service(), auth=Aimless(side=side)))


async def test_a_flow_that_never_ends_is_replayed_once() -> None:
    class Stubborn(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            while True:
                yield request

    service = Service(401)
    with pytest.raises(errors.Unauthorized):
        await get(smart_properties(service, auth=Stubborn()))
    assert len(service.seen) == 2


async def test_the_body_is_read_for_a_flow_that_signs_it() -> None:
    class Signs(httpx.Auth):
        requires_request_body = True

        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            request.headers["Signature"] = str(len(request.content))
            yield request

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"12345"

    service = Service(200)
    async with httpx.AsyncClient(transport=smart_properties(service, auth=Signs()).pipeline) as client:
        await client.post(f"{ORIGIN}/v2/things", content=body())
    assert service.seen[0].headers["Signature"] == "5"


# Side requests that fail


@pytest.mark.parametrize("fault", [httpx.ConnectError, 503, 429])
async def test_repeats_a_side_request_that_fails(fault: int | type[Exception]) -> None:
    amazon = Amazon()
    amazon.token.script = [fault, fault, amazon.token.script[0]]
    assert await get(smart_properties(amazon, auth=login())) is not None
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (3, 1)
    assert all(0 <= wait <= 0.6 for wait in amazon.token.waits)


async def test_a_side_request_without_a_response_says_that_the_call_was_not_sent() -> None:
    amazon = Amazon()
    amazon.token.script = [httpx.ConnectTimeout]
    with pytest.raises(
        errors.TransportError, match=r"unit-1.*asking api.amazon.com for authorization failed: ConnectTimeout"
    ) as caught:
        await get(smart_properties(amazon, auth=login()))
    assert (len(amazon.token.seen), len(amazon.api.seen)) == (3, 0)
    assert (caught.value.sent, caught.value.attempts) == ("no", 1)
    assert caught.value.operation == "unit_settings.get_default_music_station"


async def test_a_side_request_without_a_response_says_if_the_call_was_sent_before() -> None:
    amazon = Amazon(life=0.5)
    serve = amazon.token.script[0]
    amazon.token.script = [serve, httpx.ConnectError]
    # Longer than the token lives.
    amazon.api.script = [answer(503, Retry_After="5")]
    client = smart_properties(amazon, auth=login())
    with pytest.raises(errors.TransportError, match="the call itself was not sent again") as caught:
        await get(client)
    assert (caught.value.sent, len(amazon.api.seen)) == ("maybe", 1)


@pytest.mark.parametrize("script", [[answer(400, {"error": "invalid_grant"})], [httpx.ConnectError], []])
def test_a_task_that_is_cancelled_while_it_fetches_a_token_ends_cancelled(script: list[Any]) -> None:
    """asyncio cancels once: an error of the token request instead would lose the cancellation."""

    async def main(loop: loops.JumpingLoop) -> None:
        amazon = Amazon(latency=1)
        amazon.token.script = script or amazon.token.script
        task = asyncio.create_task(get(smart_properties(amazon, auth=login())))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        # The request for a token was still completed, with its retries.
        assert loop.time() >= 1

    loops.run(main)


@pytest.mark.parametrize("fails", [True, False])
def test_a_call_cancelled_at_any_turn_of_fetching_a_token_leaves_no_cycle(fails: bool) -> None:
    async def main(_loop: loops.JumpingLoop) -> None:
        for turns in range(40):
            amazon, requests = Amazon(), list[Any]()
            give = amazon.token.script[0]

            def note(request: httpx.Request, give: Any = give, requests: list[Any] = requests) -> httpx.Response:
                requests.append(weakref.ref(request))
                granted: httpx.Response = give(request)
                return answer(400, {"error": "invalid_grant"}) if fails else granted

            amazon.token.script = [note]
            task = asyncio.create_task(get(smart_properties(amazon, auth=login())))
            gc.disable()
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
                asked = task.cancel()
                await asyncio.wait([task])
                assert task.cancelled() == asked, turns
                with contextlib.suppress(asyncio.CancelledError, errors.AuthenticationError):
                    task.result()
                del task
                await asyncio.sleep(0)
                assert [request() for request in requests if request() is not None] == [], turns
            finally:
                gc.enable()

    loops.run(main)


async def test_a_foreign_cancellation_of_a_side_request_is_an_error() -> None:
    amazon = Amazon()
    cancelled = await cancellation()
    amazon.token.script = [cancelled, *amazon.token.script]
    client = smart_properties(amazon, auth=login())
    with pytest.raises(Exception, match="asking for authorization was cancelled, and not by its caller") as caught:
        await get(client)
    assert caught.value.__cause__ is cancelled
    await get(client)


async def test_does_not_repeat_a_side_request_that_is_refused() -> None:
    amazon = Amazon()
    amazon.token.script = [answer(401, {"error": "invalid_client"})]
    with pytest.raises(errors.AuthenticationError):
        await get(smart_properties(amazon, auth=login()))
    assert len(amazon.token.seen) == 1


class Expired(errors.AuthenticationError):
    """An error of a custom auth flow, with a custom attribute."""

    vault = "unset"


async def test_calls_that_share_an_error_of_a_flow_each_get_their_own() -> None:
    cause = ZeroDivisionError("the vault")
    shared = Expired("the vault is sealed", error="sealed", status=503, request_id="vault-1")
    shared.vault = "west"
    shared.__cause__ = cause

    class Vault(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
            raise shared
            yield request

    client = smart_properties(Service(), auth=Vault())
    first, second = await gather(lambda: get(client, "unit-1"), lambda: get(client, "unit-2"))
    assert first is not second
    assert shared.args == ("the vault is sealed",)
    for found, unit in ((first, "unit-1"), (second, "unit-2")):
        assert str(found) == f"unit_settings.get_default_music_station({unit!r}): the vault is sealed"
        assert type(found) is Expired
        assert (found.vault, found.error, found.status, found.request_id) == ("west", "sealed", 503, "vault-1")
        assert found.__cause__ is cause
        functions = [frame.name for frame in traceback.extract_tb(found.__traceback__)]
        assert "async_auth_flow" in functions
        again = pickle.loads(pickle.dumps(found))
        assert (type(again), str(again), vars(again)) == (Expired, str(found), vars(found))


async def test_a_flow_may_continue_after_a_failed_side_request() -> None:
    heard: list[BaseException] = []

    class Optional(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            try:
                yield httpx.Request("GET", f"{ORIGIN}/side")
            except errors.TransportError as error:
                heard.append(error)
            yield request

        async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
            flow = self.auth_flow(request)
            wanted = next(flow)
            while True:
                try:
                    response = yield wanted
                except errors.TransportError as error:
                    wanted = flow.throw(error)
                else:
                    try:
                        wanted = flow.send(response)
                    except StopIteration:
                        return

    service = Service(httpx.ConnectError, httpx.ConnectError, httpx.ConnectError, 204)
    await get(smart_properties(service, auth=Optional()))
    assert [type(error) for error in heard] == [errors.TransportError]
    assert len(service.seen) == 4


async def test_the_flow_is_closed_when_the_call_is_cancelled() -> None:
    closed: list[str] = []

    class Careful(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
            try:
                yield request
            finally:
                closed.append("yes")

    with anyio.move_on_after(1):
        await get(smart_properties(Service(latency=100), auth=Careful()))
    assert closed == ["yes"]


# Other origins

FOREIGN = [
    "https://evil.example/v2/things",
    "http://api.amazonalexa.com:443/v2/things",
    "https://api.amazonalexa.com:8443/v2/things",
    "https://api.amazonalexa.com.evil.example/",
    "https://api.amazonalexa.com@evil.example/",
]


@pytest.mark.parametrize("url", FOREIGN)
async def test_sends_nothing_to_another_origin(url: str) -> None:
    amazon = Amazon()
    async with httpx.AsyncClient(transport=smart_properties(amazon, auth=login()).pipeline) as client:
        with pytest.raises(errors.ConfigurationError, match=r"are for https://api\.amazonalexa\.com:443"):
            await client.get(url)
    assert (amazon.api.seen, amazon.token.seen) == ([], [])


@pytest.mark.parametrize("url", ["https://API.amazonalexa.com/v2/x", "https://api.amazonalexa.com:443/v2/x"])
async def test_accepts_other_spellings_of_the_same_origin(url: str) -> None:
    service = Service(200)
    async with httpx.AsyncClient(transport=smart_properties(service).pipeline) as client:
        assert (await client.get(url)).status_code == 200


async def test_a_redirect_elsewhere_is_not_followed_with_credentials() -> None:
    amazon = Amazon()
    amazon.api.script = [answer(307, Location="https://evil.example/")]
    client = smart_properties(amazon, auth=login())
    async with httpx.AsyncClient(transport=client.pipeline, follow_redirects=True) as outside:
        with pytest.raises(errors.ConfigurationError, match=r"not sent to 'evil\.example'"):
            await outside.get(f"{ORIGIN}/v2/things")
    assert len(amazon.api.seen) == 1


async def test_a_redirect_to_the_same_origin_goes_through_the_pipeline_again() -> None:
    amazon = Amazon()
    amazon.api.script = [answer(302, Location="/v2/there"), *[503] * 3, amazon.api.script[0]]
    client = smart_properties(amazon, auth=login())
    async with httpx.AsyncClient(transport=client.pipeline, follow_redirects=True) as outside:
        assert (await outside.get(f"{ORIGIN}/v2/here")).status_code == 200
    assert amazon.api.seen[-1].url.path == "/v2/there"
    assert set(client.limits) == {"GET /v2/here", "GET /v2/there"}


async def test_alexa_for_business_sends_no_credentials_to_another_origin() -> None:
    service = Service(200)
    async with httpx.AsyncClient(transport=for_business(service).pipeline) as client:
        with pytest.raises(errors.ConfigurationError, match="credentials are for"):
            await client.post("https://a4b.eu-west-1.amazonaws.com/")
    assert service.seen == []
