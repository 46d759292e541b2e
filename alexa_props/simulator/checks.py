"""Checks of input: JSON bodies, and the values of settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs

__all__ = ["MOST", "checked", "choice", "digits", "flag", "number", "parse_json", "text", "whole"]

MOST = 1_000_000_000
"""A limit of seconds, calls and pages that is beyond any use, and safe to calculate with."""

_MOST_LEVELS = 100
_MOST_DIGITS = 9


def parse_json(body: bytes) -> object:
    """Return the parsed JSON of a body.

    Raises:
        ValueError: It is not JSON, is nested too deeply, or could not be sent again, because it contains NaN, an
            infinity or half a surrogate pair.
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
    """Return the whole number that decimal digits represent.

    Raises:
        ValueError: There are no digits, too many, or other characters among them.
    """
    if not value.isascii() or not value.isdigit() or len(value) > _MOST_DIGITS:
        raise ValueError(f"{name} must be a whole number of at most {_MOST_DIGITS} digits")
    return int(value)


def number(name: str, value: object, least: float = 0, most: float = MOST) -> float:
    """Return a number within limits, unchanged.

    Raises:
        TypeError: It is not a number.
        ValueError: It is out of range, or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not of type {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least} to {most}")
    return value


def whole(name: str, value: object, least: int = 0, most: int = MOST) -> int:
    """Return a whole number within limits, unchanged.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not of type {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
    return value


def flag(name: str, value: object) -> bool:
    """Return True or False, unchanged.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false, not of type {type(value).__name__}")
    return value


def text(name: str, value: object) -> str:
    """Return a text that can be sent, unchanged.

    Raises:
        TypeError: It is not text.
        ValueError: It is empty, or contains half a surrogate pair.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not of type {type(value).__name__}")
    if not value or value != value.encode(errors="ignore").decode():
        raise ValueError(f"{name} must be a string that is not empty and can be encoded")
    return value


def choice(name: str, value: object, values: Sequence[str]) -> None:
    """Check that a value is one of several.

    Raises:
        ValueError: It is not.
    """
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(values)}, not {value!r}")


def checked(
    check: Callable[..., object], *limits: Any, optional: bool = False
) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Return one of these checks as a validator of an attribute, which may be None if it is optional."""

    def validate(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not (optional and value is None):
            check(attribute.name, value, *limits)

    return validate
