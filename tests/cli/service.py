"""A simulator on a socket in a thread of the tests, scripted through its control routes as from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs
import httpx
from anyio.from_thread import start_blocking_portal

from alexa_props import LoginWithAmazon, SmartProperties
from alexa_props.simulator import Simulator

T = TypeVar("T")

FACTS = (
    *("base_url", "token_url", "client_id", "client_secret", "refresh_token"),
    *("aws_access_key_id", "aws_secret_access_key", "aws_region", "organization_id"),
)


@attrs.frozen
class Service:
    """The simulator, scripted from outside."""

    facts: dict[str, str]
    http: httpx.Client
    env: Callable[[], dict[str, str]]

    def script(self, what: str, **values: Any) -> None:
        response = self.http.post(f"/_simulator/{what}", json=values)
        assert response.is_success, response.text

    def calls(self, operation: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/_simulator/calls", params={"operation": operation}).json()[
            "calls"
        ]
        return found

    def call(self, change: Callable[[SmartProperties], Coroutine[Any, Any, T]]) -> T:
        """Call the service as another client would, and return the result."""

        async def run() -> T:
            auth = LoginWithAmazon(
                client_id=self.facts["client_id"],
                client_secret=self.facts["client_secret"],
                refresh_token=self.world["refresh_token"],
                token_url=self.facts["token_url"],
            )
            async with SmartProperties(auth=auth, base_url=self.facts["base_url"]) as asp:
                return await change(asp)

        return asyncio.run(run())

    @property
    def world(self) -> dict[str, Any]:
        world: dict[str, Any] = self.http.get("/_simulator").json()
        return world

    @property
    def environment(self) -> dict[str, str]:
        """The variables that commands read, with the latest refresh token."""
        return self.env()


@contextmanager
def serving(rooms: int, properties: int = 1) -> Iterator[Service]:
    """Serve a simulator in a thread."""
    sim = Simulator(rooms=rooms, properties=properties, endpoints_per_room=2, seed=7)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(sim),
        portal.wrap_async_context_manager(sim.serve()),
    ):
        facts = {name: getattr(sim, name) for name in FACTS}
        with httpx.Client(base_url=sim.base_url, timeout=30) as http:
            yield Service(facts, http, sim.env)
