"""The wire table: every operation with a call, its exact request, a response and the result, one file per API group.

A row's key is the name of its operation; what follows a comma says what is special about another row of the same one.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import attrs
import httpx

from alexa_props import AlexaForBusiness, RateLimit, RetryPolicy, SmartProperties
from alexa_props.operation import Operation
from alexa_props.simulator import Simulator
from tests.wire.row import Clients, Wire

__all__ = [
    "CALLS",
    "CLASSES",
    "DELETIONS",
    "ONCE",
    "OPERATIONS",
    "WIRE",
    "Action",
    "Clients",
    "Wire",
    "canned",
    "clients",
    "with_id",
]

Action: TypeAlias = Callable[[Clients], Awaitable[Any]]

OPERATIONS: Final[dict[str, Operation[Any]]] = {
    row.name: row for row in (*SmartProperties.operations(), *AlexaForBusiness.operations())
}
"""All operations of both services."""


def _rows() -> Mapping[str, Wire]:
    groups = (importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__))
    return {key: row for group in groups for key, row in getattr(group, "WIRE", {}).items()}


WIRE: Final = _rows()
"""All rows."""
CALLS: Final[dict[str, Action]] = {key: row.call for key, row in WIRE.items() if "," not in key}
"""One call per operation."""
DELETIONS: Final = [name for name in CALLS if name in OPERATIONS and OPERATIONS[name].per_endpoint]

CLASSES: Final = {
    "read": "units.get",
    "nullable read": "unit_settings.get_default_music_station",
    "list by GET": "units.list",
    "create": "units.create",
    "POST that adds": "features.adjust_volume",
    "idempotent POST": "notifications.delete_many",
    "put": "units.update",
    "delete": "units.delete",
    "delete per endpoint": "alerts.delete_alarms",
    "read of a device": "endpoints.get",
    "write to a device": "features.set_volume",
    "read of Alexa for Business": "devices.get",
    "search of Alexa for Business": "devices.search",
}
"""Classes of operations, each with the one that stands for it. Rules are tested on these, not on all operations."""

ONCE: Final = RetryPolicy(max_attempts=1, max_retry_after=0)
"""One attempt, also if the service throttles and asks to wait."""


def clients(sim: Simulator, retry: RetryPolicy = ONCE, rate_limit: RateLimit | None = None) -> Clients:
    """Return clients on a simulator, with ids that exist there."""
    return Clients(
        asp=sim.smart_properties(retry=retry, rate_limit=rate_limit),
        a4b=sim.for_business(retry=retry, rate_limit=rate_limit),
        room=sim.rooms[0],
        endpoint=sim.endpoints[0],
        device=sim.devices[0],
        organization=sim.organization_id,
        spare=sim.rooms[1:],
    )


@asynccontextmanager
async def canned(status: int, body: object, headers: Mapping[str, str] | None = None) -> AsyncIterator[Clients]:
    """Yield clients whose service always sends this response; bytes are sent verbatim, None is no body."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    # With `ONCE`, a throttled attempt that asks to wait ends the call.
    sent = {"X-Amzn-RequestId": "r-1", "Retry-After": "1", **(headers or {})}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content, headers=sent))
    auth = httpx.BasicAuth("anybody", "anything")
    async with (
        SmartProperties(auth=auth, transport=transport, retry=ONCE) as asp,
        AlexaForBusiness(auth=auth, transport=transport, retry=ONCE) as a4b,
    ):
        yield Clients(asp, a4b)


def with_id(on: Clients, one_id: Any) -> Clients:
    """Return the clients with this id in place of every id."""
    ids = {field.name: one_id for field in attrs.fields(Clients) if field.name not in ("asp", "a4b", "spare")}
    return attrs.evolve(on, **ids, spare=[one_id])
