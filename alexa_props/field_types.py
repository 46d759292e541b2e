"""Checks that arguments, and the fields of models that are sent, have the types that their type hints say."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import math
import sys
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import attrs

from alexa_props.arguments import is_id_name, is_ids_name, require_list, require_text
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret

__all__ = ["require_field_types", "require_models", "require_type"]

T = TypeVar("T")

_NONE: Final = type(None)
_UNIONS: Final = (types.UnionType, typing.Union)


@attrs.frozen
class _Type:
    """What a type hint allows."""

    name: str
    """For messages, such as "a string"."""
    matches: Callable[[Any], bool]
    quotable: bool = True
    """Whether messages may show another value: not if it is meant for a model, which may have secrets."""


def require_type(argument: str, value: object, hint: Any, *, quote: bool = True) -> None:
    """Raise `ConfigurationError` unless a value has the type of a type hint; hints such as `Any` allow everything.

    Args:
        argument: For messages.
        value: The value.
        hint: A scalar, an enum, a model, a list of these, or a union of them.
        quote: Whether messages may show the value.
    """
    allowed = _type(hint)
    if allowed is not None and not allowed.matches(value):
        shown = f"{value!r:.80}" if quote and allowed.quotable else type(value).__name__
        raise ConfigurationError(f"{argument} must be {allowed.name}, not {shown}")
    for text in (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else ():
        if isinstance(text, str):
            require_text(argument, text)


def require_field_types(model: Any) -> None:
    """Raise `ConfigurationError` that names the first field of a model whose value has another type."""
    kind: Any = type(model)
    for name, hint, quote in _fields(kind):
        value = getattr(model, name)
        # Other values of members that hold ids are checked as ids, and may be models.
        if value is None or not (is_id_name(name) or is_ids_name(name)):
            require_type(name, value, hint, quote=quote)


def require_models(argument: str, value: object, model: type[T], most: int | None = None) -> tuple[T, ...]:
    """Return a list of at least one model with valid fields. Messages quote nothing: it may be secret."""
    listed: tuple[T, ...] = require_list(argument, value, 1, most, quote=False)
    for number, each in enumerate(listed):
        if not isinstance(each, model):
            raise ConfigurationError(
                f"{argument}[{number}] must be of type {model.__name__}, not {type(each).__name__}"
            )
        if attrs.has(model):
            require_field_types(each)
    return listed


@functools.cache
def _fields(model: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Return the fields of a model: name, type hint, and whether messages may show the value."""
    return tuple((field.name, _hint(model, field.name), bool(field.repr)) for field in attrs.fields(model))


def _hint(model: Any, name: str) -> Any:
    """Return the type hint of a field; `Any` if it names a type that is imported for type checkers only."""
    kind = next(each for each in model.__mro__ if name in vars(each).get("__annotations__", ()))
    hint = vars(kind)["__annotations__"][name]
    try:
        return eval(hint, vars(sys.modules[kind.__module__])) if isinstance(hint, str) else hint  # noqa: S307 - our code
    except NameError:
        return Any


@functools.cache
def _type(hint: Any) -> _Type | None:
    """Return what a type hint allows; None if it allows everything, or more than is checked here."""
    origin, members = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _type(members[0])
    if origin in _UNIONS:
        return _union([_type(member) for member in members])
    if origin is Literal:
        return _Type(f"one of {', '.join(map(repr, members))}", lambda value: _is_one(value, members))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _Type("a mapping", lambda value: isinstance(value, Mapping))
    if origin is not None and isinstance(origin, type) and issubclass(tuple, origin):
        return _list(_type(members[0])) if len(members) == 1 or members[1:] == (...,) else None
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        texts = tuple(hint)
        return _Type(f"one of {', '.join(map(repr, map(str, texts)))}", lambda value: _is_one(value, texts))
    if isinstance(hint, type) and attrs.has(hint):
        article = "an" if hint.__name__[0] in "AEIOU" else "a"
        return _Type(f"{article} {hint.__name__}", lambda value: isinstance(value, hint), quotable=False)
    return None


def _union(allowed: list[_Type | None]) -> _Type | None:
    known = [each for each in allowed if each is not None]
    if len(known) < len(allowed):
        return None
    names = [each.name for each in known if each is not _SCALARS[_NONE]]
    quotable = all(each.quotable for each in known)
    return _Type(" or ".join(names), lambda value: any(each.matches(value) for each in known), quotable)


def _list(item: _Type | None) -> _Type:
    def matches(value: Any) -> bool:
        if isinstance(value, str | bytes | bytearray | memoryview | Mapping) or not isinstance(value, Collection):
            return False
        return item is None or all(map(item.matches, value))

    return _Type("a list", matches) if item is None else _Type(f"a list, each {item.name}", matches, item.quotable)


def _is_one(value: object, allowed: tuple[Any, ...]) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value in allowed


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_float(value: Any) -> bool:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))


_SCALARS: Final[Mapping[Any, _Type]] = {
    str: _Type("a string", lambda value: isinstance(value, str)),
    bool: _Type("True or False", lambda value: isinstance(value, bool)),
    int: _Type("a whole number", _is_int),
    float: _Type("a finite number", _is_float),
    dt.datetime: _Type(
        "a datetime with a time zone", lambda value: isinstance(value, dt.datetime) and value.tzinfo is not None
    ),
    Secret: _Type("a Secret", lambda value: isinstance(value, Secret), quotable=False),
    _NONE: _Type("None", lambda value: value is None),
}
