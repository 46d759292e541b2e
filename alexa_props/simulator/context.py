"""One request on its way through the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs
from starlette.datastructures import Headers, QueryParams

from alexa_props.simulator.calls import CallLog
from alexa_props.simulator.responses import Dialect, Response
from alexa_props.simulator.service import Service
from alexa_props.simulator.subjects import Subjects, subjects_of

__all__ = ["Context", "Handler"]


def _subjects(context: Context) -> Subjects:
    return subjects_of(context.params, context.json, context.query)


@attrs.define(eq=False)
class Context:
    """A request that has been read, and what is known about it."""

    service: Service
    operation: str
    dialect: Dialect
    """How errors are reported."""
    method: str
    path: str
    """As it was sent, still percent-encoded."""
    params: Mapping[str, str]
    """The values of the path's parameters, decoded."""
    raw_query: str
    query: QueryParams
    headers: Headers
    body: bytes
    json: object
    """The parsed body, if it may be recorded; None if it is not JSON."""
    request_id: str
    time: float
    """When it arrived, on the monotonic clock."""
    log: CallLog
    """Where it is recorded."""
    authorization: str | None = None
    """How the caller authenticates."""
    about: Subjects = attrs.field(init=False, default=attrs.Factory(_subjects, takes_self=True))
    """The unit, endpoint and device that the request is about."""

    @property
    def effective_from(self) -> float:
        """When its effect shows, on the monotonic clock: see `Simulator.delay_effect`."""
        return self.time + self.service.effect_delay_of(self.operation)


Handler: TypeAlias = Callable[[Context], Response]
