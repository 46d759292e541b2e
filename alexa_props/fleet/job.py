"""Names by which the next run knows the same work: of the journal's job, and of each item.

Functions and classes are named by module and qualified name, and plain values by value. What cannot be named with
certainty is refused.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, Final

import attrs
import httpx

from alexa_props.client import Client
from alexa_props.concurrency import discard_awaitable
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Identified, is_loopback, require_text

__all__ = ["job_of", "key_of", "name_of"]

_PLAIN: Final = (str, int, float, complex, bool, bytes, types.NoneType, types.EllipsisType, range)
"""Whose `ascii` is the value: unlike the repr, it is the same on every Python."""
_PLAIN_NAMES: Final = frozenset(
    {
        *(f"datetime.{name}" for name in ("date", "time", "datetime", "timedelta", "timezone")),
        "zoneinfo.ZoneInfo",
        "decimal.Decimal",
        "fractions.Fraction",
        "uuid.UUID",
    }
)
"""More of them, which need not be imported to be recognized."""
_SCRIPTS: Final = ("__main__", "__mp_main__")
_MADE_BY_CODE: Final = 1 << 9
"""The flag of a class that is not built in: Py_TPFLAGS_HEAPTYPE."""


def name_of(call: Callable[..., Any]) -> str:
    """The qualified name of what is called, without what is bound to it."""
    while isinstance(call, functools.partial):
        call = call.func
    return getattr(call, "__qualname__", None) or type(call).__qualname__


def job_of(call: Callable[..., Any]) -> str:
    """The name of the job: that of what is called, and a hash of all that decides what it does.

    That is what a `functools.partial` binds, the object of a method, and the defaults of a function. Of a client only
    its class and its host count: the next run makes another one.

    Raises:
        ConfigurationError: something of it cannot be named, so that another run could take other work for the same.

    """
    try:
        described = _describe(call, ())
    except (_UnnamedError, RecursionError) as error:
        raise ConfigurationError(
            f"a journal has to know whether the next run does the same work, and {error}: name the work (job=)"
        ) from None
    # Hashed: what is bound may be secret.
    return f"{name_of(call)}#{hashlib.sha256(described.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def key_of(item: object, key: Callable[[Any], str] | None, *, recorded: bool) -> str:
    """The string by which an item is known; `recorded` in a journal, it has to name the item and can be stored."""
    if key is not None:
        given = key(item)
        if not isinstance(given, str) or not given:
            discard_awaitable(given)
            raise ConfigurationError(f"key must give a string for every item, not {given!r:.80}")
        return require_text("key", given, "a string")
    if isinstance(item, Identified):
        return require_text("an item", item.own_id, "a model with an id")
    if isinstance(item, str):
        return require_text("an item", item, "a string") if recorded else item
    if recorded:
        raise ConfigurationError(
            f"a journal knows items by a string, and {item!r:.80} is none: say key=, a function of the item"
        )
    return str(item)


class _UnnamedError(Exception):
    """It cannot be named; says why."""


def _describe(value: object, outer: tuple[object, ...]) -> str:
    """A text that is equal for what is certain to be equal, in every process. `outer`: what it is a part of."""
    if any(value is each for each in outer):
        raise _UnnamedError(f"a {_kind(value)} is a part of itself")
    kind = type(value)
    name = _kind(value)
    within = (*outer, value)
    if kind in _PLAIN or name in _PLAIN_NAMES:
        zone = getattr(value, "tzinfo", None)
        return f"{name} {value!a}" + ("" if zone is None else f" {_describe(zone, within)}")
    if isinstance(value, Client):
        return f"client {_of_class(kind)} {_host(value)}"
    for kinds, describe in _DESCRIBED:
        if isinstance(value, kinds):
            return describe(value, within)
    return _of_object(value, within)


def _of_partial(value: functools.partial[Any], outer: tuple[object, ...]) -> str:
    parts = (value.func, value.args, value.keywords)
    return f"partial {' '.join(_describe(each, outer) for each in parts)}"


def _of_method(value: types.MethodType, outer: tuple[object, ...]) -> str:
    return f"method {_describe(value.__func__, outer)} of {_describe(value.__self__, outer)}"


def _of_builtin(value: types.BuiltinFunctionType, outer: tuple[object, ...]) -> str:
    bound = value.__self__
    if bound is None or isinstance(bound, types.ModuleType):
        return _by_name(value)
    return f"method {value.__qualname__} of {_describe(bound, outer)}"


def _of_function(value: types.FunctionType, outer: tuple[object, ...]) -> str:
    defaults = (value.__defaults__, value.__kwdefaults__)
    return f"{_by_name(value)} {' '.join(_describe(each, outer) for each in defaults)}"


def _of_class(value: type[Any], _: tuple[object, ...] = ()) -> str:
    return _by_name(value)


def _of_enum(value: enum.Enum, outer: tuple[object, ...]) -> str:
    return f"{_of_class(type(value))} {_describe(value.value, outer)}"


def _of_path(value: PurePath, _: tuple[object, ...]) -> str:
    if not type(value).__module__.startswith("pathlib"):
        raise _UnnamedError(f"it has a {_kind(value)}")
    return f"path {str(value)!a}"


def _of_mapping(value: Mapping[Any, Any], outer: tuple[object, ...]) -> str:
    if type(value) not in (dict, types.MappingProxyType):
        return _of_object(value, outer)
    pairs = sorted((_describe(key, outer), _describe(each, outer)) for key, each in value.items())
    return _all("dict", (f"{key}: {each}" for key, each in pairs))


def _of_set(value: frozenset[Any] | set[Any], outer: tuple[object, ...]) -> str:
    if type(value) not in (set, frozenset):
        return _of_object(value, outer)
    # Their order is another one in every process.
    return _all("set", sorted(_describe(each, outer) for each in value))


def _of_sequence(value: tuple[Any, ...] | list[Any], outer: tuple[object, ...]) -> str:
    kind = type(value)
    if kind not in (tuple, list) and not hasattr(kind, "_fields"):
        return _of_object(value, outer)
    name = kind.__name__ if kind in (tuple, list) else _of_class(kind)
    return _all(name, (_describe(each, outer) for each in value))


def _all(name: str, parts: Iterable[str]) -> str:
    # With their lengths: no text in one of them can look like the end of it.
    return f"{name}({''.join(f'{len(each)}:{each}' for each in parts)})"


_DESCRIBED: Final[tuple[tuple[Any, Callable[[Any, tuple[object, ...]], str]], ...]] = (
    (functools.partial, _of_partial),
    (types.MethodType, _of_method),
    (types.BuiltinFunctionType, _of_builtin),
    (types.FunctionType, _of_function),
    (type, _of_class),
    (enum.Enum, _of_enum),
    (PurePath, _of_path),
    ((dict, types.MappingProxyType), _of_mapping),
    ((set, frozenset), _of_set),
    ((tuple, list), _of_sequence),
)


_COPYING: Final = ("__reduce__", "__reduce_ex__", "__getstate__")


def _of_object(value: Any, outer: tuple[object, ...]) -> str:
    """By its class and its attributes, if these are all that there is to it."""
    if "__qualname__" in getattr(value, "__dict__", ()):
        # A decorator has made an object of a function.
        return _by_name(value)
    kind = type(value)
    data = attrs.has(kind) or dataclasses.is_dataclass(kind)
    if data and all(base.__flags__ & _MADE_BY_CODE or base is object for base in kind.__mro__):
        fields = attrs.fields(kind) if attrs.has(kind) else dataclasses.fields(value)
        state: Any = [
            {field.name: getattr(value, field.name, None) for field in fields},
            getattr(value, "__dict__", {}),
        ]
    elif kind is object or any(getattr(kind, name) is not getattr(object, name) for name in _COPYING):
        raise _UnnamedError(f"it has a {_kind(value)}")
    else:
        try:
            # What a copy is made of. It refuses what has a state that Python code does not see.
            _, *state = value.__reduce_ex__(2)
        except Exception:  # noqa: BLE001 - a class may have its own code for that
            raise _UnnamedError(f"it has a {_kind(value)}") from None
        state = [list(each) if isinstance(each, Iterator) else each for each in state]
    return f"{_of_class(kind)} {_describe(state, outer)}"


def _by_name(value: Any) -> str:
    """Module and qualified name, if that is where it is found."""
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", "")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    # A class method is found bound to its class.
    if found is not value and getattr(found, "__func__", None) is not value:
        local = "<" in name  # <lambda>, <locals>
        why = "a lambda or a local function or class" if local else f"not found under that name in its module {module}"
        raise _UnnamedError(f"{name or _kind(value)} is {why}")
    if module not in _SCRIPTS:
        return f"{module}.{name}"
    main = sys.modules[module]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        return f"{spec.name}.{name}"
    if file is None:
        raise _UnnamedError(f"{name} was defined in an interactive session")
    # Scripts of one name in two folders are two.
    return f"{Path(file).resolve()}:{name}"


def _host(client: Client) -> str:
    """What of a client is the same in the next run, and not in one for another region."""
    url = httpx.URL(client._base_url)  # noqa: SLF001 - it is in every repr
    # A simulator has another port each time.
    return "loopback" if is_loopback(url.host) else f"{url.netloc.decode()}{url.path}"


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
