"""Scripting from outside: everything that can be set in Python, as JSON below `/_simulator`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alexa_props.simulator.faults import Fault
from alexa_props.simulator.service import Service

__all__ = ["ADMIN_PATH", "admin_routes"]

ADMIN_PATH = "/_simulator"

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


def _many(values: dict[str, Any], member: str) -> list[str]:
    ids = values.pop(member)
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise TypeError(f"{member} is a list of strings")
    return ids


def _add_fault(service: Service, values: dict[str, Any]) -> object:
    return _fault(service.fail(**values))


def _quota(service: Service, values: dict[str, Any]) -> object:
    service.quota(**values)
    return {}


def _latency(service: Service, values: dict[str, Any]) -> object:
    service.latency(**values)
    return {}


def _offline(service: Service, values: dict[str, Any]) -> object:
    service.set_offline(*_many(values, "ids"), **values)
    return {}


def _failing(service: Service, values: dict[str, Any]) -> object:
    service.set_failing(*_many(values, "endpoint_ids"), **values)
    return {}


def _forbidden(service: Service, values: dict[str, Any]) -> object:
    service.set_forbidden(*_many(values, "unit_ids"), **values)
    return {}


def _settings(service: Service, values: dict[str, Any]) -> object:
    setters: dict[str, Callable[[Any], None]] = {
        "empty_pages": lambda value: setattr(service, "empty_pages", int(str(value))),
        "token_lifetime": lambda value: setattr(service.login, "lifetime", float(str(value))),
        "rotate_refresh_tokens": lambda value: setattr(service.login, "rotates", bool(value)),
        "end_of_list": service.set_end_of_list,
    }
    for name in values:
        if name not in setters:
            raise TypeError(f"no setting is called {name!r}; there are {', '.join(setters)}")
    for name, value in values.items():
        setters[name](value)
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
    "/offline": _offline,
    "/failing": _failing,
    "/forbidden": _forbidden,
    "/settings": _settings,
    "/expire_tokens": _expire,
    "/reset": _reset,
}


def _setter(service: Service, setting: _Setting) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            values = json.loads(body) if body else {}
            if not isinstance(values, dict):
                raise TypeError("the body is a JSON object")
            return JSONResponse(setting(service, values))
        except (TypeError, ValueError, KeyError) as error:
            # Python's own words for a missing, superfluous or misspelt argument are good enough here.
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return endpoint


def admin_routes(service: Service) -> list[Route]:
    """The routes below `/_simulator`. They ask for no credentials: a simulator guards nothing."""

    async def world(_: Request) -> Response:
        return JSONResponse(_world(service))

    async def faults(_: Request) -> Response:
        return JSONResponse([_fault(fault) for fault in service.faults.all()])

    async def clear_faults(_: Request) -> Response:
        service.clear_faults()
        return Response(status_code=204)

    async def calls(request: Request) -> Response:
        operation, status = request.query_params.get("operation"), request.query_params.get("status")
        limit = request.query_params.get("limit", "1000")
        if not limit.isdigit() or (status is not None and not status.isdigit()):
            return JSONResponse({"error": "status and limit are whole numbers"}, 400)
        wanted = None if status is None else int(status)
        found = [
            attrs.asdict(call)
            for call in service.calls
            if operation in (None, call.operation) and wanted in (None, call.status)
        ]
        shown = found[max(0, len(found) - int(limit)) :]
        return JSONResponse({"count": service.count(operation, wanted), "calls": shown})

    async def clear_calls(_: Request) -> Response:
        service.clear_calls()
        return Response(status_code=204)

    settings = [
        Route(ADMIN_PATH + path, _setter(service, setting), methods=["POST"]) for path, setting in _SETTINGS.items()
    ]
    return [
        Route(ADMIN_PATH, world, methods=["GET"]),
        Route(f"{ADMIN_PATH}/faults", faults, methods=["GET"]),
        Route(f"{ADMIN_PATH}/faults", clear_faults, methods=["DELETE"]),
        Route(f"{ADMIN_PATH}/calls", calls, methods=["GET"]),
        Route(f"{ADMIN_PATH}/calls", clear_calls, methods=["DELETE"]),
        *settings,
    ]
