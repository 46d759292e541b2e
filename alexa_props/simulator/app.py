"""The ASGI application, and the path of a call through it."""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable, Mapping
from datetime import UTC
from email.utils import format_datetime
from typing import Final
from urllib.parse import unquote

import attrs
from starlette.datastructures import Headers
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

# Importing these three registers their routes.
from alexa_props.simulator import for_business, login_with_amazon, smart_properties  # noqa: F401
from alexa_props.simulator.admin import admin_app
from alexa_props.simulator.authorization import authorize
from alexa_props.simulator.calls import Call
from alexa_props.simulator.checks import parse_json
from alexa_props.simulator.context import Context
from alexa_props.simulator.faults import Fault, deliver
from alexa_props.simulator.operations import UNKNOWN
from alexa_props.simulator.receiving import as_sent, path_in_app, query_of, read_body
from alexa_props.simulator.responses import Dialect, Problem, Response, allow, problem_response, unmatched
from alexa_props.simulator.routes import TABLE, Route
from alexa_props.simulator.service import Service

__all__ = ["ROUTES", "TARGETS", "build_app"]

ROUTES: Final[Mapping[str, tuple[str, str]]] = {
    each.operation: (each.method, each.path)
    for each in TABLE.operations.values()
    if each.dialect in ("smart_properties", "alerts")
}
"""Smart Properties: operation name to method and path template."""

TARGETS: Final[Mapping[str, str]] = {each.operation: target for target, each in TABLE.targets.items()}
"""Alexa for Business: operation name to `X-Amz-Target`."""

# Bodies are small here; the rest of a larger one is read and discarded.
_LARGEST_BODY = 1 << 20
_HIDDEN: Final = "\N{HORIZONTAL ELLIPSIS}"


def _not_found(context: Context) -> Response:
    raise Problem(404, f"There is nothing at {context.path}.", None, unmatched("path"))


def _not_allowed(methods: Iterable[str], context: Context) -> Response:
    text = f"{context.method} is not allowed at {context.path}."
    raise Problem(405, text, None, allow(methods), unmatched("method"))


def _unknown_target(_: Context) -> Response:
    raise Problem(400, "There is no such operation.", "UnknownOperationException", unmatched("target"))


def _resolve(method: str, path: str, query: Container[str], target: str) -> tuple[Route, Mapping[str, str]]:
    """Return the route of a request and its parameters. What matches nothing gets a route that says so."""
    # HEAD is GET without the body, which is omitted on delivery.
    method = "GET" if method == "HEAD" else method
    if path == "/":
        if method != "POST":
            return Route(UNKNOWN, method, path, functools.partial(_not_allowed, ["POST"]), "for_business"), {}
        return TABLE.targets.get(target) or Route(UNKNOWN, method, path, _unknown_target, "for_business"), {}
    match = TABLE.find(path)
    if match is None:
        return Route(UNKNOWN, method, path, _not_found), {}
    one = next(iter(match.routes.values()))
    route = match.route(method, query)
    if route is None:
        route = Route(UNKNOWN, method, one.path, functools.partial(_not_allowed, match.routes), one.dialect)
    # Ids in a path are percent-encoded, so that one with a slash stays one segment.
    return route, dict(zip(route.parameters, map(unquote, match.values), strict=True))


def _parsed(route: Route, method: str, body: bytes) -> object:
    """Return the body as JSON: only that of a known operation, since any other may hold misdirected credentials."""
    if route.operation == UNKNOWN or route.dialect == "login" or method in ("GET", "HEAD"):
        return None
    try:
        return parse_json(body)
    except ValueError:
        return None


def _admit(context: Context) -> None:
    """Check what precedes every handler: the size of the body, the credentials and the quota."""
    if len(context.body) > _LARGEST_BODY:
        code = "RequestEntityTooLargeException" if context.dialect == "for_business" else "REQUEST_TOO_LARGE"
        raise Problem(413, "The body is too large.", code)
    authorize(context)
    quota = context.service.quotas.refusal(context.operation, context.time)
    if quota is not None:
        headers = () if quota.retry_after is None else (("retry-after", f"{quota.retry_after:.16g}"),)
        status = 400 if context.dialect == "for_business" else 429
        codes: dict[Dialect, str] = {"for_business": "ThrottlingException", "login": "slow_down"}
        raise Problem(status, "Rate exceeded", codes.get(context.dialect), *headers)


async def _respond(context: Context, route: Route, fault: Fault | None) -> Response | None:
    """Return the response to a call, or None if it gets none."""
    if fault is not None and fault.kind == "drop_before":
        return None
    # A scripted response replaces every other one; the credentials are checked anyway, for the record.
    response = fault.response(context.dialect) if fault is not None else None
    try:
        _admit(context)
    except Problem as problem:
        response = response or problem_response(context.dialect, problem)
    latency = context.service.latency_of(context.operation)
    if latency:
        await context.service.sleep(latency)
        if context.log is not context.service.log:
            # The service was reset meanwhile: a late call must not change the new state.
            return None
    if response is not None:
        return response
    try:
        return route.handler(context)
    except Problem as problem:
        return problem_response(context.dialect, problem)


def _without(hidden: str, value: object) -> object:
    """Return parsed JSON with the values of a member hidden."""
    if isinstance(value, list):
        return [_without(hidden, each) for each in value]
    if isinstance(value, dict):
        return {name: _HIDDEN if name == hidden else _without(hidden, each) for name, each in value.items()}
    return value


def _record(context: Context, route: Route, fault: Fault | None, status: int | None) -> None:
    call = Call(
        operation=context.operation,
        method=context.method,
        time=context.time,
        request_id=context.request_id,
        unit_id=context.about.unit_id,
        endpoint_id=context.about.endpoint_id,
        device_id=context.about.device_id,
        status=status,
        fault=fault.kind if fault else None,
        authorization=context.authorization,
        user_agent=context.headers.get("user-agent"),
        body=context.json if route.hidden is None else _without(route.hidden, context.json),
    )
    context.log.add(call, len(context.body))


@attrs.frozen(eq=False)
class _App:
    """Everything but the lifespan: one call from its arrival to its response."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = as_sent(scope)
        path = path_in_app(scope)
        admin = admin_app(self.service, path)
        if admin is not None:
            await admin(scope, receive, send)
            return
        arrived = self.service.clock()
        body = await read_body(receive, _LARGEST_BODY)
        if body is not None:
            await self._call(self._context(scope, path, body, arrived), scope, receive, send)

    def _context(self, scope: Scope, path: str, body: bytes, arrived: float) -> tuple[Context, Route]:
        headers, method = Headers(scope=scope), scope["method"]
        query = query_of(scope)
        route, params = _resolve(method, path, query, headers.get("x-amz-target", ""))
        context = Context(
            service=self.service,
            operation=route.operation,
            dialect=route.dialect,
            method=method,
            path=scope["path"],
            params=params,
            raw_query=scope["query_string"].decode("latin-1"),
            query=query,
            headers=headers,
            body=body,
            json=_parsed(route, method, body),
            request_id=self.service.next_request_id(),
            time=arrived,
            log=self.service.log,
        )
        return context, route

    async def _call(self, resolved: tuple[Context, Route], scope: Scope, receive: Receive, send: Send) -> None:
        context, route = resolved
        service, about = self.service, context.about
        fault = service.faults.pick(context.operation, about.unit_id, about.endpoint_id, about.device_id)
        response: Response | None = None
        lost = True
        try:
            response = await _respond(context, route, fault)
            lost = response is None or (fault is not None and fault.kind == "drop_after")
        finally:
            # Before the response leaves, and also if the client gives up while it waits: its call was seen as well.
            _record(context, route, fault, None if lost or response is None else response.status)
        if response is not None:
            stamps = {
                "date": format_datetime(service.now().astimezone(UTC), usegmt=True),
                "x-amzn-requestid": context.request_id,
            }
            response = attrs.evolve(response, headers=tuple({**stamps, **dict(response.headers)}.items()))
        await deliver(response, fault, scope=scope, receive=receive, send=send, sleep=service.sleep)


def build_app(service: Service) -> ASGIApp:
    """Return the ASGI application of a simulated service: its three interfaces, and the one that scripts it."""
    # The router handles the lifespan; it has no routes, since ours are found in constant time.
    return Router(redirect_slashes=False, default=_App(service))
