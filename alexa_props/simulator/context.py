"""One request on its way through the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
from starlette.datastructures import Headers, QueryParams

from alexa_props.simulator.calls import CallLog
from alexa_props.simulator.responses import Answer, Dialect, problem
from alexa_props.simulator.responses import Headers as AnswerHeaders
from alexa_props.simulator.service import Service

__all__ = ["Exchange", "Handler"]


@attrs.define(eq=False)
class Exchange:
    """A request that was read, and what was found out about it so far.

    Attributes:
        service: The simulated service.
        operation: The operation's name.
        dialect: How errors are reported.
        method: The HTTP method.
        path: The path as it was sent, still percent-encoded.
        raw_query: The query as it was sent.
        query: The query.
        headers: The request's headers.
        body: The request's body.
        request_id: The id that the answer will carry.
        time: When it arrived, by the monotonic clock.
        log: Where its record goes.
        unit_id: The unit it is about.
        endpoint_id: The endpoint it is about.
        device_id: The device it is about.
        key: The setting it is about.
        authorization: How the caller proves itself.
        json: What to record of the body.
    """

    service: Service
    operation: str
    dialect: Dialect
    method: str
    path: str
    raw_query: str
    query: QueryParams
    headers: Headers
    body: bytes
    request_id: str
    time: float
    log: CallLog
    unit_id: str | None = None
    endpoint_id: str | None = None
    device_id: str | None = None
    key: str = ""
    authorization: str | None = None
    json: object = None

    def problem(self, status: int, message: str, code: str | None = None, headers: AnswerHeaders = ()) -> Answer:
        """An error in the dialect of this request."""
        return problem(self.dialect, status, message, code, headers)


Handler: TypeAlias = Callable[[Exchange], Answer]
