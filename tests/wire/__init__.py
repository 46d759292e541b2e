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
    "IDS",
    "ID_NAMES",
    "MODELS",
    "ONCE",
    "OPERATIONS",
    "WIRE",
    "Action",
    "Clients",
    "Wire",
    "canned",
    "clients",
    "with_id",
    "with_ids",
]

Action: TypeAlias = Callable[[Clients], Awaitable[Any]]

OPERATIONS: Final[dict[str, Operation[Any]]] = {
    row.name: row for row in (*SmartProperties.operations(), *AlexaForBusiness.operations())
}
"""All operations of both services."""


def _collect(name: str) -> dict[str, Any]:
    groups = (importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__))
    return {key: value for group in groups for key, value in getattr(group, name, {}).items()}


WIRE: Final[Mapping[str, Wire]] = _collect("WIRE")
"""All rows."""
IDS: Final[Mapping[str, Callable[[Simulator], str]]] = _collect("IDS")
"""Ids of further kinds, each with what returns one that exists in a simulator: `on.skill` is that of "skill"."""
MODELS: Final[Mapping[str, Any]] = _collect("MODELS")
"""For ids of further kinds that have a model: the model with the id that rows have, such as "skill-1"."""
ID_NAMES: Final = ("room", "endpoint", "device", "organization", "spare", *IDS)
"""Names of all kinds of ids."""
CALLS: Final[dict[str, Action]] = {key: row.call for key, row in WIRE.items() if "," not in key}
"""One call per operation."""
DELETIONS: Final = [
    name
    for name in CALLS
    if name in OPERATIONS and OPERATIONS[name].per_endpoint and OPERATIONS[name].subject == "unit_id"
]
"""Bulk deletions on all devices of a unit."""

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
        others={name: find(sim) for name, find in IDS.items()},
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
    return with_ids(on, dict.fromkeys(ID_NAMES, one_id))


def with_ids(on: Clients, ids: Mapping[str, Any]) -> Clients:
    """Return the clients with other ids of these kinds."""
    others = {name: one_id for name, one_id in ids.items() if name in IDS}
    own: Any = {name: [one_id] if name == "spare" else one_id for name, one_id in ids.items() if name not in IDS}
    return attrs.evolve(on, **own, others={**on.others, **others})
