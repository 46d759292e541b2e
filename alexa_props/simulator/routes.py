"""Routes: each operation beside its handler, and the table that finds the route of a request.

@route("skills.list", "GET", "/v1/skills/enablements")
def list_enablements(context: Context) -> Response: ...

@target("devices.get", "GetDevice")
def get_device(context: Context) -> Response: ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from typing import Final

import attrs

from alexa_props.simulator.context import Handler
from alexa_props.simulator.operations import OPERATIONS
from alexa_props.simulator.responses import Dialect

__all__ = ["TABLE", "Match", "Route", "RouteTable", "parameters", "register", "route", "target"]

_PARAMETER = re.compile(r"\{(\w+)\}")


def parameters(path: str) -> tuple[str, ...]:
    """Return the names of the parameters in a path's template."""
    return tuple(_PARAMETER.findall(path))


@attrs.frozen
class Route:
    """One operation: where it is called, and the handler that responds."""

    operation: str
    method: str
    path: str
    """A template such as `/v2/units/{unitId}`. A parameter is a whole segment."""
    handler: Handler
    dialect: Dialect = "smart_properties"
    target: str | None = None
    """`X-Amz-Target` of an Alexa for Business operation."""
    query: str | None = None
    """The query parameter that distinguishes it from another operation with the same method and path."""
    hidden: str | None = None
    """The member of its body, at any depth, that the record of calls hides."""
    parameters: tuple[str, ...] = attrs.field(
        init=False, default=attrs.Factory(lambda it: parameters(it.path), takes_self=True)
    )


@attrs.frozen
class Match:
    """The routes at a path, by method, and the values of its parameters, still percent-encoded."""

    routes: Mapping[str, Route]
    values: tuple[str, ...]
    by_query: Mapping[tuple[str, str], Route] = attrs.field(factory=dict)
    """Those with a query parameter, by method and parameter."""

    def route(self, method: str, query: Container[str]) -> Route | None:
        """Return the route of a request: one whose query parameter is there, or else the one for the method."""
        found = (each for (its_method, name), each in self.by_query.items() if its_method == method and name in query)
        return next(found, None) or self.routes.get(method)


@attrs.define(eq=False)
class _Node:
    """One segment in the tree of all paths."""

    literals: dict[str, _Node] = attrs.field(factory=dict)
    parameter: _Node | None = None
    routes: dict[str, Route] = attrs.field(factory=dict)
    by_query: dict[tuple[str, str], Route] = attrs.field(factory=dict)

    def child(self, segment: str) -> _Node:
        """Return the node below, created if there is none."""
        if not _PARAMETER.fullmatch(segment):
            return self.literals.setdefault(segment, _Node())
        self.parameter = self.parameter or _Node()
        return self.parameter

    def find(self, segments: tuple[str, ...], values: tuple[str, ...] = ()) -> Match | None:
        """Return what is registered at the rest of a path. Literal segments win over parameters."""
        if not segments:
            return Match(self.routes, values, self.by_query) if self.routes else None
        first, rest = segments[0], segments[1:]
        literal = self.literals.get(first)
        found = literal.find(rest, values) if literal else None
        if found is None and self.parameter is not None and first:
            found = self.parameter.find(rest, (*values, first))
        return found


@attrs.define(eq=False)
class RouteTable:
    """All routes. The time to find one depends on its segments, not on how many routes there are."""

    operations: dict[str, Route] = attrs.field(factory=dict)
    targets: dict[str, Route] = attrs.field(factory=dict)
    root: _Node = attrs.field(factory=_Node)

    def add(self, route: Route, *aliases: str) -> None:
        """Register a route, and further paths of the same operation.

        Raises:
            ValueError: The operation, its path or its target is registered already.
        """
        if route.operation in self.operations:
            raise ValueError(f"{route.operation} is registered already")
        if route.target is not None:
            if self.targets.setdefault(route.target, route) is not route:
                raise ValueError(f"{route.operation}: {route.target} is registered already")
        else:
            for path in (route.path, *aliases):
                node = self.root
                for segment in path.split("/")[1:]:
                    node = node.child(segment)
                if route.query is not None:
                    registered = node.by_query.setdefault((route.method, route.query), route)
                else:
                    registered = node.routes.setdefault(route.method, route)
                if registered is not route:
                    raise ValueError(f"{route.operation}: {route.method} {path} is registered already")
        self.operations[route.operation] = route
        OPERATIONS.add(route.operation)

    def find(self, path: str) -> Match | None:
        """Return the routes at a percent-encoded path. A slash at the end makes no difference."""
        # Amazon's own samples call some paths with a slash at the end.
        return self.root.find(tuple(path.removesuffix("/").split("/")[1:]))


TABLE: Final = RouteTable()
"""The routes of all groups. Importing a group's module registers its routes."""


def register(route: Route, *aliases: str) -> None:
    """Add a route to the table of all groups."""
    TABLE.add(route, *aliases)


def route(
    operation: str,
    method: str,
    path: str,
    *aliases: str,
    dialect: Dialect = "smart_properties",
    query: str | None = None,
    hidden: str | None = None,
) -> Callable[[Handler], Handler]:
    """Register the decorated handler of an operation.

    Args:
        operation: Its name, such as `"units.get"`: the group, and the client's method.
        method: The HTTP method. GET implies HEAD.
        path: The template of its path; `context.params` has the values of the parameters.
        *aliases: Further paths.
        dialect: How errors are reported.
        query: The query parameter that distinguishes it from another operation with the same method and path.
        hidden: The member of its body that the record of calls hides.
    """

    def decorate(handler: Handler) -> Handler:
        register(Route(operation, method, path, handler, dialect, query=query, hidden=hidden), *aliases)
        return handler

    return decorate


def target(operation: str, name: str) -> Callable[[Handler], Handler]:
    """Register the decorated handler of an Alexa for Business operation.

    Args:
        operation: Its name, such as `"devices.get"`.
        name: The service's name for it, such as `"GetDevice"`.
    """

    def decorate(handler: Handler) -> Handler:
        register(Route(operation, "POST", "/", handler, "for_business", f"AlexaForBusiness.{name}"))
        return handler

    return decorate
