"""One login of several real processes, in a folder and in Redis: one token request serves them all."""

from __future__ import annotations

import json
import socket
import sys
import textwrap
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from alexa_props import SharedTokens
from alexa_props.simulator import Simulator
from tests.auth.test_refresh_lock import Lines
from tests.servers import needs_redis, redis_server

ROOT = Path(__file__).parents[2]
PROCESSES, CLIENTS = 4, 10

PROGRAM = """
    import asyncio, json, sys
    from alexa_props import HostShared, LoginWithAmazon, RateLimit, RedisShared, SharedTokens, SmartProperties

    facts = json.loads(sys.stdin.readline())

    async def main():
        if facts["folder"]:
            shared = HostShared(facts["folder"])
        else:
            shared = RedisShared(facts["redis"], name="hotel-group")
        clients = [
            SmartProperties(
                auth=LoginWithAmazon(**facts["login"], token_store=SharedTokens(shared, facts["key"])),
                base_url=facts["base_url"],
                rate_limit=RateLimit(per_second=1e6),
            )
            for _ in range(facts["clients"])
        ]
        print(flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            calls = [client.units.get(facts["room"]) for client in clients for _ in range(5)]
            ends = await asyncio.gather(*calls, return_exceptions=True)
            print(json.dumps([str(end) for end in ends if isinstance(end, BaseException)]), flush=True)
        for client in clients:
            await client.aclose()
        await shared.aclose()

    asyncio.run(main())
"""


class Group:
    """Processes that call at the same time."""

    def __init__(self, children: list[Any]) -> None:
        self._children = children
        self._outputs = [Lines(child.stdout) for child in children]

    @classmethod
    async def started(cls, stack: AsyncExitStack, facts: dict[str, Any]) -> Group:
        command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
        group = cls(
            [
                await stack.enter_async_context(await anyio.open_process(command, stderr=None, cwd=ROOT))
                for _ in range(PROCESSES)
            ]
        )
        await group._send(json.dumps(facts))
        assert await group._lines() == [""] * PROCESSES
        return group

    async def failures(self) -> list[str]:
        """Let all clients call; return the errors."""
        await self._send("")
        return [error for line in await self._lines() for error in json.loads(line)]

    async def end(self) -> None:
        for child in self._children:
            await child.stdin.aclose()
            assert await child.wait() == 0

    async def _send(self, line: str) -> None:
        for child in self._children:
            await child.stdin.send(f"{line}\n".encode())

    async def _lines(self) -> list[str]:
        return [await output.next() for output in self._outputs]


@pytest.mark.apart
@pytest.mark.parametrize("store", ["folder", pytest.param("redis", marks=needs_redis)])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_forty_clients_of_four_processes_request_one_token(store: str, tmp_path: Path) -> None:
    key = SharedTokens.new_key()
    async with AsyncExitStack() as stack:
        facts: dict[str, Any] = {"folder": None, "redis": None, "key": None, "clients": CLIENTS}
        monitor = None
        if store == "folder":
            facts["folder"] = str(tmp_path / "shared")
        else:
            server = stack.enter_context(redis_server(tmp_path))
            facts |= {"redis": server.url, "key": key}
            monitor = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            monitor.sendall(b"MONITOR\r\n")
            assert monitor.recv(100).startswith(b"+OK")
        sim = await stack.enter_async_context(Simulator(rooms=1, rotate_refresh_tokens=True))
        await stack.enter_async_context(sim.serve())
        sim.latency(0.3, operation="token")
        given = sim.refresh_token
        facts["login"] = {
            "client_id": sim.client_id,
            "client_secret": sim.client_secret,
            "refresh_token": given,
            "token_url": sim.token_url,
        }
        facts |= {"base_url": sim.base_url, "room": sim.rooms[0]}
        group = await Group.started(stack, facts)
        assert await group.failures() == []
        assert (sim.count("token"), sim.count("token", 200)) == (1, 1), "a cold start"
        late = await Group.started(stack, facts)
        assert await late.failures() == []
        assert sim.count("token") == 1, "a later start"
        sim.expire_tokens()
        assert await group.failures() == []
        assert (sim.count("token"), sim.count("token", 200)) == (2, 2), "all access tokens were revoked"
        assert await late.failures() == []
        assert sim.count("token") == 2
        await group.end()
        await late.end()
        if monitor is None:
            files = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
            assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
            assert any(sim.refresh_token.encode() in path.read_bytes() for path in files)
        else:
            shown = everything_from(monitor)
            assert b":token:" in shown
            canaries = (given, sim.refresh_token, given[:12], "Atza|", "Atzr|", sim.client_secret, sim.client_id, key)
            for canary in canaries:
                assert canary.encode() not in shown, canary


def everything_from(connection: socket.socket) -> bytes:
    """Return what was sent so far."""
    connection.setblocking(False)
    shown = b""
    try:
        while chunk := connection.recv(1 << 20):
            shown += chunk
    except BlockingIOError:
        return shown
    return shown
