"""What JSON or a query cannot express is refused wherever it is: in arguments, models, lists and mappings."""

from __future__ import annotations

import datetime as dt
import inspect
import math
from collections.abc import AsyncIterable, Awaitable, Iterator, Mapping
from typing import Any

import attrs
import pytest

from alexa_props import SmartProperties, errors
from tests.helpers import Service, smart_properties
from tests.wire import WIRE, Clients

BAD = {
    "an object": object(),
    "bytes": b"x",
    "NaN": math.nan,
    "a naive time": dt.datetime(2026, 1, 1),  # noqa: DTZ001 - that is the point
}

NOT_SENT = {
    "label": "of a music station: only for users",
    "setting": "a row of `Setting`, not made by users",
    "settings": "rows of `Setting`, not made by users",
}
"""Names of arguments and fields that may hold anything, with the reason."""

LEFT_OUT = {
    "wifi.assign": ("credential_configuration",),
    "wifi.forget": ("credential_configuration",),
}
"""Fields that an operation does not send, although another one does."""


class _RecordedError(Exception):
    """Ends the call of a row."""


@attrs.frozen
class Recorder:
    """Stands in for a client, and records the first call."""

    real: Any
    calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]]

    def __getattr__(self, name: str) -> Recorder:
        return Recorder(getattr(self.real, name), self.calls)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((self.real, args, kwargs))
        raise _RecordedError


async def record(asp: SmartProperties, row: str) -> tuple[Any, inspect.BoundArguments]:
    """Return the method and the arguments of a row."""
    recorder = Recorder(asp, [])
    with pytest.raises(_RecordedError):
        await WIRE[row].call(Clients(recorder, None))  # type: ignore[arg-type]
    method, args, kwargs = recorder.calls[0]
    return method, inspect.signature(method).bind(*args, **kwargs)


def with_bad(value: Any, bad: object, left_out: tuple[str, ...]) -> Iterator[Any]:
    """Yield a value with a bad one in each place in turn."""
    yield bad
    if attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            if field.init and field.name not in ("raw", *NOT_SENT, *left_out):
                for changed in with_bad(getattr(value, field.name), bad, left_out):
                    yield Changed(value, field.alias, changed)
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from ({**value, key: changed} for changed in with_bad(member, bad, left_out))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from ([*value[:number], changed, *value[number + 1 :]] for changed in with_bad(item, bad, left_out))


@attrs.frozen
class Changed:
    """A model with another value in a field. It is made late, because its constructor may refuse the value."""

    model: Any
    field: str
    value: Any


def made(value: Any) -> Any:
    """Return a value with the models that it stands for."""
    if isinstance(value, Changed):
        return attrs.evolve(value.model, **{value.field: made(value.value)})
    if isinstance(value, Mapping):
        return {key: made(member) for key, member in value.items()}
    return [made(item) for item in value] if isinstance(value, list) else value


ROWS = [key for key in WIRE if key.partition(",")[0] in {row.name for row in SmartProperties.operations()}]


async def test_what_cannot_be_sent_is_refused_wherever_it_is() -> None:
    service = Service()
    asp = smart_properties(service)
    for row in ROWS:
        operation = row.partition(",")[0]
        method, bound = await record(asp, row)
        for name in (name for name in bound.arguments if name not in NOT_SENT):
            original = bound.arguments[name]
            for what, bad in BAD.items():
                for changed in with_bad(original, bad, LEFT_OUT.get(operation, ())):
                    try:
                        await call(method, bound, name, changed)
                    except errors.ConfigurationError:
                        continue
                    pytest.fail(f"{row}: {name} was sent with {what}: {changed!r:.300}")
    assert service.seen == []


async def call(method: Any, bound: inspect.BoundArguments, name: str, value: Any) -> None:
    """Call a method to the end, with another value of an argument."""
    again = inspect.BoundArguments(bound.signature, {**bound.arguments, name: made(value)})
    result = method(*again.args, **again.kwargs)
    if isinstance(result, Awaitable):
        await result
    elif isinstance(result, AsyncIterable):
        async for _ in result:
            pass
