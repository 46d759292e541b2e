"""Every failure is the right httpx exception, whose class says whether anything was sent, and shows no secret."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import aiohttp
import anyio
import httpx
import pytest
import trustme

from alexa_props.pipeline.pool import Pool
from tests import loops
from tests.pipeline.pool_servers import Answer, Exchange, Proxy, Server, answering, ok, until

NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
SECRETS = ("canary-header", "canary-body", "canary-query", "canary-answer")


def on_other_loops(value: Any, name: str) -> list[Any]:
    """Return a case on event loops other than asyncio's."""
    return [pytest.param(value, loop.values[0], id=f"{name}-{loop.id}", marks=loop.marks) for loop in loops.OTHERS]


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool()
    yield pool
    assert (pool.in_flight, pool.waiting) == (0, 0)
    await pool.aclose()


def secret(url: str, method: str = "POST", **timeout: float) -> httpx.Request:
    """A request full of secrets."""
    return httpx.Request(
        method,
        f"{url}/v2/units/a%2Fb?token=canary-query",
        headers={"Authorization": "Bearer canary-header", "x-amz-security-token": "canary-header"},
        content=b"client_secret=canary-body" if method == "POST" else None,
        extensions={"timeout": timeout},
    )


def frames(traceback: TracebackType | None) -> list[Any]:
    found = []
    while traceback is not None:
        found.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return found


def check_no_secret(error: BaseException) -> None:
    """No frame of what is below the pool, no chain, and no secret in any text or local of the pool's own frames."""
    assert error.__cause__ is None
    assert error.__context__ is None
    ours = [frame for frame in frames(error.__traceback__) if not frame.f_code.co_filename.startswith(__file__)]
    assert {Path(frame.f_code.co_filename).parent.name for frame in ours} <= {"pool"}
    shown = [repr(value) for frame in ours for name, value in frame.f_locals.items() if name != "request"]
    shown += [str(error), repr(error), repr(error.args)]
    assert not [text for text in shown if any(word in text for word in SECRETS)]
    # httpx prints a request with its URL; nothing else of it.
    requests = [repr(frame.f_locals.get("request")) for frame in ours]
    assert not [text for text in requests if "canary-header" in text or "canary-body" in text]


async def failure(pool: Pool, request: httpx.Request) -> httpx.RequestError:
    with pytest.raises(httpx.RequestError) as caught:
        await pool.handle_async_request(request)
    check_no_secret(caught.value)
    assert caught.value.request is request
    assert str(caught.value).startswith(f"{request.method} {request.url.host}/v2/units/a%2Fb: ")
    return caught.value


# Before anything is sent


async def test_connection_refused(pool: Pool) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # bound, so that no other process gets it, and not listening
        error = await failure(pool, secret(f"http://127.0.0.1:{listener.getsockname()[1]}"))
    assert type(error) is httpx.ConnectError
    assert "could not connect: Connect call failed" in str(error)


async def test_unknown_host(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*args: object, **options: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    error = await failure(pool, secret("http://api.example.com"))
    assert type(error) is httpx.ConnectError
    assert "the host was not found" in str(error)
    through = Pool(proxy="http://proxy.example.com")
    error = await failure(through, secret("http://127.0.0.1:9"))
    assert ": the proxy was not found" in str(error)
    await through.aclose()


async def test_the_connect_timeout_includes_tls(pool: Pool) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    error = await failure(pool, secret(f"https://localhost:{server.sockets[0].getsockname()[1]}", connect=0.05))
    assert type(error) is httpx.ConnectTimeout
    server.close()


async def test_untrusted_certificate_and_certificate_of_another_host(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example.com").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for verify, text in ((None, "unable to get local issuer"), (tmp_path / "ca.pem", "Hostname mismatch")):
        pool = Pool(verify=verify)
        async with Server(answering(ok()), tls=context).running() as server:
            error = await failure(pool, secret(server.url))
            assert type(error) is httpx.ConnectError
            assert text in str(error)
        await pool.aclose()


async def test_tls_with_a_server_that_has_none(pool: Pool) -> None:
    async with Server(answering(ok(), close=True)).running() as server:
        error = await failure(pool, secret(server.url.replace("http:", "https:"), connect=0.2))
        assert type(error) in {httpx.ConnectError, httpx.ConnectTimeout}


async def test_no_free_connection() -> None:
    pool = Pool(max_connections=1)
    done = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await done.wait()
        exchange.writer.write(ok())

    async with Server(answer).running() as server:
        first = asyncio.create_task(pool.handle_async_request(secret(server.url)))
        await until(lambda: server.requests)
        error = await failure(pool, secret(server.url, pool=0.02))
        assert type(error) is httpx.PoolTimeout
        assert "no free connection within 0.02 s" in str(error)
        assert type(await failure(pool, secret(server.url, pool=0))) is httpx.PoolTimeout
        assert (pool.in_flight, pool.waiting, len(server.requests)) == (1, 0, 1)
        done.set()
        await first
        assert (await pool.handle_async_request(secret(server.url, pool=0))).is_success
    await pool.aclose()


# After something may have been sent


async def close(exchange: Exchange) -> None:
    exchange.writer.close()


async def reset(exchange: Exchange) -> None:
    exchange.reset()


async def silence(exchange: Exchange) -> None:
    await exchange.reader.read()


def then(data: bytes, last: Answer) -> Answer:
    async def answer(exchange: Exchange) -> None:
        exchange.writer.write(data)
        await exchange.writer.drain()
        await asyncio.sleep(0.01)  # two segments
        await last(exchange)

    return answer


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Answer: canary-answer\r\n\r\n{'access_token': 'canary-answer'"
HALF_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\ncanary-answer"
CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\ncanary-answer\r\n"
READ = 0.05
"""Read timeout of cases in which the server falls silent; all others have time."""
Case: TypeAlias = tuple[str, Answer, set[type[httpx.RequestError]], str]
CASES: list[Case] = [
    ("closed", close, {httpx.RemoteProtocolError}, "Server disconnected without sending a response."),
    ("closed in the head", then(HALF[:40], close), {httpx.RemoteProtocolError}, "disconnected"),
    ("reset", reset, {httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError}, ""),
    ("body cut", then(HALF, close), {httpx.RemoteProtocolError}, "incomplete"),
    ("body reset", then(HALF, reset), {httpx.RemoteProtocolError, httpx.ReadError}, ""),
    ("chunks cut", then(HALF_CHUNKED, close), {httpx.RemoteProtocolError}, "incomplete"),
    ("silent", silence, {httpx.ReadTimeout}, "nothing received within the read timeout"),
    ("silent in the head", then(HALF[:40], silence), {httpx.ReadTimeout}, ""),
    ("silent in the body", then(HALF, silence), {httpx.ReadTimeout}, ""),
    ("not HTTP", answering(b"SSH-2.0-OpenSSH canary-answer\r\n\r\n"), {httpx.RemoteProtocolError}, "not valid HTTP"),
    (
        "bad header",
        answering(b"HTTP/1.1 200 OK\r\nbad canary-answer\r\n\r\n"),
        {httpx.RemoteProtocolError},
        "not valid",
    ),
    ("bad length", answering(ok(b"x", b"Content-Length: 7")), {httpx.RemoteProtocolError}, "not valid HTTP"),
    ("bad chunk", answering(HALF_CHUNKED.replace(b"20", b"zz")), {httpx.RemoteProtocolError}, "not valid HTTP"),
    ("bad chunk later", then(CHUNK, answering(b"zz\r\n")), {httpx.RemoteProtocolError}, "incomplete or malformed"),
    ("long header", answering(ok(b"", b"X: " + b"x" * 99_999)), {httpx.RemoteProtocolError}, "not valid HTTP"),
    ("bad gzip", answering(ok(b"canary-answer", b"Content-Encoding: gzip")), {httpx.DecodingError}, "no valid gzip"),
]


ON_EVERY_LOOP = ("reset", "body cut", "body reset", "silent in the body")


@pytest.mark.parametrize(
    ("case", "anyio_backend"),
    [
        *(pytest.param(case, "asyncio", id=case[0]) for case in CASES),
        *(each for case in CASES if case[0] in ON_EVERY_LOOP for each in on_other_loops(case, case[0])),
    ],
)
async def test_a_failure_after_sending_may_have_been_sent(pool: Pool, case: Case, anyio_backend: object) -> None:
    name, answer, kinds, text = case
    async with Server(answer).running() as server:
        error = await failure(pool, secret(server.url, read=READ if name.startswith("silent") else 5.0))
        assert type(error) in kinds
        assert not isinstance(error, NOT_SENT)
        assert text in str(error)
        if type(error) is not httpx.DecodingError:
            await until(lambda: server.open == 0)  # closed, not kept
    assert len(server.requests) == 1


@pytest.mark.parametrize("anyio_backend", loops.EVERY)
@pytest.mark.parametrize("end", ["write timeout", "cancel", "reset"])
async def test_a_server_that_does_not_read(pool: Pool, end: str, anyio_backend: object) -> None:
    stop = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
        await stop.wait()
        exchange.reset()

    async with Server(answer, reads_body=False).running() as server:
        request = httpx.Request("POST", server.url, content=bytes(10_000_000), extensions={"timeout": {"write": 0.05}})
        if end == "write timeout":
            with pytest.raises(httpx.WriteTimeout) as caught:
                await pool.handle_async_request(request)
            check_no_secret(caught.value)
        else:
            request.extensions["timeout"] = {}
            task = asyncio.create_task(pool.handle_async_request(request))
            await until(lambda: server.requests)
            if end == "cancel":
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                stop.set()
                with pytest.raises((httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError)) as reset:
                    await task
                check_no_secret(reset.value)
        assert pool.in_flight == 0
        stop.set()


async def test_a_failed_connection_after_a_repeat_may_have_been_sent() -> None:
    """The first connection took the request; the second one could not be had."""
    async with Proxy().running() as proxy:
        pool = Pool(proxy=f"http://localhost:{proxy.port}")
        await pool.handle_async_request(httpx.Request("GET", "http://api.example.com"))
    error = await failure(pool, secret("http://api.example.com", "GET"))
    assert pool.repeated in {0, 1}  # the end is noticed immediately, or on writing
    assert isinstance(error, httpx.RemoteProtocolError if pool.repeated else httpx.ConnectError)
    await pool.aclose()


async def test_a_repeat_that_cannot_connect_may_have_been_sent(pool: Pool) -> None:
    listening: list[asyncio.Server] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ok())
        await reader.readuntil(b"\r\n\r\n")
        listening[0].close()
        writer.close()

    listening.append(await asyncio.start_server(serve, "127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening[0].sockets[0].getsockname()[1]}"
    await pool.handle_async_request(httpx.Request("GET", url))
    error = await failure(pool, secret(url, "GET"))
    assert type(error) is httpx.RemoteProtocolError
    assert "connecting again" in str(error)


# Repeats by aiohttp


async def close_on_second(exchange: Exchange) -> None:
    if exchange.server.connections == 1 and exchange.number == 2:
        exchange.writer.close()
    else:
        exchange.writer.write(ok(b""))


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_counts_a_repeat(pool: Pool, method: str) -> None:
    content = b"x" * 200_000 if method == "PUT" else None
    async with Server(close_on_second).running() as server:
        await pool.handle_async_request(httpx.Request("GET", server.url))
        response = await pool.handle_async_request(httpx.Request(method, server.url, content=content))
        assert (response.status_code, response.extensions["repeated"], pool.repeated) == (200, 1, 1)
        response = await pool.handle_async_request(httpx.Request("GET", server.url + "/next"))
    assert [request.method for request in server.requests] == ["GET", method, method, "GET"]
    assert [len(request.body) for request in server.requests[1:3]] == [len(content or b"")] * 2
    assert pool.repeated == 1


async def test_counts_a_repeat_that_fails_and_repeats_only_once(pool: Pool) -> None:
    async def answer(exchange: Exchange) -> None:
        await (close if len(exchange.server.requests) > 1 else answering(ok()))(exchange)

    async with Server(answer).running() as server:
        await pool.handle_async_request(httpx.Request("GET", server.url))
        for requests in (3, 4):  # on a kept connection and a new one, then on a new one
            error = await failure(pool, secret(server.url, "GET"))
            assert type(error) is httpx.RemoteProtocolError
            assert (pool.repeated, len(server.requests)) == (1, requests)


async def test_a_post_is_never_repeated(pool: Pool) -> None:
    async with Server(close_on_second).running() as server:
        await pool.handle_async_request(secret(server.url))
        error = await failure(pool, secret(server.url))
        assert type(error) is httpx.RemoteProtocolError
        assert len(server.requests) == 2
    assert pool.repeated == 0


# Cancellation, as to what it shows


@pytest.mark.parametrize(
    ("stage", "anyio_backend"),
    [
        *((stage, "asyncio") for stage in ("pool", "connect", "head", "body", "write")),
        *on_other_loops("body", "body"),
        *on_other_loops("write", "write"),
    ],
)
async def test_a_cancellation_passes_unchanged_and_shows_no_secret(
    stage: str, anyio_backend: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(max_connections=1)
    answer = {"body": then(HALF, silence), "write": silence}.get(stage, silence)
    async with Server(answer, reads_body=stage != "write").running() as server:
        holder: asyncio.Task[httpx.Response] | None = None
        if stage == "pool":
            holder = asyncio.create_task(pool.handle_async_request(secret(server.url)))
            await until(lambda: server.requests)
        if stage == "connect":
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lambda *args, **options: asyncio.sleep(9))
        url = server.url if stage != "connect" else "http://api.example.com"
        request = secret(url)
        if stage == "write":
            request = httpx.Request("POST", url, headers=request.headers.raw[1:3], content=b"canary-body" * 2_000_000)
        seen: list[asyncio.CancelledError] = []

        async def run() -> None:
            try:
                await pool.handle_async_request(request)
            except asyncio.CancelledError as error:
                seen.append(error)
                raise

        task = asyncio.create_task(run())
        await asyncio.sleep(0.03)
        assert (pool.in_flight, pool.waiting) == (1, int(stage == "pool"))
        task.cancel("because")
        with pytest.raises(asyncio.CancelledError, match="because"):
            await task
        assert task.cancelled()
        assert seen[0].args == ("because",)
        check_no_secret(seen[0])
        if holder:
            holder.cancel()
            with pytest.raises(asyncio.CancelledError):
                await holder
        assert (pool.in_flight, pool.waiting) == (0, 0)
        await pool.aclose()


@pytest.mark.parametrize(
    "limit",
    [
        lambda: asyncio.timeout(0.02),
        lambda: anyio.fail_after(0.02),
    ],
    ids=["asyncio.timeout", "anyio.fail_after"],
)
async def test_time_limits_around_a_request_work(pool: Pool, limit: Callable[[], Any]) -> None:
    async with Server(silence).running() as server:
        scope = limit()
        with pytest.raises(TimeoutError):  # noqa: PT012 - the two kinds of scope
            if hasattr(scope, "__aenter__"):
                async with scope:
                    await pool.handle_async_request(secret(server.url))
            else:
                with scope:
                    await pool.handle_async_request(secret(server.url))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.handle_async_request(secret(server.url)), 0.02)
        with anyio.move_on_after(0.02) as moved:
            await pool.handle_async_request(secret(server.url))
        assert moved.cancelled_caught
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await until(lambda: server.open == 0)


async def test_an_interrupt_passes_without_frames_of_aiohttp(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*args: object, **options: object) -> None:
        raise SystemExit("stop")

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", interrupted)
    with pytest.raises(SystemExit) as caught:
        await pool.handle_async_request(secret("http://localhost:9"))
    check_no_secret(caught.value)
