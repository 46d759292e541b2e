"""Slots, cancellation, event loops and closing of a pool.

The event loop and TLS are a risk here: asyncio's loop runs with plain HTTP, the others with TLS.
"""

import asyncio
import contextlib
import gc
import random
import ssl
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeAlias

import anyio
import anyio.from_thread
import httpx
import pytest
import trustme

from alexa_props.errors import ConfigurationError
from alexa_props.pipeline.pool import Pool
from tests import loops
from tests.pipeline.pool_servers import Exchange, Server, answering, ok, until

Run: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]

on_every_loop = pytest.mark.parametrize("anyio_backend", loops.EVERY)


def has_tls(backend: tuple[str, dict[str, Any]]) -> bool:
    """Return whether a test on this backend uses TLS."""
    return backend is not loops.EVERY[0].values[0]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What is left unclosed warns within the test that left it."""
    yield
    gc.collect()


@pytest.fixture
def tls(anyio_backend: Any, server_tls: ssl.SSLContext) -> ssl.SSLContext | None:
    """What the server of a test uses."""
    return server_tls if has_tls(anyio_backend) else None


@pytest.fixture
def elsewhere(tls: ssl.SSLContext | None) -> Iterator[Server]:
    """A server in a thread, which outlives the loops of the test."""
    server = Server(answering(ok()), tls=tls)
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(server.running()):
        yield server


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def get(url: str, **timeout: float | None) -> httpx.Request:
    return httpx.Request("GET", url, extensions={"timeout": timeout})


async def fetch(pool: Pool, server: Server, count: int = 1) -> None:
    for _ in range(count):
        assert (await pool.handle_async_request(get(server.url))).status_code == 200


def _run_new(run: Run, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run(action())


def wait_for_end(server: Server) -> None:
    """Wait for the end of all connections of a server in another thread."""
    for _ in range(2000):
        if server.open == 0:
            return
        threading.Event().wait(0.001)
    raise AssertionError(f"{server.open} connections are still open")


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# Slots


async def test_grants_and_counts_slots_in_order_of_arrival() -> None:
    served: list[str] = []
    turn = asyncio.Semaphore(0)

    async def answer(exchange: Exchange) -> None:
        await turn.acquire()
        served.append(exchange.request.target)
        exchange.writer.write(ok())

    pool = Pool(max_connections=2)
    async with Server(answer).running() as server:
        tasks = [asyncio.create_task(pool.handle_async_request(get(f"{server.url}/{n}"))) for n in range(7)]
        await until(lambda: len(server.requests) == 2)
        assert (pool.in_flight, pool.waiting, server.connections) == (2, 5, 2)
        await cancelled(tasks[3])  # one of those who wait
        assert (pool.in_flight, pool.waiting) == (2, 4)
        for n in range(6):
            turn.release()
            await until(lambda n=n: len(served) == n + 1)  # type: ignore[misc]  # mypy knows no defaults in lambdas
        await asyncio.gather(*tasks[:3], *tasks[4:])
    assert sorted(served[:2]) == ["/0", "/1"]
    assert served[2:] == ["/2", "/4", "/5", "/6"]
    assert (pool.in_flight, pool.waiting) == (0, 0)
    assert server.connections == 2
    await pool.aclose()


async def test_a_slot_granted_to_a_cancelled_waiter_goes_to_the_next() -> None:
    """The waiter is cancelled in the same turn of the loop in which it got the slot."""
    go = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await go.wait()
        exchange.writer.write(ok())

    pool = Pool(max_connections=1)
    async with Server(answer).running() as server:
        first = asyncio.create_task(pool.handle_async_request(get(server.url)))
        await until(lambda: server.requests)
        waiters = [asyncio.create_task(pool.handle_async_request(get(server.url))) for _ in range(4)]
        await until(lambda: pool.waiting == 4)
        first.add_done_callback(lambda _: [waiter.cancel() for waiter in waiters[:3]])
        go.set()
        await first
        assert (await waiters[3]).status_code == 200
        results = await asyncio.gather(*waiters[:3], return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert (pool.in_flight, pool.waiting) == (0, 0)
    await pool.aclose()


@pytest.mark.parametrize("way", ["task", "wait_for", "anyio"])
@on_every_loop
async def test_hundreds_of_cancelled_requests_leave_nothing(
    way: str, tls: ssl.SSLContext | None, client_tls: ssl.SSLContext
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to repeat a failure
    dice = random.Random(seed)
    ended = 0

    async def answer(exchange: Exchange) -> None:
        await asyncio.sleep(dice.choice([0, 0, 0.001, 0.003]))
        data = ok(b"x" * dice.choice([1, 1, 70_000]))
        exchange.writer.write(data[:30])
        if dice.random() < 0.3:
            await asyncio.sleep(0)
        exchange.writer.write(data[30:])
        if dice.random() < 0.1:
            exchange.writer.close()

    async def worker(pool: Pool, server: Server) -> None:
        nonlocal ended
        for _ in range(25):
            limit = dice.choice([0, 0.0005, 0.001, 0.002, 0.004, 0.01])
            with contextlib.suppress(TimeoutError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if way == "wait_for":
                    await asyncio.wait_for(pool.handle_async_request(get(server.url)), limit)
                elif way == "anyio":
                    with anyio.move_on_after(limit):
                        await pool.handle_async_request(get(server.url))
                else:
                    task = asyncio.create_task(
                        pool.handle_async_request(get(server.url, pool=dice.choice([None, 0.001])))
                    )
                    await asyncio.sleep(limit)
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, httpx.PoolTimeout):
                        await task
            ended += 1

    pool = Pool(max_connections=5, verify=client_tls)
    async with Server(answer, tls=tls).running() as server:
        await asyncio.gather(*(worker(pool, server) for _ in range(12)))
        assert ended == 12 * 25
        assert (pool.in_flight, pool.waiting) == (0, 0)
        dice.choice = lambda options: options[0]  # type: ignore[method-assign,assignment]  # from here on all is well
        dice.random = lambda: 1.0  # type: ignore[method-assign]
        await asyncio.gather(*(pool.handle_async_request(get(server.url, pool=2.0)) for _ in range(20)))
        await until(lambda: server.open <= 5)
        await pool.aclose()
        await until(lambda: server.open == 0)


# The end


@on_every_loop
async def test_closing_closes_connections_and_may_be_repeated(
    tls: ssl.SSLContext | None, client_tls: ssl.SSLContext
) -> None:
    pool = Pool(verify=client_tls)
    async with Server(answering(ok()), tls=tls).running() as server:
        await asyncio.gather(*(fetch(pool, server) for _ in range(5)))
        assert server.open == server.connections > 0
        await pool.aclose()
        await until(lambda: server.open == 0)
        await pool.aclose()
        with pytest.raises(ConfigurationError, match="the client is closed"):
            await fetch(pool, server)
    assert (pool.in_flight, pool.waiting) == (0, 0)


async def test_an_unused_pool_closes() -> None:
    pool = Pool()
    await pool.aclose()
    await pool.aclose()
    with pytest.raises(ConfigurationError, match="the client is closed"):
        await pool.handle_async_request(get("http://localhost:9"))


@on_every_loop
async def test_closing_ends_requests_in_flight(tls: ssl.SSLContext | None, client_tls: ssl.SSLContext) -> None:
    async def answer(exchange: Exchange) -> None:
        if exchange.request.target == "/body":
            exchange.writer.write(ok(b"x" * 100)[:-50])
        if exchange.request.method == "POST":
            exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
        await exchange.reader.read()

    pool = Pool(max_connections=3, verify=client_tls)
    async with Server(answer, tls=tls, reads_body=False).running() as server:
        requests = [
            get(server.url),
            get(server.url + "/body"),
            httpx.Request("POST", server.url, content=bytes(10_000_000)),
            get(server.url + "/waits"),
        ]
        tasks = [asyncio.create_task(pool.handle_async_request(request)) for request in requests]
        await until(lambda: len(server.requests) == 3)
        await asyncio.sleep(0.01)
        assert (pool.in_flight, pool.waiting) == (3, 1)
        async with asyncio.timeout(1):
            await pool.aclose()
            errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [httpx.ReadError] * 3 + [httpx.ConnectError]
    assert all("the client was closed" in str(error) for error in errors)


async def test_closing_ends_a_request_that_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lambda *args, **options: asyncio.sleep(9))
    task = asyncio.create_task(pool.handle_async_request(get("http://api.example.com")))
    await until(lambda: pool.in_flight)
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        await pool.aclose()
        with pytest.raises(httpx.ConnectError, match="the client was closed"):
            await task


# Loops


@pytest.fixture
def runner(anyio_backend: tuple[str, dict[str, Any]]) -> Callable[[], asyncio.Runner]:
    """A new loop each time it is called."""
    return lambda: loops.runner(anyio_backend)


@pytest.fixture
def run(runner: Callable[[], asyncio.Runner]) -> Run:
    """`asyncio.run` on such a loop."""

    def run(main: Coroutine[Any, Any, None]) -> None:
        with runner() as new:
            new.run(main)

    return run


@on_every_loop
def test_each_loop_has_its_own_connections_and_closes_them(
    elsewhere: Server, client_tls: ssl.SSLContext, run: Run
) -> None:
    pool = Pool(verify=client_tls)  # outside of any loop
    for count in (1, 2, 3):
        run(fetch(pool, elsewhere, 3))
        assert elsewhere.connections == count
        wait_for_end(elsewhere)  # without aclose: the loop closes them when it ends
        assert pool.in_flight == 0

    async def close() -> None:
        await fetch(pool, elsewhere)
        await pool.aclose()

    run(close())
    wait_for_end(elsewhere)


@on_every_loop
def test_an_interrupted_loop_leaves_a_usable_pool(elsewhere: Server, client_tls: ssl.SSLContext, run: Run) -> None:
    pool = Pool(max_connections=1, verify=client_tls)

    async def interrupted() -> None:
        tasks = [asyncio.create_task(pool.handle_async_request(get(elsewhere.url))) for _ in range(3)]
        await asyncio.sleep(0)
        assert tasks
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupted())
    run(fetch(pool, elsewhere))
    wait_for_end(elsewhere)
    run(pool.aclose())


@on_every_loop
def test_a_stopped_loop_gives_way_to_another(
    elsewhere: Server, client_tls: ssl.SSLContext, run: Run, runner: Callable[[], asyncio.Runner]
) -> None:
    pool = Pool(verify=client_tls)
    with runner() as stopped:
        stopped.run(fetch(pool, elsewhere, 2))
        stopped.run(fetch(pool, elsewhere, 2))
        assert elsewhere.connections == 1  # the same loop again
        run(fetch(pool, elsewhere, 2))
        wait_for_end(elsewhere)  # those of the stopped loop as well
        stopped.run(fetch(pool, elsewhere, 2))  # and back
        assert elsewhere.connections == 3
    wait_for_end(elsewhere)


@on_every_loop
def test_closing_from_a_later_loop(
    elsewhere: Server, client_tls: ssl.SSLContext, run: Run, runner: Callable[[], asyncio.Runner]
) -> None:
    pool = Pool(verify=client_tls)
    run(fetch(pool, elsewhere))
    run(pool.aclose())
    other = Pool(verify=client_tls)
    with runner() as stopped:
        stopped.run(fetch(other, elsewhere))
        run(other.aclose())
        wait_for_end(elsewhere)
        with pytest.raises(ConfigurationError, match="the client is closed"):
            stopped.run(fetch(other, elsewhere))


@on_every_loop
def test_a_loop_closed_without_shutdown_leaves_no_connection(
    elsewhere: Server, client_tls: ssl.SSLContext, run: Run, anyio_backend: tuple[str, dict[str, Any]]
) -> None:
    pool = Pool(verify=client_tls)
    loop = anyio_backend[1]["loop_factory"]()
    loop.run_until_complete(fetch(pool, elsewhere))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        loop.close()  # without shutting down its generators, so that nothing could close the socket in time
        run(fetch(pool, elsewhere))
        del loop
        gc.collect()
    wait_for_end(elsewhere)
    run(pool.aclose())


@on_every_loop
def test_a_pool_that_is_garbage_collected_closes_itself(
    elsewhere: Server, client_tls: ssl.SSLContext, run: Run
) -> None:
    async def dropped() -> None:
        pool = Pool(verify=client_tls)
        await fetch(pool, elsewhere)
        del pool
        gc.collect()
        await until(lambda: elsewhere.open == 0)

    run(dropped())


@on_every_loop
def test_refuses_a_second_loop_while_the_first_runs(elsewhere: Server, client_tls: ssl.SSLContext, run: Run) -> None:
    pool = Pool(verify=client_tls)

    async def first() -> None:
        await fetch(pool, elsewhere)
        actions: list[Callable[[], Coroutine[Any, Any, None]]] = [lambda: fetch(pool, elsewhere), pool.aclose]
        for action in actions:
            with pytest.raises(ConfigurationError, match="one client per thread"):
                await asyncio.to_thread(_run_new, run, action)
        await fetch(pool, elsewhere)
        assert elsewhere.connections == 1

    run(first())


@on_every_loop
async def test_works_after_the_generators_of_its_loop_were_shut_down(
    elsewhere: Server, client_tls: ssl.SSLContext
) -> None:
    pool = Pool(verify=client_tls)
    await fetch(pool, elsewhere)
    await pool._connections.lifetime.aclose()  # type: ignore[union-attr]  # what loop.shutdown_asyncgens() does
    await fetch(pool, elsewhere)
    assert elsewhere.connections == 2
    await pool.aclose()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Pool()) as client:
        yield client


@on_every_loop
async def test_an_httpx_client_uses_and_closes_the_pool(client: httpx.AsyncClient) -> None:
    async with Server(answering(ok(b'{"a": 1}'))).running() as server:
        assert (await client.get(server.url, params={"q": "ü"})).json() == {"a": 1}
        await client.aclose()
        await until(lambda: server.open == 0)
