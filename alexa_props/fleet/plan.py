"""Plan a run: how many calls it would make, of which operations, and how long they would take."""

from __future__ import annotations

import functools
import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from alexa_props.client import Client
from alexa_props.errors import ConfigurationError
from alexa_props.fleet._batch import batching_of
from alexa_props.limits import ScopeLimits
from alexa_props.settings import is_number

__all__ = ["CallEstimate", "Plan", "plan", "recipe"]

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen
class CallEstimate:
    """The calls of one operation that a recipe makes for an item."""

    operation: str
    """Such as "alerts.delete_alarms"."""
    per_item: int = 0
    """Calls per item."""
    per_endpoint: int = 0
    """Calls per endpoint of the item."""
    perhaps: bool = False
    """Whether these are the most calls, and the least is none."""


def recipe(uses: Callable[..., Iterable[CallEstimate]]) -> Callable[[F], F]:
    """Declare which operations a recipe calls, for `plan`. A decorator.

        @fleet.recipe(lambda asp, unit_id: [fleet.CallEstimate("alerts.delete_alarms", per_item=1)])
        async def silence(asp, unit_id): ...

    Args:
        uses: A function with the parameters of the recipe that returns its `CallEstimate`s.

    """

    def declare(function: F) -> F:
        function.__estimates__ = uses  # type: ignore[attr-defined]
        return function

    return declare


@attrs.frozen
class Plan:
    """What a run would do. Its `str` is a text of several lines."""

    job: str
    """Name of what would be called."""
    items: int
    """Number of items."""
    endpoints: int | None
    """Number of endpoints of all items, as given; None if no number of calls depends on it."""
    calls: Mapping[str, tuple[int, int]]
    """The least and the most calls per operation, without retries."""
    seconds: tuple[float, float] | None
    """The least and the most seconds that these calls take at the learned rates. None unless the rates of all
    operations are known."""

    def __str__(self) -> str:
        of = "" if self.endpoints is None else f" with {self.endpoints} endpoints"
        lines = [f"{self.job}: {self.items} items{of}"]
        lines += [f"  {operation}: {_span(*calls)} calls" for operation, calls in self.calls.items()]
        if self.seconds is None:
            lines.append("  duration: unknown before the rate limiter has learned the rates (see client.limits)")
        else:
            low, high = (f"{seconds:.0f}" for seconds in self.seconds)
            lines.append(f"  duration: about {_span(low, high)} s at the learned rates")
        return "\n".join(lines)


def plan(
    call: Callable[..., Any],
    items: int,
    *,
    endpoints: int | None = None,
    size: int | None = None,
    limits: Mapping[str, ScopeLimits] | None = None,
) -> Plan:
    """Return what `run(call, …)` would do, or `run_many` if the call takes many items. Sends nothing.

    Args:
        call: A method of a client that makes one call, a recipe, or a `functools.partial` of one.
        items: Number of items, at least 0.
        endpoints: Number of endpoints of all items together, at least 0. Required for a recipe that makes calls per
            endpoint.
        size: Items per call, as for `run_many`. None for the method's own size.
        limits: The rates. None uses those of the client that `call` belongs to or has among its arguments.

    Raises:
        ConfigurationError: An argument is out of range, `call` does not declare its operations, or `endpoints` is
            missing.

    """
    for name, number in (("items", items), ("endpoints", endpoints)):
        wrong = not (isinstance(number, int) and is_number(number)) or number < 0
        if wrong and not (name == "endpoints" and number is None):
            raise ConfigurationError(f"{name} must be a whole number of at least 0, not {number!r:.80}")
    bare, positional, named = _unwrap(call)
    estimates = _estimates(call, bare, positional, named)
    batches = size is not None or hasattr(bare, "batching")
    times = math.ceil(items / batching_of(bare, size).size) if batches else items
    if endpoints is None and any(each.per_endpoint for each in estimates):
        raise ConfigurationError(
            f"{_name(bare)} makes calls per endpoint: pass endpoints=, the number of endpoints of all items"
        )
    calls: dict[str, tuple[int, int]] = {}
    for estimate in estimates:
        most = estimate.per_item * times + estimate.per_endpoint * (endpoints or 0)
        low, high = calls.get(estimate.operation, (0, 0))
        calls[estimate.operation] = (low + (0 if estimate.perhaps else most), high + most)
    if limits is None:
        limits = next((each.limits for each in (*positional, *named.values()) if isinstance(each, Client)), None)
        owner = getattr(getattr(bare, "__self__", None), "_client", None)
        limits = owner.limits if isinstance(owner, Client) else limits or {}
    depends = any(each.per_endpoint for each in estimates)
    return Plan(_name(bare), items, endpoints if depends else None, calls, _seconds(calls, limits))


def _unwrap(call: Callable[..., Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    while isinstance(call, functools.partial):
        positional, named = (*call.args, *positional), {**call.keywords, **named}
        call = call.func
    return call, positional, named


def _estimates(call: Any, bare: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> list[CallEstimate]:
    declared = getattr(bare, "__estimates__", None)
    if declared is not None:
        # The first parameter without a bound argument takes the item.
        bound = inspect.signature(bare).bind_partial(*positional, **named)
        for name, parameter in inspect.signature(bare).parameters.items():
            if name not in bound.arguments and parameter.default is parameter.empty:
                bound.arguments[name] = None
        return list(declared(*bound.args, **bound.kwargs))
    # A method of an API group has the name of its operation, which is in the same module, maybe with other groups.
    module = sys.modules.get(getattr(bare, "__module__", ""), None)
    full_name = f"{_group_of(bare)}.{_name(bare)}"
    for operation in getattr(module, "OPERATIONS", ()):
        if operation.name == full_name:
            return [CallEstimate(full_name, per_item=1)]
    raise ConfigurationError(
        f"{call!r:.80} does not declare its operations: decorate it with fleet.recipe, or pass a method of a client"
    )


def _group_of(method: Any) -> str | None:
    """Return the name of the API group that a method belongs to: the attribute of its client; None if there is none."""
    group = getattr(method, "__self__", None)
    client = getattr(group, "_client", None)
    attributes = vars(client) if isinstance(client, Client) else {}
    return next((name for name, value in attributes.items() if value is group), None)


def _name(call: Any) -> str:
    return str(getattr(call, "__name__", type(call).__name__))


def _seconds(calls: Mapping[str, tuple[int, int]], limits: Mapping[str, ScopeLimits]) -> tuple[float, float] | None:
    # Each operation has its own rate, and the slowest decides. A shared scope has one rate for all.
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
