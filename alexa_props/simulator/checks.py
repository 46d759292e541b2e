"""Checks of what comes in from outside: bodies that are JSON, and settings that make sense."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs

__all__ = ["MOST", "checked", "choice", "digits", "flag", "number", "parse_json", "text", "whole"]

MOST = 1_000_000_000
"""More seconds, calls or pages than anybody waits for, and few enough to calculate with."""

_MOST_LEVELS = 100
_MOST_DIGITS = 9


def parse_json(body: bytes) -> object:
    """What a body of JSON says.

    Raises:
        ValueError: It is no JSON, it is nested too deeply, or it could not be written again: it has half a surrogate
            pair in it, or a number that is none.
    """
    try:
        value: object = json.loads(body)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    level = [value]
    for _ in range(_MOST_LEVELS):
        level = [below for each in level for below in _below(each)]
    if level:
        raise ValueError("the JSON is nested too deeply")
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def _below(value: object) -> Sequence[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def digits(name: str, value: str) -> int:
    """The whole number that a few decimal digits stand for.

    Raises:
        ValueError: There are none, too many, or other characters among them.
    """
    if not value.isascii() or not value.isdigit() or len(value) > _MOST_DIGITS:
        raise ValueError(f"{name} is a whole number of at most {_MOST_DIGITS} digits")
    return int(value)


def number(name: str, value: object, least: float = 0, most: float = MOST) -> float:
    """A number within limits, as it is.

    Raises:
        TypeError: It is no number.
        ValueError: It is out of its limits, or not a number at all.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number, not of type {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name} is a number from {least} to {most}")
    return value


def whole(name: str, value: object, least: int = 0, most: int = MOST) -> int:
    """A whole number within limits, as it is.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is out of its limits.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is a whole number, not of type {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return value


def flag(name: str, value: object) -> bool:
    """True or False, as it is.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} is true or false, not of type {type(value).__name__}")
    return value


def text(name: str, value: object) -> str:
    """A text that can be sent, as it is.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty, or it has half a surrogate pair in it.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} is a string, not of type {type(value).__name__}")
    if not value or value != value.encode(errors="ignore").decode():
        raise ValueError(f"{name} is a string that is not empty and can be encoded")
    return value


def choice(name: str, value: object, values: Sequence[str]) -> None:
    """Refuses what is not one of some values.

    Raises:
        ValueError: It is none of them.
    """
    if value not in values:
        raise ValueError(f"{name} is one of {', '.join(values)}, not {value!r}")


def checked(
    check: Callable[..., object], *limits: Any, optional: bool = False
) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """One of these checks as a validator of an attribute, which may be None where it is optional."""

    def validate(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not (optional and value is None):
            check(attribute.name, value, *limits)

    return validate
