"""Filters and sort order of the searches of Alexa for Business, checked before sending.

Source: the service model of botocore 1.34.120, the last that has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from alexa_props.arguments import require_text
from alexa_props.errors import ConfigurationError

__all__ = ["search_arguments"]

_MAX_FILTERS: Final = 25
_MAX_VALUES: Final = 50
_MAX_LENGTH: Final = 500
_SORT_KEY: Final = re.compile(r"-?[A-Za-z]+")


def search_arguments(filters: Mapping[str, Sequence[str]] | None, sort: Sequence[str] | None) -> dict[str, object]:
    """Return filters and sort keys in the form of the wire; raises `ConfigurationError` if the model forbids them."""
    return {"filters": _filters(filters), "sort": _sort(sort)}


def _filters(filters: Mapping[str, Sequence[str]] | None) -> list[dict[str, Any]] | None:
    if filters is None:
        return None
    if not isinstance(filters, Mapping):
        raise ConfigurationError(f"filters must map each key to a list of values, not {filters!r}")
    if len(filters) > _MAX_FILTERS:
        raise ConfigurationError(f"filters may hold at most {_MAX_FILTERS} keys, not {len(filters)}")
    return [{"Key": _text("filters", key), "Values": _values(key, values)} for key, values in filters.items()]


def _values(key: str, values: Sequence[str]) -> list[str]:
    if isinstance(values, str | bytes | bytearray) or not isinstance(values, Sequence):
        raise ConfigurationError(f"filters[{key!r}] must be a list of values, not {values!r}")
    if len(values) > _MAX_VALUES:
        raise ConfigurationError(f"filters[{key!r}] may hold at most {_MAX_VALUES} values, not {len(values)}")
    return [_text(f"filters[{key!r}]", value) for value in values]


def _sort(sort: Sequence[str] | None) -> list[dict[str, str]] | None:
    if sort is None:
        return None
    if isinstance(sort, str | bytes | bytearray) or not isinstance(sort, Sequence):
        raise ConfigurationError(f'sort must be a list such as ["DeviceName", "-RoomName"], not {sort!r}')
    if len(sort) > _MAX_FILTERS:
        raise ConfigurationError(f"sort may hold at most {_MAX_FILTERS} keys, not {len(sort)}")
    for key in sort:
        if not isinstance(key, str) or not _SORT_KEY.fullmatch(key) or not _text("sort", key.removeprefix("-")):
            raise ConfigurationError(
                f'sort takes a key such as "DeviceName" to ascend, or "-DeviceName" to descend, not {key!r}'
            )
    return [{"Key": key.removeprefix("-"), "Value": "DESC" if key.startswith("-") else "ASC"} for key in sort]


def _text(argument: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_LENGTH:
        raise ConfigurationError(f"{argument} must hold strings of 1 to {_MAX_LENGTH} characters, not {value!r:.80}")
    return require_text(argument, value)
