"""Every fault that a peer may have, on real sockets and through the whole client.

For each: the error, whether the request may have been sent, how often it was tried and how often the peer read it. The
message says what was attempted, on what, and what to do next. Nothing is left behind, and the same client works again
when the peer is repaired. A call that must not be repeated meets every fault; the others meet some of each kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest

from alexa_props import LoginWithAmazon, RateLimit, RetryPolicy, SmartProperties, Timeouts, errors, hooks
from alexa_props.pipeline.pool import Pool
from tests import loops
from tests.integration.fault_table import (
    FAULTS,
    KINDS,
    NAME,
    ON_EVERY_LOOP,
    PATIENT,
    READ,
    REPEATED,
    REPEATED_WITH_A_BODY,
    Fault,
    Kind,
)
from tests.integration.faulty_servers import (
    GOOD,
    OK,
    Peer,
    Place,
    answering,
    certified,
    close,
    encoded,
    endless,
    good,
    refused,
    reset,
    silence,
    trusting,
)
from tests.pipeline.pool_servers import Answer, Exchange, Server, ok, until
from tests.pipeline.pool_servers import answering as saying

SECRETS: Final = ("canary-token", NAME, "canary-user", "canary-password", "canary-client", "canary-refresh")
DESCRIPTORS: Final = Path("/proc/self/fd")


class Token(httpx.Auth):
    """Authorizes with a token that must be seen nowhere."""

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # an iterator does
        request.headers["Authorization"] = f"Bearer {SECRETS[0]}"
        yield request


def client_of(peer: Peer, **options: Any) -> SmartProperties:
    """A client with default settings, except that it does not wait between attempts."""
    given: dict[str, Any] = {
        "auth": Token(),
        "base_url": peer.url,
        "verify": trusting(),
        "retry": RetryPolicy(base=0),
        "rate_limit": RateLimit(per_second=1e6),
        "timeouts": PATIENT,
    }
    return SmartProperties(**given | peer.options | options)


def sockets() -> int:
    """How many are open; always 0 where that cannot be known. A loop may keep other descriptors for itself."""
    count = 0
    for each in DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ():
        with contextlib.suppress(OSError):  # the one that lists them is gone by then
            count += str(each.readlink()).startswith("socket:")
    return count


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Afterwards there is no new task or socket, and the loop has reported nothing."""
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    tasks, opened = asyncio.all_tasks(), sockets()
    yield
    await until(lambda: asyncio.all_tasks() <= tasks)
    await until(lambda: sockets() <= opened)
    assert not complaints


def check_idle(client: SmartProperties) -> None:
    assert {(scope.waiting, scope.in_flight) for scope in client.limits.values()} == {(0, 0)}


def check_message(error: BaseException, fault: Fault, kind: Kind) -> None:
    """It says what was attempted, on what, what happened and what to do next, and shows no secret."""
    text = str(error)
    assert text.startswith(kind.description)
    assert re.search(fault.says, text)
    unsafe = fault.end.sent != "no" and kind is KINDS["create"]
    if isinstance(error, errors.ApiError):
        pass
    elif unsafe:
        assert text.endswith("check with units.list whether it took effect before calling again")
    elif not isinstance(error, errors.DeadlineExceeded):
        assert text.endswith("calling again is safe")
    for shown in (text, repr(error), repr(vars(error)), str(error.__cause__), repr(error.__cause__)):
        assert not [secret for secret in SECRETS if secret in shown]


async def check_works(client: SmartProperties) -> None:
    assert (await client.units.get("unit-1")).id == "unit-1"


def on_other_loops(*values: str) -> list[Any]:
    """Return a case on event loops other than asyncio's."""
    return [
        pytest.param(*values, loop.values[0], id="-".join([*values, str(loop.id)]), marks=loop.marks)
        for loop in loops.OTHERS
    ]


@pytest.mark.parametrize(
    ("name", "kind", "anyio_backend"),
    [
        *((name, "create", "asyncio") for name in FAULTS),
        # Idempotent calls are repeated by a stage that knows no socket: a fault for each way that a call may end.
        *((name, "read", "asyncio") for name in REPEATED),
        *((name, "write", "asyncio") for name in REPEATED_WITH_A_BODY),
        *(case for name in ON_EVERY_LOOP for case in on_other_loops(name, "create")),
    ],
    ids=str,
)
async def test_fault(name: str, kind: str, anyio_backend: object) -> None:
    fault, what = FAULTS[name], KINDS[kind]
    end = fault.end
    async with nothing_left(), fault.place() as peer:
        opened = sockets()
        own: dict[str, Any] = {} if fault.max_body is None else {"transport": Pool(max_body=fault.max_body)}
        client = client_of(peer, timeouts=fault.timeouts, **own | ({"verify": None} if own else {}))
        try:
            if end.error is None:
                await what.call(client, fault.name)
            else:
                with pytest.raises(end.error) as caught:
                    await what.call(client, fault.name)
                error = caught.value
                assert type(error) is end.error
                check_message(error, fault, what)
                assert getattr(error, "sent", None) == end.sent
                assert getattr(error, "attempts", 1) == end.tries[what.index]
            assert len(peer.requests) == end.requests[what.index]
            check_idle(client)
            if fault.kept is not None:
                await until(lambda: peer.server.open == fault.kept)
            # On our side too, where the peer does not see it.
            expected = opened + (fault.kept or 0)
            await until(lambda: not DESCRIPTORS.exists() or sockets() == expected + peer.server.open)
            await peer.repair()
            # The deadline was for the fault.
            await check_works(client.with_options(deadline=10))
            check_idle(client)
        finally:
            await client.aclose()


async def test_no_free_connection_in_time() -> None:
    go = asyncio.Event()

    async def held(exchange: Exchange) -> None:
        await go.wait()
        exchange.writer.write(GOOD)

    async with nothing_left(), answering(held)() as peer:
        pool = Pool(max_connections=1, verify=trusting())
        client = client_of(peer, transport=pool, verify=None, timeouts=attrs.evolve(PATIENT, pool=0.05))
        holder = asyncio.create_task(check_works(client))
        await until(lambda: peer.requests)
        with pytest.raises(errors.TransportError, match=r"PoolTimeout: .*no free connection within 0\.05 s") as caught:
            await KINDS["create"].call(client, NAME)
        assert (caught.value.sent, caught.value.attempts, len(peer.requests)) == ("no", 4, 1)
        go.set()
        await holder
        await check_works(client)
        check_idle(client)
        assert (pool.in_flight, pool.waiting) == (0, 0)
        await client.aclose()


async def test_one_attempt_is_one_request() -> None:
    """The pool repeats nothing if the retry policy forbids it."""
    async with nothing_left(), answering(close)() as peer:
        client = client_of(peer, retry=RetryPolicy(max_attempts=1))
        for kind in KINDS.values():
            with pytest.raises(errors.TransportError):
                await kind.call(client, NAME)
        assert [request.method for request in peer.requests] == ["GET", "PUT", "POST"]
        await client.aclose()


# Redirects


@pytest.mark.parametrize(
    ("status", "to"),
    [(301, "http://localhost:{}/v2/units"), (303, "//127.0.0.1:{}/v2/units"), (307, "/v2/elsewhere")],
)
async def test_follows_no_redirect(status: int, to: str) -> None:
    async with nothing_left(), Server(good).running() as elsewhere:
        location = to.format(elsewhere.port).encode()
        async with answering(ok(b"", b"Location: " + location, status=b"%d Moved" % status))() as peer:
            client = client_of(peer)
            for kind in KINDS.values():
                with pytest.raises(errors.ApiError, match=f"^{re.escape(kind.description)}{status} ") as caught:
                    await kind.call(client, NAME)
                assert (type(caught.value), caught.value.status) == (errors.ApiError, status)
            assert (await client.request("GET", "/v2/else")).status_code == status
            await client.aclose()
        assert [request.target for request in peer.requests] == ["/v2/units/unit-1"] * 2 + ["/v2/units", "/v2/else"]
        assert elsewhere.connections == 0


# Reused connections


WORDS: Final = {
    "another answer": ok(b'{"id": "evil"}'),
    "part of another answer": b"HTTP/1.1 200 OK\r\nX-Header: ",
    "time is up": ok(b"{}", b"Connection: close", status=b"408 Request Timeout"),
    "garbage": b"\0\0\0\0",
}


async def numbered(exchange: Exchange) -> None:
    """Each answer says which one it is."""
    exchange.writer.write(ok(b'{"id": "unit-%d"}' % len(exchange.server.requests)))


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "not seen yet"])
@pytest.mark.parametrize(
    ("how", "encryption", "anyio_backend"),
    [
        *((how, "plain", "asyncio") for how in ("end", *WORDS)),
        *((how, "TLS", "asyncio") for how in ("end", "another answer")),
        *(case for how in ("end", "another answer") for case in on_other_loops(how, "TLS")),
    ],
    ids=str,
)
async def test_data_between_two_calls_is_no_response(
    how: str, encryption: str, seen: bool, anyio_backend: object
) -> None:
    """And a call that follows immediately is not sent on a connection that the peer has left."""
    async with nothing_left(), answering(numbered, tls=encryption == "TLS")() as peer:
        client = client_of(peer)
        assert (await client.units.get("unit-1")).id == "unit-1"
        for writer in peer.server._writers:
            if how == "end":
                with socket.fromfd(writer.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM) as end:
                    end.shutdown(socket.SHUT_RDWR)
            else:
                writer.write(WORDS[how])
        for _ in range(20 if seen else 0):
            await asyncio.sleep(0)  # our loop looks at it
        assert (await KINDS["create"].call(client, NAME)) == "unit-2"
        assert (await client.units.get("unit-1")).id == "unit-3"
        assert len(peer.requests) == 3
        await client.aclose()


@pytest.mark.parametrize("anyio_backend", loops.EVERY)
async def test_data_after_a_response_is_no_response(anyio_backend: object) -> None:
    async with nothing_left(), answering(GOOD + WORDS["another answer"])() as peer:
        client = client_of(peer)
        for number in range(1, 4):
            assert (await client.units.get("unit-1")).id == "unit-1"
            assert peer.server.connections == number
        await client.aclose()


@pytest.mark.parametrize("anyio_backend", loops.EVERY)
@pytest.mark.parametrize(
    ("kind", "end"),
    [("read", close), ("write", reset), ("create", close), ("create", reset)],
    ids=["read-closed", "write-reset", "create-closed", "create-reset"],
)
async def test_a_reused_connection_ends_while_the_request_is_in_flight(
    kind: str, end: Answer, anyio_backend: object
) -> None:
    """The pool repeats it once, in the same attempt, if it is idempotent."""

    async def answer(exchange: Exchange) -> None:
        await (good if exchange.server.connections > 1 or exchange.number == 1 else end)(exchange)

    attempts: list[hooks.Event] = []
    async with nothing_left(), answering(answer)() as peer:
        client = client_of(peer, hooks=[attempts.append])
        await check_works(client)
        attempts.clear()
        if kind == "create":
            with pytest.raises(errors.TransportError, match=r"check with units\.list whether it took effect") as caught:
                await KINDS[kind].call(client, NAME)
            assert (caught.value.sent, caught.value.attempts) == ("maybe", 1)
        else:
            await KINDS[kind].call(client, NAME)
        assert len([event for event in attempts if isinstance(event, hooks.AttemptStarted)]) == 1
        assert len(peer.requests) == (2 if kind == "create" else 3)
        check_idle(client)
        await check_works(client)
        await client.aclose()


@pytest.mark.parametrize("anyio_backend", loops.EVERY)
async def test_sends_no_creation_twice_to_a_peer_that_closes_after_each_response(anyio_backend: object) -> None:
    """Ten at a time: the end of a connection meets the next request on it."""

    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(GOOD)
        exchange.writer.close()

    async with nothing_left(), answering(answer)() as peer:
        client = client_of(peer, max_connections=10)
        creations = [client.units.create("unit-1", f"Room {number}") for number in range(100)]
        reads = [client.units.get("unit-1") for _ in range(100)]
        results = await asyncio.gather(*creations, *reads, return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        assert {getattr(error, "sent", None) for error in failed} <= {"maybe"}
        assert not [result for result in results[100:] if isinstance(result, BaseException)]
        created = [request.body for request in peer.requests if request.method == "POST"]
        assert len(created) == len(set(created)) >= 100 - len(failed)
        check_idle(client)
        await client.aclose()


# The token endpoint


@attrs.frozen
class TokenFault:
    """A faulty token endpoint."""

    place: Place
    error: type[errors.AlexaError]
    requests: int
    """How many requests it reads per call."""
    says: str
    timeouts: Timeouts = PATIENT


LEFT_OUT: Final = r"\(3 attempts; the call itself was not sent\)$"
TOKEN_FAULTS: Final = {
    "refused": TokenFault(refused, errors.TransportError, 0, f"ConnectError: .*{LEFT_OUT}"),
    "self-signed": TokenFault(
        certified("127.0.0.1", by="itself"), errors.TransportError, 0, f"certificate was not accepted: .*{LEFT_OUT}"
    ),
    "closed": TokenFault(answering(close), errors.TransportError, 3, f"RemoteProtocolError: .*{LEFT_OUT}"),
    "silent": TokenFault(answering(silence), errors.TransportError, 3, f"ReadTimeout: .*{LEFT_OUT}", READ),
    "503": TokenFault(answering(ok(b"", status=b"503 Service Unavailable")), errors.AuthenticationError, 3, "503"),
    "429": TokenFault(answering(ok(b"", status=b"429 Too Many Requests")), errors.AuthenticationError, 3, "429"),
    "a page": TokenFault(answering(ok(b"<html>")), errors.AuthenticationError, 1, "its response is not JSON"),
    "a page that says no": TokenFault(
        answering(ok(b"<html>", status=b"403 Forbidden")), errors.AuthenticationError, 1, "is token_url right?"
    ),
    "elsewhere": TokenFault(
        answering(ok(b"", b"Location: /other", status=b"307 Temporary Redirect")), errors.AuthenticationError, 1, "307"
    ),
    "endless": TokenFault(
        answering(OK + b"Content-Length: 99999999999\r\n\r\n", endless(bytes(4096))),
        errors.AuthenticationError,
        1,
        "the body is longer than max_body",
    ),
}
GRANT: Final = ok(b'{"access_token": "canary-token", "token_type": "bearer", "expires_in": 3600}')


@pytest.mark.parametrize("name", TOKEN_FAULTS)
async def test_token_endpoint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token the call is not sent, and says so; the next call asks again."""
    monkeypatch.setattr("alexa_props.pipeline.auth._SIDE_BASE", 0.0)  # no waits between two tries
    fault = TOKEN_FAULTS[name]
    async with nothing_left(), answering(good)() as peer, fault.place() as endpoint:
        auth = LoginWithAmazon(
            client_id="client",
            client_secret="canary-client",
            refresh_token="canary-refresh",
            token_url=f"{endpoint.url}/auth/o2/token",
        )
        client = client_of(peer, auth=auth, timeouts=fault.timeouts)
        for asked, kind in enumerate((KINDS["read"], KINDS["create"]), 1):
            with pytest.raises(fault.error) as caught:
                await kind.call(client, NAME)
            text = str(caught.value)
            assert text.startswith(kind.description)
            assert re.search(fault.says, text)
            assert type(caught.value) is fault.error
            assert getattr(caught.value, "sent", "no") == "no"
            assert not [secret for secret in SECRETS if secret in text + repr(caught.value.__cause__)]
            assert len(endpoint.requests) == asked * fault.requests
            check_idle(client)
        assert not peer.requests
        await endpoint.repair()
        endpoint.server.answer = saying(GRANT)
        await check_works(client)
        assert peer.requests[0].header("authorization") == "Bearer canary-token"
        await client.aclose()


async def test_an_unreadable_token_response_fails_all_waiting_calls() -> None:
    async with nothing_left(), answering(good)() as peer, answering(encoded("gzip", b"no gzip"))() as endpoint:
        auth = LoginWithAmazon(
            client_id="client", client_secret="s", refresh_token="r", token_url=f"{endpoint.url}/auth/o2/token"
        )
        client = client_of(peer, auth=auth)
        results = await asyncio.gather(*(client.units.get("unit-1") for _ in range(10)), return_exceptions=True)
        assert [type(result) for result in results] == [errors.AuthenticationError] * 10
        assert (len(endpoint.requests), len(peer.requests)) == (1, 0)
        await client.aclose()
