"""Wire to model and back: wire names, open enums, timestamps, unknown members.

A model is a frozen attrs class in snake case. The converter of a service writes names its way (`camel`, `pascal`),
leaves out None, ignores members it does not know, and returns enum values it does not know as plain strings.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import functools
import re
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from alexa_props.arguments import is_id_name, is_ids_name, require_id, require_ids
from alexa_props.errors import DecodeError
from alexa_props.field_types import require_field_types
from alexa_props.scalars import (
    kind_of,
    structure_bool,
    structure_float,
    structure_int,
    structure_plain_text,
    structure_str,
    structure_timestamp,
)
from alexa_props.settings import Secret

__all__ = [
    "MAX_ITEMS",
    "RAW",
    "Codec",
    "Lenient",
    "PlainText",
    "Timestamp",
    "camel",
    "pascal",
]

T = TypeVar("T")

MAX_ITEMS: Final = 50_000
"""Members of a list in a response: more would block the event loop for seconds, and no page is that long."""

RAW: Final = "raw"
"""Name of the field that holds the whole JSON object of a model."""

_MAX_REASONS: Final = 5
"""Faults of one response that a message names."""

PlainText: TypeAlias = Annotated[str, "plain text"]
"""A name: plain text that the wire wraps as `{"type": "PLAIN", "value": {"text": …}}`."""

Timestamp: TypeAlias = Annotated[dt.datetime, "timestamp"]
"""A point in time, always aware and in UTC; epoch seconds or ISO 8601 on the wire."""


@attrs.frozen
class Lenient:
    """Base of models whose form no page documents.

    A member that is missing or has another type has its default. Without a default it is required.
    """

    raw: dict[str, Any] = attrs.field(factory=dict, repr=False, eq=False, kw_only=True)
    """The JSON object as it was received."""


@functools.lru_cache(maxsize=4096)
def camel(name: str) -> str:
    """`endpoint_id` → `endpointId`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


@functools.lru_cache(maxsize=4096)
def pascal(name: str) -> str:
    """`device_arn` → `DeviceArn`."""
    return "".join(part.capitalize() for part in name.split("_"))


class Codec:
    """The converter of one service.

    Structuring first runs without bookkeeping. If that fails, it runs again with it, for a message that names the
    place.
    """

    def __init__(self, wire_name: Callable[[str], str], write_time: Callable[[dt.datetime], Any]) -> None:
        self._wire_name = wire_name
        self._write_time = write_time

    # Made on first use, to keep imports fast.
    @functools.cached_property
    def _fast(self) -> cattrs.Converter:
        return _converter(self._wire_name, self._write_time, detailed=False)

    @functools.cached_property
    def _detailed(self) -> cattrs.Converter:
        return _converter(self._wire_name, self._write_time, detailed=True)

    def structure(self, value: Any, model: type[T], where: str = "") -> T:
        """Return the model from parsed JSON; raises `DecodeError` that names the invalid member, below `where`."""
        try:
            return self._fast.structure(value, model)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
        try:
            return self._detailed.structure(value, model)
        except (cattrs.BaseValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
            reasons = cattrs.transform_error(error, path=where or model.__name__, format_exception=_reason)
        more = "; and more" if len(reasons) > _MAX_REASONS else ""
        shown = "; ".join(map(self._on_the_wire, reasons[:_MAX_REASONS]))
        raise DecodeError(f"invalid response: {shown}{more}")

    def _on_the_wire(self, reason: str) -> str:
        """Return the reason with the service's names in its path."""
        text, at, path = reason.rpartition(" @ ")
        return text + at + re.sub(r"(?<=\.)\w+", lambda member: self._wire_name(member[0]), path)

    def structure_all(self, values: Any, model: type[T], where: str = "") -> tuple[T, ...]:
        """Return the models of a list of parsed JSON; None is an empty list."""
        return self.structure(values, typing.cast("type[tuple[T, ...]]", tuple[model, ...]), where)  # type: ignore[valid-type]

    def read(self, value: Any, model: type[T] | Callable[[Any], T]) -> T:
        """Return the model from parsed JSON, or what a function makes of it; raises `DecodeError`."""
        kind: Any = model
        found: T = self.structure(value, kind) if _is_model(kind) else kind(value)
        return found

    def read_all(self, values: Any, model: type[T] | Callable[[Any], T], where: str) -> tuple[T, ...]:
        """Return the models of a list of parsed JSON, or what a function makes of each; raises `DecodeError`."""
        kind: Any = model
        if _is_model(kind):
            found: tuple[T, ...] = self.structure_all(values, kind, where)
            return found
        return tuple(map(kind, self.structure_all(values, typing.cast("type[Any]", Any), where)))

    def unstructure(self, value: Any) -> Any:
        """Return what is sent, as plain dicts, lists and scalars; raises `ValueError` for what cannot be sent.

        A `Secret` stays one until it is written as JSON.
        """
        try:
            return self._fast.unstructure(value)
        except (TypeError, AttributeError) as error:
            # Type hints rule this out, but not every caller uses a type checker.
            raise ValueError(f"a member of a model has another type than the model says: {error}") from None
        except RecursionError:
            raise ValueError("it holds itself, or is nested too deeply") from None


def _is_model(model: Any) -> bool:
    # `tuple[Unit, ...]` is no type to `isinstance`, and it can be called, with anything.
    return isinstance(model, type) or typing.get_origin(model) is not None


def _reason(error: BaseException, _: Any) -> str:
    return "a required member is missing" if isinstance(error, KeyError) else str(error)


def _converter(
    wire_name: Callable[[str], str], write_time: Callable[[dt.datetime], Any], *, detailed: bool
) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=detailed)

    def structure_model(model: type[Any]) -> Callable[[Any, Any], Any]:
        if issubclass(model, Lenient):
            return _structure_leniently(converter, model, wire_name)
        names: dict[str, Any] = {field.name: override(rename=wire_name(field.name)) for field in attrs.fields(model)}
        structure: Callable[[Any, Any], Any] = make_dict_structure_fn(
            model, converter, _cattrs_detailed_validation=detailed, **names
        )

        def checked(value: Any, to: Any) -> Any:
            if not isinstance(value, dict):
                raise TypeError(f"an object was expected, not {kind_of(value)}")
            return structure(value, to)

        return checked

    def unstructure_model(model: type[Any]) -> Callable[[Any], dict[str, Any]]:
        names: dict[str, Any] = {
            field.name: override(
                rename=wire_name(field.name), omit=field.name == RAW, unstruct_hook=_write_id(field.name)
            )
            for field in attrs.fields(model)
        }
        unstructure = make_dict_unstructure_fn(model, converter, **names)

        def write(value: Any) -> dict[str, Any]:
            if isinstance(value, model):
                require_field_types(value)
            # An empty list is written: it clears a list.
            return {name: member for name, member in unstructure(value).items() if member is not None}

        return write

    converter.register_structure_hook_factory(attrs.has, structure_model)
    converter.register_unstructure_hook_factory(attrs.has, unstructure_model)
    converter.register_structure_hook_factory(_is_optional, lambda to: _structure_optional(converter, to))
    converter.register_structure_hook_factory(_is_open_enum, _structure_open_enum)
    converter.register_unstructure_hook_factory(_is_open_enum, lambda _: _unstructure_open_enum)
    structure_list = _structure_list_in_detail if detailed else _structure_list
    converter.register_structure_hook_factory(_is_list, lambda to: _bounded(structure_list(converter, to)))
    converter.register_structure_hook_factory(_is_scalar_union, _structure_scalar)
    converter.register_structure_hook(str, structure_str)
    converter.register_structure_hook(Secret, lambda value, _: Secret(structure_str(value, str)))
    converter.register_structure_hook(bool, structure_bool)
    converter.register_structure_hook(float, structure_float)
    converter.register_structure_hook(int, structure_int)
    converter.register_structure_hook_func(_is_plain_text, structure_plain_text)
    converter.register_unstructure_hook_func(_is_plain_text, lambda text: {"type": "PLAIN", "value": {"text": text}})
    converter.register_structure_hook_func(_is_timestamp, structure_timestamp)

    def write_aware(moment: dt.datetime) -> Any:
        if moment.tzinfo is None:
            raise ValueError(f"a time must have a time zone, such as datetime.UTC: {moment} has none")
        return write_time(moment)

    converter.register_unstructure_hook_func(_is_timestamp, write_aware)
    converter.register_unstructure_hook(dt.datetime, write_aware)
    return converter


def _structure_leniently(
    converter: cattrs.Converter, model: type[Any], wire_name: Callable[[str], str]
) -> Callable[[Any, Any], Any]:
    """Return how a model with `raw` is read: a member that is not as expected keeps its default, if it has one."""
    attrs.resolve_types(model)
    fields = [field for field in attrs.fields(model) if field.name != RAW]

    def structure(value: Any, to: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"an object was expected, not {kind_of(value)}")
        members: dict[str, Any] = {}
        for field in fields:
            name = wire_name(field.name)
            if field.default is attrs.NOTHING:
                if name not in value:
                    raise ValueError(f"a required member, {name}, is missing")
                members[field.name] = converter.structure(value[name], field.type)
            elif name in value:
                with contextlib.suppress(cattrs.BaseValidationError, ValueError, TypeError, KeyError, AttributeError):
                    members[field.name] = converter.structure(value[name], field.type)
        return to(**members, raw=value)

    return structure


def _write_id(name: str) -> Callable[[Any], Any] | None:
    """Return how a member is written whose name says that it holds ids: checked, and models as their ids."""
    if is_id_name(name):
        return lambda value: None if value is None else require_id(name, value)
    if is_ids_name(name):
        return lambda value: None if value is None else list(require_ids(name, value))
    return None


def _is_plain_text(to: Any) -> bool:
    return bool(to == PlainText)


def _is_timestamp(to: Any) -> bool:
    return bool(to == Timestamp)


def _is_optional(to: Any) -> bool:
    members = typing.get_args(to)
    return _is_union(to) and type(None) in members and len(members) == 2  # noqa: PLR2004 - a type and None


def _is_union(to: Any) -> bool:
    return typing.get_origin(to) in (typing.Union, types.UnionType)


def _structure_optional(converter: cattrs.Converter, to: Any) -> Callable[[Any, Any], Any]:
    """As cattrs does it, but looks the member's type up once, not for each value."""
    [member] = set(typing.get_args(to)) - {type(None)}
    structure = converter.get_structure_hook(member)
    if structure is structure_str:
        # Most members are of this type, and most values are valid.
        return lambda value, _: value if value is None or isinstance(value, str) else structure_str(value, str)
    return lambda value, _: None if value is None else structure(value, member)


def _is_open_enum(to: Any) -> bool:
    members = typing.get_args(to)
    if not _is_union(to):
        return False
    rest = [member for member in members if not (isinstance(member, type) and issubclass(member, enum.StrEnum))]
    return len(rest) < len(members) and set(rest) <= {str, type(None)}


def _structure_open_enum(to: Any) -> Callable[[Any, Any], Any]:
    known: dict[Any, enum.StrEnum] = {
        member.value: member
        for kind in typing.get_args(to)
        if isinstance(kind, type) and issubclass(kind, enum.StrEnum)
        for member in kind
    }
    optional = type(None) in typing.get_args(to)

    def structure(value: Any, _: Any) -> Any:
        if value is None and optional:
            return None
        text = value if isinstance(value, str) else structure_str(value, str)
        return known.get(text, text)

    return structure


def _unstructure_open_enum(value: Any) -> str | None:
    return None if value is None else str(value)


_SCALARS: Final = (str, int, float, bool)


def _is_scalar_union(to: Any) -> bool:
    members = set(typing.get_args(to)) - {type(None)}
    return _is_union(to) and len(members) > 1 and members <= set(_SCALARS)


def _structure_scalar(to: Any) -> Callable[[Any, Any], Any]:
    """Return a value of a union such as `int | str | None` unchanged, if JSON has it as one of these."""
    members = typing.get_args(to)
    kinds = {bool: "a boolean", int: "a whole number", float: "a number", str: "a string"}
    expected = " or ".join(text for kind, text in kinds.items() if kind in members)

    def structure(value: Any, _: Any) -> Any:
        if type(value) in members or (type(value) is int and float in members):
            return value
        raise TypeError(f"{expected} was expected, not {kind_of(value)}")

    return structure


def _is_list(to: Any) -> bool:
    return typing.get_origin(to) is tuple and typing.get_args(to)[1:] == (...,)


def _bounded(structure: Callable[[list[Any]], tuple[Any, ...]]) -> Callable[[Any, Any], tuple[Any, ...]]:
    def checked(value: Any, _: Any) -> tuple[Any, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise TypeError(f"an array was expected, not {kind_of(value)}")
        if len(value) > MAX_ITEMS:
            raise ValueError(f"an array of at most {MAX_ITEMS:,} was expected, not one of {len(value):,}")
        return structure(value)

    return checked


def _structure_list(converter: cattrs.Converter, to: Any) -> Callable[[list[Any]], tuple[Any, ...]]:
    members: Any = list[typing.get_args(to)[0]]  # type: ignore[misc]
    structure_all: Callable[[Any, Any], Any] = converter.get_structure_hook(members)
    return lambda value: tuple(structure_all(value, members))


def _structure_list_in_detail(converter: cattrs.Converter, to: Any) -> Callable[[list[Any]], tuple[Any, ...]]:
    """As above, but stop at as many faults as a message names: each costs a traceback."""
    structure_all = _structure_list(converter, to)
    member: Any = typing.get_args(to)[0]
    structure_one: Callable[[Any, Any], Any] = converter.get_structure_hook(member)

    def structure(value: list[Any]) -> tuple[Any, ...]:
        faults = 0
        for count, each in enumerate(value, 1):
            try:
                structure_one(each, member)
            except (cattrs.BaseValidationError, ValueError, TypeError, KeyError, AttributeError):
                faults += 1
            if faults > _MAX_REASONS:
                return structure_all(value[:count])
        return structure_all(value)

    return structure
