"""Models as rows of a table: names first, ids last, and one column per plain value.

    units = [unit async for unit in asp.units.list(organization_id)]
    alexa_props.to_dataframe(units)

A model within a model becomes columns with dotted names, such as `device_status_info.connection_status`. Several values
become one text, with commas between them; models among them are represented by their name or id. JSON becomes a text.
Members that models hide from their repr, such as `raw`, and secrets are left out.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import inspect
import json
import operator
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from alexa_props import export
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret

__all__ = ["Columns", "columns_of", "label_of", "model_of", "rows_of", "to_dataframe", "to_rows"]

Columns: TypeAlias = dict[str, type]
"""Names of columns, and their types: str, int, float, bool or datetime."""

_SCALARS: Final = (bool, int, float, str, dt.datetime)
"""Types of columns. bool is before int, which it derives from."""
_NAMES: Final = ("name", "friendly_name")
_IDS: Final = ("_id", "_ids", "_arn")
_LABELS: Final = (*_NAMES, "device_name", "id", "own_id")
_PATH: Final = "path"
"""The names above a room, which reports show as "Seaside 1 / Floor 3"."""
_VALUE: Final = "value"
"""The column of items that are no models."""
_DEEPEST: Final = 4
"""Models within models; deeper ones are JSON."""


def to_rows(models: Iterable[object], *, model: type[Any] | None = None) -> list[dict[str, Any]]:
    """Return a dict per model, all with the same keys in the same order: names first, ids last.

    Args:
        models: Such as units, endpoints or rooms. If there are several classes, the rows have the columns of all.
        model: Their class, which decides the columns of an empty list.

    Raises:
        ConfigurationError: `models` is not a list.

    """
    return _table(models, model)[0]


def to_dataframe(models: Iterable[object], *, model: type[Any] | None = None) -> Any:
    """Return the rows as a DataFrame of pandas, or of polars if pandas is not installed.

    The columns and their types depend on the class of the models, not on their values. The arguments are those of
    `to_rows`. pandas cuts ids when it shows them, unless `pd.set_option("display.max_colwidth", None)` is set.

    Raises:
        ConfigurationError: Neither is installed, or as for `to_rows`.

    """
    rows, columns = _table(models, model)
    return export.to_dataframe(rows, columns, nullable=True)


def model_of(item: type[Any] | Callable[[Any], Any]) -> type[Any] | None:
    """Return the class of the items of a list, given the class or a function that reads an item; None if unknown."""
    found = item if isinstance(item, type) else typing.get_type_hints(item).get("return")
    return found if isinstance(found, type) and found is not Any else None


def label_of(item: object) -> str | None:
    """Return the name of a model, or else its id, or the item itself if it is a text; None if it has none of these."""
    found = (getattr(item, name, None) for name in _LABELS)
    text = item if isinstance(item, str) else None
    return next((str(each) for each in found if isinstance(each, str) and each), text)


def columns_of(models: Sequence[object], model: type[Any] | None = None) -> Columns:
    """Return the columns of models, of a class or of all their classes."""
    classes: list[Any] = list(dict.fromkeys([*([] if model is None else [model]), *map(type, models)]))
    found: Columns = {}
    for each in classes:
        for name, (kind, _) in _readers(each).items():
            # Columns of several classes with one name and different types are text.
            found[name] = kind if found.get(name, kind) is kind else str
    return _ordered(found)


def rows_of(models: Iterable[object], columns: Columns) -> Iterator[dict[str, Any]]:
    """Yield a dict of the columns for each model."""
    for each in models:
        kind: Any = type(each)
        readers = _readers(kind)
        row: dict[str, Any] = dict.fromkeys(columns)
        for name, (_, read) in readers.items():
            row[name] = _converted(read(each), columns[name])
        yield row


def _table(models: Iterable[object], model: type[Any] | None) -> tuple[list[dict[str, Any]], Columns]:
    if isinstance(models, str | bytes | Mapping) or not isinstance(models, Iterable):
        raise ConfigurationError(
            f"models must be a list, not {type(models).__name__}: of a pager, await to_rows() or to_dataframe()"
        )
    listed = list(models)
    columns = columns_of(listed, model)
    return list(rows_of(listed, columns)), columns


# Columns of a class.

_Read: TypeAlias = Callable[[Any], Any]
_Readers: TypeAlias = dict[str, tuple[type, _Read]]


@functools.cache
def _readers(model: type[Any]) -> _Readers:
    """Return the columns of a class, each with its type and a function that reads it from an instance."""
    found = dict(_members(model, 0))
    return {name: found[name] for name in _ordered({name: kind for name, (kind, _) in found.items()})}


def _ordered(columns: Columns) -> Columns:
    def place(name: str) -> int:
        last = name.rpartition(".")[2]
        if "." not in name and (last in _NAMES or last.endswith("_name")):
            return 0
        if name == "id":
            return 3
        return 2 if last == "id" or last.endswith(_IDS) else 1

    return {name: columns[name] for name in sorted(columns, key=place)}


def _members(model: type[Any], depth: int) -> Iterator[tuple[str, tuple[type, _Read]]]:
    hints = _hints(model)
    if not hints:
        yield _VALUE, (next((kind for kind in _SCALARS if issubclass(model, kind)), str), lambda each: each)
        return
    for name, hint in hints.items():
        yield from _column(name, hint, _path if name == _PATH else operator.attrgetter(name), depth)


def _path(each: Any) -> str | None:
    return None if each.path is None else " / ".join(map(_text, each.path))


def _column(name: str, hint: Any, read: _Read, depth: int) -> Iterator[tuple[str, tuple[type, _Read]]]:
    kinds = _kinds(hint)
    models = [kind for kind in kinds if attrs.has(kind)]
    if len(kinds) == 1 and models and depth < _DEEPEST:
        for inner, (kind, inner_read) in _members(models[0], depth + 1):
            yield f"{name}.{inner}", (kind, _within(read, inner_read))
        return
    scalars = {next((each for each in _SCALARS if issubclass(kind, each)), None) for kind in kinds}
    if len(scalars) == 1 and (only := scalars.pop()) is not None:
        yield name, (only, read)
    elif Secret not in kinds:
        yield name, (str, read)


def _within(outer: _Read, inner: _Read) -> _Read:
    def read(each: Any) -> Any:
        found = outer(each)
        return None if found is None else inner(found)

    return read


def _hints(model: type[Any]) -> dict[str, Any]:
    """Return the public members of a class and its read-only properties, with their types."""
    try:
        hints = typing.get_type_hints(model)
    except NameError:
        # Some names are imported for type checkers only.
        hints = {}
    if attrs.has(model):
        fields = [field.name for field in attrs.fields(model) if field.repr and not field.name.startswith("_")]
    elif issubclass(model, str) and not issubclass(model, enum.Enum):
        fields = list(hints)
    else:
        return {}
    found = {name: hints.get(name, Any) for name in fields}
    for name, member in inspect.getmembers_static(model, lambda each: isinstance(each, property)):
        if name == "own_id" or name in found:
            continue
        kinds = _kinds(typing.get_type_hints(member.fget).get("return", Any))
        if all(issubclass(kind, _SCALARS) for kind in kinds):
            found[name] = typing.get_type_hints(member.fget)["return"]
    return found


def _kinds(hint: Any) -> list[type[Any]]:
    """Return the classes that a type hint allows, besides None; a collection or anything else is `object`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [kind for each in typing.get_args(hint) for kind in _kinds(each) if kind is not types.NoneType]
    if typing.get_origin(hint) is typing.Annotated:
        return _kinds(typing.get_args(hint)[0])
    if typing.get_origin(hint) is typing.Literal:
        return [type(each) for each in typing.get_args(hint)]
    return [hint] if isinstance(hint, type) and typing.get_origin(hint) is None else [object]


# Values.


def _converted(value: Any, kind: type) -> Any:
    """Return a value as the type of its column; None if it is missing, or has another type."""
    if value is None:
        return None
    if isinstance(value, enum.Enum):
        value = value.value
    if kind is str:
        return _text(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if isinstance(value, kind) and (kind is not int or not isinstance(value, bool)) else None


def _text(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping | bool | int | float):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Collection):
        return ", ".join(map(_text, value))
    return _label(value)


def _label(value: Any) -> str:
    """Return the name or the id of a model, or else its members as JSON."""
    found = label_of(value)
    if found is not None:
        return found
    plain = _plain(value)
    members = [each for each in plain.values() if each is not None] if isinstance(plain, dict) else []
    if len(members) == 1 and isinstance(members[0], str):
        return members[0]
    return plain if isinstance(plain, str) else json.dumps(plain, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if attrs.has(type(value)):
        return {field.name: getattr(value, field.name) for field in attrs.fields(type(value)) if field.repr}
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Collection) and not isinstance(value, str) else str(value)
