"""Scripting over HTTP: everything that can be set in Python, as JSON below `/_simulator`."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

import attrs
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from alexa_props.simulator.checks import choice, digits, parse_json
from alexa_props.simulator.faults import Fault
from alexa_props.simulator.guard import foreign
from alexa_props.simulator.operations import OPERATIONS
from alexa_props.simulator.receiving import query_of, read_body
from alexa_props.simulator.responses import allow, unmatched
from alexa_props.simulator.service import Service

__all__ = ["admin_app"]

ADMIN_PATH = "/_simulator"

# Room for the ids of a fleet of a million devices.
_LARGEST_BODY = 64 << 20

_Setting = Callable[[Service, dict[str, Any]], object]


def _fault(fault: Fault) -> dict[str, object]:
    shown = ("operation", "kind", "unit_id", "endpoint_id", "device_id", "times", "after", "status", "seen", "hits")
    return {name: getattr(fault, name) for name in shown}


def _world(service: Service) -> dict[str, object]:
    return {
        "client_id": service.client_id,
        "client_secret": service.client_secret,
        "refresh_token": service.refresh_token,
        "aws_access_key_id": service.aws_access_key_id,
        "aws_secret_access_key": service.aws_secret_access_key,
        "aws_region": service.aws_region,
        "organization_id": service.organization_id,
        "rooms": service.rooms,
        "endpoints": service.endpoints,
        "devices": service.devices,
        "users": service.users,
    }


def _many(values: dict[str, Any], member: str, known: Container[str]) -> list[str]:
    if member not in values:
        instead = f", not {', '.join(map(repr, values))}" if values else ""
        raise TypeError(f"the body must have the member {member!r}, a list of strings{instead}")
    ids = values.pop(member)
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise TypeError(f"{member} must be a list of strings")
    for each in ids:
        if each not in known:
            raise ValueError(f"{member}: {each!r} does not exist")
    return ids


def _add_fault(service: Service, values: dict[str, Any]) -> object:
    return _fault(service.fail(**values))


def _quota(service: Service, values: dict[str, Any]) -> object:
    service.quota(**values)
    return {}


def _effect_delay(service: Service, values: dict[str, Any]) -> object:
    service.delay_effect(**values)
    return {}


def _latency(service: Service, values: dict[str, Any]) -> object:
    service.latency(**values)
    return {}


def _offline(service: Service, values: dict[str, Any]) -> object:
    known = service.tree.endpoints.keys() | service.inventory.devices.keys()
    service.set_offline(*_many(values, "ids", known), **values)
    return {}


def _failing(service: Service, values: dict[str, Any]) -> object:
    service.set_failing(*_many(values, "endpoint_ids", service.tree.endpoints), **values)
    return {}


def _forbidden(service: Service, values: dict[str, Any]) -> object:
    service.set_forbidden(*_many(values, "unit_ids", service.tree.units), **values)
    return {}


def _settings(service: Service, values: dict[str, Any]) -> object:
    places: dict[str, tuple[object, str]] = {
        "empty_pages": (service, "empty_pages"),
        "end_of_list": (service, "end_of_list"),
        "caller_scope": (service, "caller_scope"),
        "new_endpoint_ids": (service, "new_endpoint_ids"),
        "token_lifetime": (service.login, "lifetime"),
        "rotate_refresh_tokens": (service.login, "rotates"),
    }
    for name in values:
        if name not in places:
            raise TypeError(f"no setting is called {name!r}; the settings are {', '.join(places)}")
    before = {name: getattr(*places[name]) for name in values}
    for name, value in values.items():
        try:
            setattr(*places[name], value)
        except (TypeError, ValueError) as error:
            for each, former in before.items():
                setattr(*places[each], former)
            raise ValueError(f"{name}: {error}") from None
    return {}


def _expire(service: Service, values: dict[str, Any]) -> object:
    service.expire_tokens(**values)
    return {}


def _reset(service: Service, values: dict[str, Any]) -> object:
    service.reset(**values)
    return {}


_SETTINGS: dict[str, _Setting] = {
    "/faults": _add_fault,
    "/quota": _quota,
    "/latency": _latency,
    "/effect_delay": _effect_delay,
    "/offline": _offline,
    "/failing": _failing,
    "/forbidden": _forbidden,
    "/settings": _settings,
    "/expire_tokens": _expire,
    "/reset": _reset,
}


def _refused(error: Exception) -> Response:
    # Python's message for a missing, superfluous or misspelt argument is good enough here.
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)


@attrs.frozen(eq=False)
class _Request:
    """An accepted request, and the service that it scripts."""

    service: Service
    query: QueryParams
    body: bytes


_Handler = Callable[[_Request], Response]


def _setter(setting: _Setting) -> _Handler:
    def handle(request: _Request) -> Response:
        try:
            values = parse_json(request.body) if request.body else {}
            if not isinstance(values, dict):
                raise TypeError("the body must be a JSON object")
            return JSONResponse(setting(request.service, values))
        except (TypeError, ValueError) as error:
            return _refused(error)

    return handle


def _show_world(request: _Request) -> Response:
    return JSONResponse(_world(request.service))


def _show_faults(request: _Request) -> Response:
    return JSONResponse([_fault(fault) for fault in request.service.faults.all()])


def _clear_faults(request: _Request) -> Response:
    request.service.clear_faults()
    return Response(status_code=204)


def _show_calls(request: _Request) -> Response:
    service, query = request.service, request.query
    operation, status = query.get("operation"), query.get("status")
    try:
        if operation is not None:
            choice("operation", operation, sorted(OPERATIONS))
        wanted = None if status is None else digits("status", status)
        limit = digits("limit", query.get("limit", "1000"))
    except ValueError as error:
        return _refused(error)
    found = [call for call in service.calls if operation in (None, call.operation) and wanted in (None, call.status)]
    shown = [attrs.asdict(call, recurse=False) for call in found[max(0, len(found) - limit) :]]
    return JSONResponse({"count": service.count(operation, wanted), "calls": shown})


def _clear_calls(request: _Request) -> Response:
    request.service.clear_calls()
    return Response(status_code=204)


_METHODS: dict[str, dict[str, _Handler]] = {
    "": {"GET": _show_world},
    "/faults": {"GET": _show_faults, "DELETE": _clear_faults},
    "/calls": {"GET": _show_calls, "DELETE": _clear_calls},
}
for _path, _setting in _SETTINGS.items():
    _METHODS.setdefault(_path, {})["POST"] = _setter(_setting)


@attrs.frozen(eq=False)
class _AdminApp:
    """The ASGI application at one path: a handler per method."""

    service: Service
    handlers: Mapping[str, _Handler]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, _LARGEST_BODY)
        if body is not None:
            await self._respond(scope, body)(scope, receive, send)

    def _respond(self, scope: Scope, body: bytes) -> Response:
        reason = foreign(scope)
        if reason is not None:
            return JSONResponse({"error": reason}, 403)
        handler = self.handlers.get("GET" if scope["method"] == "HEAD" else scope["method"])
        if handler is None:
            headers = dict((allow(self.handlers), unmatched("method")))
            return JSONResponse({"error": f"{scope['method']} is not allowed at {scope['path']}"}, 405, headers)
        if len(body) > _LARGEST_BODY:
            return JSONResponse({"error": f"the body is larger than {_LARGEST_BODY} bytes"}, 413)
        return handler(_Request(self.service, query_of(scope), body))


def admin_app(service: Service, path: str) -> ASGIApp | None:
    """Return the application at a path below `/_simulator`, or None if there is none.

    It needs no credentials, and refuses requests from web pages of other sites.
    """
    if not path.startswith(ADMIN_PATH):
        return None
    handlers = _METHODS.get(path.removesuffix("/").removeprefix(ADMIN_PATH))
    return None if handlers is None else _AdminApp(service, handlers)
