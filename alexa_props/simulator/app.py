"""The ASGI application: routes, and what happens to every call on its way."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import unquote

import attrs
from starlette.datastructures import Headers
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from alexa_props.simulator import for_business, smart_properties
from alexa_props.simulator.admin import admin_routes
from alexa_props.simulator.calls import Call
from alexa_props.simulator.checks import parse_json
from alexa_props.simulator.context import Exchange, Handler
from alexa_props.simulator.faults import Fault, deliver
from alexa_props.simulator.operations import CONSENT, ROUTES, TARGETS, TOKEN, UNKNOWN
from alexa_props.simulator.receiving import as_sent, query_of, read_body
from alexa_props.simulator.responses import Answer, Dialect, allow, unmatched
from alexa_props.simulator.service import Service

__all__ = ["CONSENT_PATH", "ROUTES", "TARGETS", "TOKEN_PATHS", "build_app"]

CONSENT_PATH = "/ap/oa"
TOKEN_PATHS = ("/auth/o2/token", "/auth/O2/token")

# Bodies are small here; what is larger is read, but not kept.
_LARGEST_BODY = 1 << 20

# What a unit's id is called in a query.
_UNIT_PARAMETERS = ("unitId", "associatedUnits.id", "parentId", "recipients.id")


def _parsed(body: bytes) -> object:
    try:
        return parse_json(body)
    except ValueError:
        return None


def _dialect(operation: str) -> Dialect:
    if operation.startswith("alerts."):
        return "alerts"
    if operation in (TOKEN, CONSENT):
        return "login"
    return "for_business" if operation in TARGETS else "smart_properties"


def _token(exchange: Exchange) -> Answer:
    # Amazon's command-line tool sends the header without a value.
    authorization = exchange.headers.get("authorization", "").strip() or None
    if authorization is not None:
        exchange.authorization = "Basic"
    content_type = exchange.headers.get("content-type", "")
    return exchange.service.login.answer(authorization, content_type, exchange.body)


def _consent(exchange: Exchange) -> Answer:
    return exchange.service.login.consent(exchange.query)


def _not_found(exchange: Exchange) -> Answer:
    return exchange.problem(404, f"There is nothing at {exchange.path}.", headers=(unmatched("path"),))


def _not_allowed(methods: Iterable[str], exchange: Exchange) -> Answer:
    text = f"{exchange.method} is not allowed at {exchange.path}."
    return exchange.problem(405, text, headers=(allow(methods), unmatched("method")))


def _checked(exchange: Exchange) -> Answer | None:
    """The answer that refuses a call before it is handled: for its credentials, or for being one too many."""
    service = exchange.service
    if len(exchange.body) > _LARGEST_BODY:
        code = "RequestEntityTooLargeException" if exchange.dialect == "for_business" else "REQUEST_TOO_LARGE"
        return exchange.problem(413, "The body is too large.", code)
    if exchange.dialect == "for_business" and exchange.method == "POST":
        refused = for_business.authorize(exchange)
    elif exchange.dialect in ("smart_properties", "alerts") and exchange.operation != UNKNOWN:
        refused = smart_properties.authorize(exchange)
    else:
        refused = None
    if refused is not None:
        return refused
    quota = service.quotas.refusal(exchange.operation, exchange.time)
    if quota is None:
        return None
    headers = () if quota.retry_after is None else (("retry-after", f"{quota.retry_after:.16g}"),)
    status = 400 if exchange.dialect == "for_business" else 429
    name = {"for_business": "ThrottlingException", "login": "slow_down"}.get(exchange.dialect)
    return exchange.problem(status, "Rate exceeded", name, headers)


@attrs.frozen(eq=False)
class _Door:
    """The ASGI application behind one path: the operation of each method."""

    service: Service
    operations: Mapping[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Ids in a path arrive percent-encoded, so that one with a slash in it stays one segment.
        params = {name: unquote(value) for name, value in scope.get("path_params", {}).items()}
        exchange = await _open(self.service, scope, receive)
        if exchange is None:
            return
        # HEAD is GET without the body, which is left out when the response is delivered.
        operation = self.operations.get("GET" if exchange.method == "HEAD" else exchange.method)
        if operation is None:
            handler: Handler = functools.partial(_not_allowed, self.operations) if self.operations else _not_found
        elif operation == TOKEN:
            handler = _token
        elif operation == CONSENT:
            handler = _consent
        else:
            handler = smart_properties.HANDLERS[operation]
        exchange.operation = operation or UNKNOWN
        exchange.dialect = _dialect(operation or next(iter(self.operations.values()), UNKNOWN))
        query = exchange.query
        unit_ids = (params.get("unit_id"), *map(query.get, _UNIT_PARAMETERS))
        exchange.unit_id = next(filter(None, unit_ids), None)
        exchange.endpoint_id = params.get("endpoint_id") or query.get("endpoint")
        exchange.key = params.get("key", "")
        # Only the bodies of known operations are looked at: any other one may hold credentials gone astray.
        if operation in ROUTES and exchange.method in ("PUT", "POST"):
            exchange.json = _parsed(exchange.body)
        if operation == "units.create" and isinstance(exchange.json, dict):
            parent_id = exchange.json.get("parentId")
            exchange.unit_id = parent_id if isinstance(parent_id, str) else None
        await _answer(exchange, handler, scope, receive, send)


@attrs.frozen(eq=False)
class _TargetDoor:
    """The ASGI application at `POST /`: the operation is named by a header."""

    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = await _open(self.service, scope, receive)
        if exchange is None:
            return
        operation = for_business.OPERATION_BY_TARGET.get(exchange.headers.get("x-amz-target", ""))
        exchange.operation, exchange.dialect = operation or UNKNOWN, "for_business"
        exchange.json = _parsed(exchange.body) if operation else None
        if isinstance(exchange.json, dict) and isinstance(exchange.json.get("DeviceArn"), str):
            exchange.device_id = exchange.json["DeviceArn"]
        handler = for_business.HANDLERS[operation] if operation else for_business.unknown_operation
        if exchange.method != "POST":
            handler = functools.partial(_not_allowed, ["POST"])
        await _answer(exchange, handler, scope, receive, send)


async def _open(service: Service, scope: Scope, receive: Receive) -> Exchange | None:
    arrived = service.clock()
    body = await read_body(receive, _LARGEST_BODY)
    if body is None:
        return None
    return Exchange(
        service=service,
        operation=UNKNOWN,
        dialect="smart_properties",
        method=scope["method"],
        path=scope["path"],
        raw_query=scope["query_string"].decode("latin-1"),
        query=query_of(scope),
        headers=Headers(scope=scope),
        body=body,
        request_id=service.next_request_id(),
        time=arrived,
        log=service.log,
    )


async def _answer(exchange: Exchange, handler: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    """One call from its arrival to its answer; the record is kept before the answer leaves."""
    service = exchange.service
    fault = service.faults.pick(exchange.operation, exchange.unit_id, exchange.endpoint_id, exchange.device_id)
    answer: Answer | None = None
    lost = True
    try:
        answer = await _handled(exchange, handler, fault)
        lost = answer is None or (fault is not None and fault.kind == "drop_after")
    finally:
        # In here also for a client that gave up while it waited: its call was seen as well.
        exchange.log.add(
            Call(
                operation=exchange.operation,
                method=exchange.method,
                time=exchange.time,
                request_id=exchange.request_id,
                unit_id=exchange.unit_id,
                endpoint_id=exchange.endpoint_id,
                device_id=exchange.device_id,
                status=None if lost or answer is None else answer.status,
                fault=fault.kind if fault else None,
                authorization=exchange.authorization,
                user_agent=exchange.headers.get("user-agent"),
                body=exchange.json,
            ),
            len(exchange.body),
        )
    if answer is not None:
        stamps = {
            "date": format_datetime(service.now().astimezone(UTC), usegmt=True),
            "x-amzn-requestid": exchange.request_id,
        }
        answer = attrs.evolve(answer, headers=tuple({**stamps, **dict(answer.headers)}.items()))
    await deliver(answer, fault, scope=scope, receive=receive, send=send, sleep=service.sleep)


async def _handled(exchange: Exchange, handler: Handler, fault: Fault | None) -> Answer | None:
    if fault is not None and fault.kind == "drop_before":
        return None
    # A scripted answer takes the place of everything; the proof is looked at all the same, for the record.
    scripted = fault.instead(exchange.dialect) if fault is not None else None
    refused = _checked(exchange)
    latency = exchange.service.latency_of(exchange.operation)
    if latency:
        await exchange.service.sleep(latency)
        if exchange.log is not exchange.service.log:
            # The service was reset meanwhile: what is late from the old world changes nothing in the new one.
            return None
    return scripted or refused or handler(exchange)


def build_app(service: Service) -> ASGIApp:
    """The ASGI application of a simulated service: all three of its interfaces, and the one to script it by."""
    methods: dict[str, dict[str, str]] = {}
    for operation, (method, path) in ROUTES.items():
        methods.setdefault(path, {})[method] = operation
    for path in TOKEN_PATHS:
        methods[path] = {"POST": TOKEN}
    methods[CONSENT_PATH] = {"GET": CONSENT}
    routes = [Route("/", _TargetDoor(service))]
    for path, operations in methods.items():
        door = _Door(service, operations)
        routes.append(Route(path, door))
    routes += admin_routes(service)
    # Amazon's own samples call some paths with a slash at the end.
    routes += [Route(route.path + "/", route.app) for route in routes[1:]]
    router = Router(routes, redirect_slashes=False, default=_Door(service, {}))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = as_sent(scope)
        await router(scope, receive, send)

    return app
