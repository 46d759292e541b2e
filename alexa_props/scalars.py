"""Scalars of JSON as Python values: strings, numbers, booleans, wrapped texts and times. Others raise an error."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import reprlib
from typing import Any, Final

__all__ = [
    "http_date",
    "kind_of",
    "shown",
    "structure_bool",
    "structure_float",
    "structure_int",
    "structure_plain_text",
    "structure_str",
    "structure_timestamp",
]

_MAX_SHOWN: Final = 40
"""Characters of a string that a message shows."""


def kind_of(value: object) -> str:
    """Return what JSON calls the type of a value."""
    return {dict: "an object", list: "an array", str: "a string", type(None): "null", bool: "a boolean"}.get(
        type(value), "a number"
    )


def shown(value: object) -> str:
    """Return a value for a message, whole or not at all: a secret that was cut would not be recognized as one."""
    if isinstance(value, str):
        return repr(value) if len(value) <= _MAX_SHOWN else f"a string of {len(value)} characters"
    return reprlib.repr(value) if isinstance(value, int | float) else kind_of(value)


def structure_str(value: Any, _: Any) -> str:
    """Return a string; a number is written as one."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf:
        # Such services now and then send a number for a string.
        return str(value)
    raise TypeError(f"a string was expected, not {kind_of(value)}")


def structure_int(value: Any, _: Any) -> int:
    """Return a whole number, also from its digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"a whole number was expected, not {kind_of(value)}")
    try:
        if isinstance(value, float) and not value.is_integer():
            raise ValueError
        return int(value)
    except (ValueError, OverflowError):
        raise ValueError(f"a whole number was expected, not {shown(value)}") from None


def structure_bool(value: Any, _: Any) -> bool:
    """Return a boolean, also from "true" and "false"."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise TypeError(f"a boolean was expected, not {kind_of(value)}")


def structure_float(value: Any, _: Any) -> float:
    """Return a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            return float(value)
    raise TypeError(f"a number was expected, not {shown(value)}")


def structure_plain_text(value: Any, _: Any) -> str:
    """Return the text of `{"type": "PLAIN", "value": {"text": …}}`."""
    try:
        return structure_str(value["value"]["text"], str)
    except (KeyError, TypeError):
        raise ValueError('{"type": "PLAIN", "value": {"text": …}} was expected') from None


def structure_timestamp(value: Any, _: Any) -> dt.datetime:
    """Return a time, aware and in UTC, from epoch seconds, ISO 8601 or an HTTP date."""
    try:
        return _timestamp(value)
    except (ValueError, OverflowError, OSError, TypeError):
        raise ValueError(
            f"{shown(value)} is not a time: epoch seconds, ISO 8601 or an HTTP date was expected"
        ) from None


def _timestamp(value: Any) -> dt.datetime:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int | float):
        # Milliseconds are out of range here: guessing would hide an error by a factor of 1,000.
        return dt.datetime.fromtimestamp(value, dt.UTC)
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        moment = http_date(value)
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def http_date(value: str) -> dt.datetime:
    """Return an HTTP date as a datetime, which may be naive; raises `ValueError`."""
    # Imported here: email takes long to import, and hardly any response has such a date.
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(value)
