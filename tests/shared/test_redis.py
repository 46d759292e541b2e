"""A Redis or Valkey server: what it stores, what becomes of its failures, and whose connections they are."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import pickle
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from alexa_props.errors import ConfigurationError
from alexa_props.shared import RedisShared, SharedUnavailable
from alexa_props.shared import redis as module
from tests.property.cancelling import CountingLoop
from tests.servers import RedisServer, needs_redis, redis_server
from tests.shared.test_contract import Cancelled
from tests.shared.worker import count

redis = pytest.importorskip("redis.asyncio")
PASSWORD = "canary%2Fpass"
"""Quoted for a URL."""


async def get(shared: RedisShared, key: str = "key") -> bytes | None:
    return await shared.update(key, lambda record, _: (None, record))


async def reason(shared: RedisShared) -> str:
    with pytest.raises(SharedUnavailable) as caught:
        await shared.update("key", count)
    assert str(caught.value).startswith(f"{shared.name}: ")
    assert "canary" not in shown(caught.value)
    return str(caught.value).removeprefix(f"{shared.name}: ")


def shown(error: BaseException | None) -> str:
    """Return all that a tool shows of an error: messages, causes, and the values of local names."""
    text = ""
    while error is not None:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True)
        text += repr(error) + "".join(
            # Frames of the tests hold the URL.
            f"{frame.name} {frame.locals}"
            for frame in frames.stack
            if "/tests/" not in frame.filename
        )
        error = error.__cause__ or error.__context__
    return text


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RedisServer]:
    """Return a server with a password, which no other test uses."""
    with redis_server(tmp_path, "--requirepass", "canary/pass") as server:
        yield server


# Settings


def test_an_invalid_url_is_refused_without_repeating_it() -> None:
    for url in (
        "",
        "http://127.0.0.1",
        "cache.internal:6379",
        "redis://user:canary/pass@host:6379/0",
        "redis://:canary@host:port",
        "redis://:canary@host?wrong_option=canary",
        "redis://:canary@host?socket_timeout=canary",
    ):
        with pytest.raises(ConfigurationError, match="invalid") as caught:
            RedisShared(url, name="account")
        assert "canary" not in shown(caught.value), url


def test_an_invalid_name_is_refused() -> None:
    names: list[Any] = ["", "two words", "{a}", "a}b", "ü", 1]
    for name in names:
        with pytest.raises(ConfigurationError, match="name"):
            RedisShared("redis://127.0.0.1", name=name)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("rediss://user:canary@cache.internal:7000/2", "hotel on cache.internal:7000"),
        ("redis://cache.internal?password=canary", "hotel on cache.internal:6379"),
        ("redis://", "hotel on localhost:6379"),
        ("unix://user:canary@/run/redis.sock", "hotel on /run/redis.sock"),
    ],
)
def test_its_name_shows_the_server_without_a_password(url: str, name: str) -> None:
    shared = RedisShared(url, name="hotel")
    assert (shared.name, repr(shared)) == (name, f"RedisShared({name!r})")
    assert shared == RedisShared(url, name="hotel")
    assert len({shared, RedisShared(url, name="hotel"), RedisShared(url, name="other")}) == 2
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(shared)


def test_a_missing_redis_py_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"alexa-props\[redis\]"):
        RedisShared("redis://127.0.0.1", name="account")


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_referred_to_the_other_store(anyio_backend: str) -> None:
    shared = RedisShared("redis://127.0.0.1", name="account")
    with pytest.raises(ConfigurationError, match="asyncio"):
        await shared.update("key", count)
    await shared.aclose()


# What is stored


@needs_redis
async def test_keys_name_the_account_and_only_what_can_be_learned_again_expires(server: RedisServer) -> None:
    shared, other = RedisShared(server.url, name="hotel"), RedisShared(server.url, name="other")
    for key in ("limit:1:units.list", "token:1"):
        assert await shared.update(key, count) == 1
        assert await shared.update(key, count) == 2
        assert await other.update(key, count) == 1
    async with redis.from_url(server.url) as client:
        ttl = {key: await client.pttl(f"alexa-props:{{hotel}}:{key}") for key in ("limit:1:units.list", "token:1")}
        await client.delete("alexa-props:{hotel}:token:1")
    await other.aclose()
    assert ttl["token:1"] == -1
    assert 6.9 < ttl["limit:1:units.list"] / (24 * 3600 * 1000) <= 7
    assert await shared.update("token:1", count) == 1
    await shared.aclose()


@needs_redis
async def test_an_undisturbed_update_takes_one_trip_and_a_disturbed_one_two(server: RedisServer) -> None:
    shared, other = RedisShared(server.url, name="trips"), RedisShared(server.url, name="trips")

    async def trips() -> int:
        async with redis.from_url(server.url) as client:
            commands = await client.info("commandstats")
            return sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))

    await shared.update("key", count)
    await other.update("key", count)
    before = await trips()
    assert await shared.update("key", count) == 3
    assert await trips() == before + 2
    for number in range(10):
        assert await shared.update("key", count) == 4 + number
    assert await trips() == before + 12
    await shared.aclose()
    await other.aclose()


@needs_redis
async def test_the_clock_is_the_servers(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = RedisShared(server.url, name="account")
    # The clock of this host is wrong.
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert shared.now() == 1000.0
    assert shared.distance is None
    now = await shared.update("key", lambda record, now: (None, now))
    monkeypatch.undo()
    # The first trips are slow because a process starts.
    assert shared.distance is None
    for _ in range(5):
        await shared.update("key", lambda record, now: (b"", now))
    distance = shared.distance
    assert distance is not None
    assert now == pytest.approx(time.time(), abs=5)
    before, found, after = time.time(), shared.now(), time.time()
    assert before - distance <= found <= after + distance
    await shared.aclose()


def test_a_trip_corrects_the_clock_only_as_far_as_it_proves() -> None:
    clock = module._Clock()
    clock.set(100.0, 100.2, 5000.0)
    assert clock._ahead == pytest.approx(4899.9)
    clock.set(200.0, 200.01, 5099.95)  # between 4899.94 and 4899.95
    assert clock._ahead == pytest.approx(4899.94)
    clock.set(300.0, 301.0, 5200.5)  # a slow one proves nothing new
    assert clock._ahead == pytest.approx(4899.94)
    clock.set(400.0, 400.01, 5200.0)  # another server's clock
    assert clock._ahead == pytest.approx(4800.0)
    clock.set(500.0, 500.02, 5300.0)
    assert clock.distance == pytest.approx(0.01)


# Failures


@needs_redis
async def test_a_server_that_was_killed_comes_back_empty(own: RedisServer) -> None:
    shared = RedisShared(f"redis://:{PASSWORD}@127.0.0.1:{own.port}", name="account")
    assert [await shared.update("key", count, patience=2) for _ in range(3)] == [1, 2, 3]
    own.kill()
    for _ in range(3):
        assert "ConnectionError" in await reason(shared)
    own.start()
    assert await shared.update("key", count, patience=2) == 1
    await shared.aclose()


@needs_redis
async def test_a_wrong_password_is_named_as_the_reason(own: RedisServer) -> None:
    wrong = RedisShared(f"redis://:{PASSWORD}x@127.0.0.1:{own.port}", name="account")
    none = RedisShared(own.url, name="account")
    assert (await reason(wrong)).startswith("the server refused the user name or the password")
    assert (await reason(none)).startswith("the server refused the user name or the password")


@needs_redis
async def test_a_replica_a_full_server_and_a_server_that_loads_are_named_as_the_reason(own: RedisServer) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:{own.port}"
    shared = RedisShared(url, name="account")
    async with redis.from_url(url) as client:
        await shared.update("key", count, patience=2)
        await client.replicaof("127.0.0.1", "1")
        assert "read only replica" in await reason(shared)
        await client.replicaof("NO", "ONE")
        await client.config_set("maxmemory", "1")
        assert "maxmemory" in await reason(shared)
        await client.config_set("maxmemory", "0")
        await client.script_flush()
        assert await shared.update("key", count) == 2
        await client.lpush("alexa-props:{account}:list", "x")
        with pytest.raises(SharedUnavailable, match="WRONGTYPE"):
            await shared.update("list", count)
    await shared.aclose()


@needs_redis
async def test_a_connection_that_the_server_closed_while_idle_is_replaced(server: RedisServer) -> None:
    shared = RedisShared(server.url, name="idle")
    async with redis.from_url(server.url) as client:
        await shared.update("key", count, patience=2)
        for number in range(3):
            await client.client_kill_filter(_type="normal", skipme=True)
            await anyio.sleep(0.05)
            assert await shared.update("key", count) == number + 2
    await shared.aclose()


async def test_a_server_that_does_not_respond_like_redis_is_unavailable() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await reason(RedisShared(f"redis://:{PASSWORD}@127.0.0.1:{port}", name="account"))


@needs_redis
async def test_the_password_is_in_no_log(own: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shared = RedisShared(f"redis://:{PASSWORD}@127.0.0.1:{own.port}", name="account")
    await shared.update("key", count, patience=2)
    own.kill()
    await reason(shared)
    assert "canary" not in caplog.text + repr(vars(shared))


# Connections


@needs_redis
async def test_closing_lets_updates_in_flight_end(server: RedisServer) -> None:
    shared = RedisShared(server.url, name="closing")
    async with redis.from_url(server.url) as client:
        before = len(await client.client_list())

    async def work() -> None:
        for _ in range(30):
            await shared.update("key", count, patience=10)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(work)
        for _ in range(10):
            await anyio.sleep(0.005)
            await shared.aclose()
    assert await get(shared) is not None
    assert await shared.update("key", count) == 151
    await shared.aclose()
    async with redis.from_url(server.url) as client:
        assert len(await client.client_list()) == before


@needs_redis
def test_nothing_is_left_of_an_event_loop_that_ended_without_closing(server: RedisServer) -> None:
    shared = RedisShared(server.url, name="ended")
    for number in range(3):
        assert asyncio.run(shared.update("key", count, patience=10)) == number + 1
        gc.collect()  # unclosed sockets would warn, which is an error here


@needs_redis
async def test_a_given_client_is_used_and_not_closed(server: RedisServer) -> None:
    # Records are bytes even if it decodes.
    async with redis.from_url(server.url, decode_responses=True) as client:
        shared = RedisShared(client, name="given")
        assert shared.name == "given on a given client"
        record = bytes(range(256))
        await shared.update("key", lambda *_: (record, None), patience=2)
        assert await RedisShared(client, name="given").update("key", lambda old, _: (None, old)) == record
        await shared.aclose()
        assert await client.ping()
        assert shared == RedisShared(client, name="given")
        assert shared != RedisShared(server.url, name="given")


@needs_redis
def test_a_given_client_stays_with_its_event_loop(server: RedisServer) -> None:
    client = redis.from_url(server.url)
    shared = RedisShared(client, name="elsewhere")
    with asyncio.Runner() as runner:
        runner.run(shared.update("key", count, patience=10))
        with pytest.raises(ConfigurationError, match="another event loop"):
            in_a_thread(shared)
        runner.run(client.aclose())


def in_a_thread(shared: RedisShared) -> None:
    anyio.run(anyio.to_thread.run_sync, lambda: asyncio.run(shared.update("key", count)))


@needs_redis
def test_a_given_client_stays_with_its_process(server: RedisServer) -> None:
    client = redis.from_url(server.url)
    shared = RedisShared(client, name="forked")
    with asyncio.Runner() as runner:
        runner.run(shared.update("key", count, patience=10))
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                with pytest.raises(ConfigurationError, match="forked"):
                    asyncio.run(shared.update("key", count, patience=10))
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert runner.run(shared.update("key", count, patience=10)) == 2
        runner.run(client.aclose())


@needs_redis
@pytest.mark.parametrize("way", ["task", "scope"])
def test_a_cancelled_update_reads_its_response(server: RedisServer, way: str) -> None:
    loop, shared = CountingLoop(), RedisShared(server.url, name=f"cancelled by {way}".replace(" ", "-"))

    async def connections() -> int:
        async with redis.from_url(server.url) as client:
            stats = await client.info("stats")
            return int(stats["total_connections_received"])

    async def cancel(at: int) -> None:
        await Cancelled(loop, way, at).run(shared, "key")

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(shared.update("key", count, patience=10))
        before = runner.run(connections())
        for at in range(10):
            runner.run(cancel(at))
        # A connection with an unread response would have been replaced.
        assert runner.run(connections()) == before + 1
        runner.run(shared.aclose())


@needs_redis
async def test_a_cluster_client_works(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--cluster-enabled", "yes") as server:
        async with redis.from_url(server.url) as node:
            await node.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            give_up_at = time.monotonic() + 60
            while b"cluster_state:ok" not in await node.execute_command("CLUSTER", "INFO", NEVER_DECODE=True):
                assert time.monotonic() < give_up_at
                await anyio.sleep(0.05)
        async with redis.RedisCluster.from_url(server.url) as client:
            shared = RedisShared(client, name="hotel")
            for key in ("limit:1:units.list", "limit:1:endpoints.list", "token:1"):
                assert [await shared.update(key, count, patience=5) for _ in range(2)] == [1, 2]
