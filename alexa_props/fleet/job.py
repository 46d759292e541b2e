"""Names by which the next run recognizes the same work: the job of a journal, and the key of each item.

Functions and classes are named by module and qualified name, plain values by value. What cannot be named with certainty
is refused.
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

from alexa_props.arguments import Identified, require_text
from alexa_props.client import Client
from alexa_props.concurrency import discard_awaitable
from alexa_props.errors import ConfigurationError
from alexa_props.settings import is_loopback

__all__ = ["job_of", "key_of", "name_of"]

_PLAIN: Final = (str, int, float, complex, bool, bytes, types.NoneType, types.EllipsisType, range)
"""Types whose `ascii` is the value. Unlike the repr, it is the same on every Python."""
_PLAIN_NAMES: Final = frozenset(
    {
        *(f"datetime.{name}" for name in ("date", "time", "datetime", "timedelta", "timezone")),
        "zoneinfo.ZoneInfo",
        "decimal.Decimal",
        "fractions.Fraction",
        "uuid.UUID",
    }
)
"""More of these types, by name, so that they are not imported."""
_SCRIPTS: Final = ("__main__", "__mp_main__")
_MADE_BY_CODE: Final = 1 << 9
"""The flag of a class that is not built in (Py_TPFLAGS_HEAPTYPE)."""


def name_of(call: Callable[..., Any]) -> str:
    """Return the qualified name of a function, without bound arguments."""
    while isinstance(call, functools.partial):
        call = call.func
    return getattr(call, "__qualname__", None) or type(call).__qualname__


def job_of(call: Callable[..., Any]) -> str:
    """Return the name of a job: the name of the function, and a hash of all that decides what it does.

    That is what a `functools.partial` binds, the object of a method, and the defaults of a function. Of a client, only
    its class and host count, because the next run has another client.

    Raises:
        ConfigurationError: A part of it cannot be named with certainty.

    """
    try:
        described = _describe(call, ())
    except (_UnnamedError, RecursionError) as error:
        raise ConfigurationError(
            f"the journal cannot recognize the same work in the next run, because {error}: name the work (job=)"
        ) from None
    # Hashed, because arguments may be secret.
    return f"{name_of(call)}#{hashlib.sha256(described.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def key_of(item: object, key: Callable[[Any], str] | None, *, recorded: bool) -> str:
    """Return the key of an item. If `recorded` in a journal, it must identify the item and be storable."""
    if key is not None:
        given = key(item)
        if not isinstance(given, str) or not given:
            discard_awaitable(given)
            raise ConfigurationError(f"key must return a string that is not empty for every item, not {given!r:.80}")
        return require_text("key", given, "a string")
    if isinstance(item, Identified):
        return require_text("an item", item.own_id, "a model with an id")
    if isinstance(item, str):
        return require_text("an item", item, "a string") if recorded else item
    if recorded:
        raise ConfigurationError(
            f"a journal identifies items by strings, and {item!r:.80} is not one: pass key=, a function of the item"
        )
    return str(item)


class _UnnamedError(Exception):
    """A value cannot be named with certainty. The message is a clause that says why."""


def _describe(value: object, outer: tuple[object, ...]) -> str:
    """Return a text that is equal, in every process, only for equal values. `outer` are the values that contain it."""
    if any(value is each for each in outer):
        raise _UnnamedError(f"a {_kind(value)} contains itself")
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
        raise _UnnamedError(f"it contains a {_kind(value)}")
    return f"path {str(value)!a}"


def _of_mapping(value: Mapping[Any, Any], outer: tuple[object, ...]) -> str:
    if type(value) not in (dict, types.MappingProxyType):
        return _of_object(value, outer)
    pairs = sorted((_describe(key, outer), _describe(each, outer)) for key, each in value.items())
    return _all("dict", (f"{key}: {each}" for key, each in pairs))


def _of_set(value: frozenset[Any] | set[Any], outer: tuple[object, ...]) -> str:
    if type(value) not in (set, frozenset):
        return _of_object(value, outer)
    # Their order differs in every process.
    return _all("set", sorted(_describe(each, outer) for each in value))


def _of_sequence(value: tuple[Any, ...] | list[Any], outer: tuple[object, ...]) -> str:
    kind = type(value)
    if kind not in (tuple, list) and not hasattr(kind, "_fields"):
        return _of_object(value, outer)
    name = kind.__name__ if kind in (tuple, list) else _of_class(kind)
    return _all(name, (_describe(each, outer) for each in value))


def _all(name: str, parts: Iterable[str]) -> str:
    # With their lengths, so that no text in a part can imitate the end of it.
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
    """Describe an object by its class and attributes, if it has no other state."""
    if "__qualname__" in getattr(value, "__dict__", ()):
        # A decorator has replaced a function by an object.
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
        raise _UnnamedError(f"it contains a {_kind(value)}")
    else:
        try:
            # The state for a copy. It fails for state that Python code cannot see.
            _, *state = value.__reduce_ex__(2)
        except Exception:  # noqa: BLE001 - the user's class may raise anything
            raise _UnnamedError(f"it contains a {_kind(value)}") from None
        state = [list(each) if isinstance(each, Iterator) else each for each in state]
    return f"{_of_class(kind)} {_describe(state, outer)}"


def _by_name(value: Any) -> str:
    """Return module and qualified name, if the value is found there."""
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", "")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    # Class methods are found bound to their class.
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
    # Two directories may have scripts of the same name.
    return f"{Path(file).resolve()}:{name}"


def _host(client: Client) -> str:
    """Return what identifies the service of a client: the same in the next run, and different in another region."""
    url = httpx.URL(client._base_url)  # noqa: SLF001 - it is in the repr
    # A simulator has a different port each time.
    return "loopback" if is_loopback(url.host) else f"{url.netloc.decode()}{url.path}"


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
