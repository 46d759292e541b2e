"""What a row of the wire table is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from alexa_props import AlexaForBusiness, SmartProperties

__all__ = ["LAST_PAGE", "Clients", "Wire"]


@attrs.frozen
class Clients:
    """What a call is made on: both clients, and an id of each kind."""

    asp: SmartProperties
    a4b: AlexaForBusiness
    room: str = "room-1"
    endpoint: str = "endpoint-1"
    device: str = "device-1"
    organization: str = "organization-1"
    spare: list[str] = attrs.field(factory=lambda: ["room-2"])
    """Units without others below them, to be deleted."""
    others: Mapping[str, str] = attrs.field(factory=dict)
    """Ids of further kinds, from the `IDS` of the groups' files: `on.skill` is "skill-1" or an id in the simulator."""

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.others.get(name, f"{name.replace('_', '-')}-1")


@attrs.frozen
class Wire:
    """One row: a call and what it becomes."""

    call: Callable[[Clients], Any]
    request: str
    """Method, path and query; for Alexa for Business also the `X-Amz-Target`."""
    idempotent: bool | None = attrs.field(default=None, kw_only=True)
    """Whether it may be sent twice. None: all but a POST, and everything of Alexa for Business."""
    body: Any = None
    """JSON of the request; None if it has no body."""
    response: Any = None
    """JSON of the response; None if it is a 204."""
    result: Any = None
    """What the call returns; for a list, all its items."""


LAST_PAGE = {"paginationContext": {"nextToken": None}}
