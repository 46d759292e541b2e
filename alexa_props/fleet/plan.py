"""A dry run: how many calls of which operation a run would make, and how long that would take."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from alexa_props.client import Client
from alexa_props.errors import ConfigurationError
from alexa_props.limits import ScopeLimits
from alexa_props.settings import is_number

__all__ = ["CallEstimate", "Plan", "plan", "recipe"]

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen
class CallEstimate:
    """The calls of one operation that a recipe makes for one item.

    Attributes:
        operation: its name, such as "alerts.delete_alarms".
        per_item: calls for each item.
        per_endpoint: calls for each endpoint of the item.
        perhaps: whether that is the most that it may come to, and none the least.

    """

    operation: str
    per_item: int = 0
    per_endpoint: int = 0
    perhaps: bool = False


def recipe(uses: Callable[..., Iterable[CallEstimate]]) -> Callable[[F], F]:
    """Decorator: declares which operations a recipe uses, so that `plan` can tell what it would cost.

        @fleet.recipe(lambda asp, unit_id: [fleet.CallEstimate("alerts.delete_alarms", per_item=1)])
        async def silence(asp, unit_id): ...

    Args:
        uses: takes what the recipe takes, and gives its `CallEstimate`s.

    """

    def declare(function: F) -> F:
        function.__uses__ = uses  # type: ignore[attr-defined]
        return function

    return declare


@attrs.frozen
class Plan:
    """What a run would do.

    Attributes:
        job: what would be called.
        items: for how many items.
        endpoints: how many endpoints they were taken to have, all together; None when nothing depends on it.
        calls: for each operation the least and the most calls. Retries come on top.
        seconds: the least and the most time that these calls take at the rates that the limiter has learned; None while
            it has not learned the rate of all of them.

    """

    job: str
    items: int
    endpoints: int | None
    calls: Mapping[str, tuple[int, int]]
    seconds: tuple[float, float] | None

    def __str__(self) -> str:
        of = "" if self.endpoints is None else f" with {self.endpoints} endpoints"
        lines = [f"{self.job}: {self.items} items{of}"]
        lines += [f"  {operation}: {_span(*calls)} calls" for operation, calls in self.calls.items()]
        if self.seconds is None:
            lines.append("  how long: not known before the limiter has learned the rates (see client.limits)")
        else:
            low, high = (f"{seconds:.0f}" for seconds in self.seconds)
            lines.append(f"  how long: about {_span(low, high)} s at the rates that the limiter has learned")
        return "\n".join(lines)


def plan(
    call: Callable[..., Any],
    items: int,
    *,
    endpoints: int | None = None,
    limits: Mapping[str, ScopeLimits] | None = None,
) -> Plan:
    """What `run(call, …)` over so many items would do. Sends nothing.

    Args:
        call: as for `run`: a method of a client that makes one call, a recipe, or a `functools.partial` of one.
        items: how many items.
        endpoints: how many endpoints all of them have; needed for a recipe whose calls depend on it.
        limits: the rates; by default those of the client that `call` belongs to, or has among its arguments.

    Raises:
        ConfigurationError: `call` does not say which operations it uses, or needs `endpoints`.

    """
    for name, number in (("items", items), ("endpoints", endpoints)):
        wrong = not (isinstance(number, int) and is_number(number)) or number < 0
        if wrong and not (name == "endpoints" and number is None):
            raise ConfigurationError(f"{name} must be a whole number of at least 0, not {number!r:.80}")
    bare, positional, named = _unwrap(call)
    uses = _uses(call, bare, positional, named)
    if endpoints is None and any(use.per_endpoint for use in uses):
        raise ConfigurationError("its calls depend on how many endpoints there are: say endpoints=")
    calls: dict[str, tuple[int, int]] = {}
    for use in uses:
        most = use.per_item * items + use.per_endpoint * (endpoints or 0)
        low, high = calls.get(use.operation, (0, 0))
        calls[use.operation] = (low + (0 if use.perhaps else most), high + most)
    if limits is None:
        limits = next((each.limits for each in (*positional, *named.values()) if isinstance(each, Client)), None)
        owner = getattr(getattr(bare, "__self__", None), "_client", None)
        limits = owner.limits if isinstance(owner, Client) else limits or {}
    depends = any(use.per_endpoint for use in uses)
    return Plan(_name(bare), items, endpoints if depends else None, calls, _seconds(calls, limits))


def _unwrap(call: Callable[..., Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    while isinstance(call, functools.partial):
        positional, named = (*call.args, *positional), {**call.keywords, **named}
        call = call.func
    return call, positional, named


def _uses(call: Any, bare: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> list[CallEstimate]:
    declared = getattr(bare, "__uses__", None)
    if declared is not None:
        # The item's own place is the first that nothing is bound to.
        bound = inspect.signature(bare).bind_partial(*positional, **named)
        for name, parameter in inspect.signature(bare).parameters.items():
            if name not in bound.arguments and parameter.default is parameter.empty:
                bound.arguments[name] = None
        return list(declared(*bound.args, **bound.kwargs))
    # A resource's method: the operation of its name, in its own file.
    module = sys.modules.get(getattr(bare, "__module__", ""), None)
    for operation in getattr(module, "OPERATIONS", ()):
        if operation.name.endswith(f".{_name(bare)}") and inspect.ismethod(bare):
            return [CallEstimate(operation.name, per_item=1)]
    raise ConfigurationError(
        f"{call!r:.80} does not say which operations it uses: decorate it with fleet.recipe, or give a client's method"
    )


def _name(call: Any) -> str:
    return str(getattr(call, "__name__", type(call).__name__))


def _seconds(calls: Mapping[str, tuple[int, int]], limits: Mapping[str, ScopeLimits]) -> tuple[float, float] | None:
    # Every operation has a rate of its own: the slowest of them decides. A shared scope has one for all.
    known = {name: limits.get(name) for name in calls}
    if len(limits) == 1 and not set(limits) & set(calls):
        (shared,) = limits.values()
        total = (sum(low for low, _ in calls.values()), sum(high for _, high in calls.values()))
        return None if shared.ceiling is None else (total[0] / shared.ceiling, total[1] / shared.ceiling)
    rates = {name: limit.ceiling for name, limit in known.items() if limit is not None and limit.ceiling is not None}
    if len(rates) < len(calls):
        return None
    return (
        max((low / rates[name] for name, (low, _) in calls.items()), default=0.0),
        max((high / rates[name] for name, (_, high) in calls.items()), default=0.0),
    )


def _span(low: Any, high: Any) -> str:
    return f"{high}" if low == high else f"{low} to {high}"
