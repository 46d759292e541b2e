"""Processes that share a login, in one process: only the records of their store are shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import LoginWithAmazon, RateLimit, SharedTokens, errors
from tests.auth.stores import Strict
from tests.helpers import Amazon, get, smart_properties
from tests.shared.memory import MemoryShared

INSTANT = RateLimit(per_second=1e6)
KEY, OTHER_KEY = SharedTokens.new_key(), SharedTokens.new_key()
GIVEN = "Atzr|secret-refresh"


class Process:
    """A process: its connection to the store, and a client."""

    def __init__(
        self, amazon: httpx.AsyncBaseTransport, shared: MemoryShared, *, key: Any = KEY, refresh_token: str = GIVEN
    ) -> None:
        self.store = shared.another()
        self.auth = LoginWithAmazon(
            client_id="amzn1.application-oa2-client.one",
            client_secret="secret-of-the-client",
            refresh_token=refresh_token,
            token_store=SharedTokens(self.store, key),
        )
        self.client = smart_properties(amazon, auth=self.auth, rate_limit=INSTANT)

    async def call(self) -> Any:
        return await get(self.client)

    async def error(self) -> errors.AuthenticationError:
        with pytest.raises(errors.AuthenticationError) as caught:
            await self.call()
        return caught.value


def processes(number: int, amazon: Strict, shared: MemoryShared, **options: Any) -> list[Process]:
    return [Process(amazon, shared, **options) for _ in range(number)]


def sent(amazon: Amazon) -> list[str]:
    """Return the refresh tokens of all token requests."""
    return [seen.form["refresh_token"].removeprefix("Atzr|") for seen in amazon.token.seen]


async def killed(amazon: Strict, shared: MemoryShared, endpoint: Callable[[httpx.Request], Any]) -> None:
    """Kill a process while it waits for the token endpoint."""
    give = amazon.token.script[:]
    arrived = anyio.Event()

    def arrive(request: httpx.Request) -> Any:
        arrived.set()
        return endpoint(request)

    amazon.token.script[:] = [arrive, *give]
    doomed = Process(amazon, shared)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(doomed.call)
        await arrived.wait()
        # Whatever runs when it is cancelled has no effect, as after a SIGKILL.
        doomed.store.down = "killed"
        tasks.cancel_scope.cancel()
    amazon.token.script[:] = give
