"""Checks of the arguments of calls: ids, lists, texts, choices and documented limits."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any, ClassVar, TypeVar

from alexa_props.errors import ConfigurationError

__all__ = [
    "Identified",
    "id_of",
    "is_id_name",
    "is_ids_name",
    "require_choice",
    "require_id",
    "require_ids",
    "require_limits",
    "require_list",
    "require_page_size",
    "require_text",
    "require_whole",
    "summarize",
]

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)


class Identified:
    """Base of models that methods take in place of their id."""

    __slots__ = ()
    id_arguments: ClassVar[tuple[str, ...]]
    """Names of the arguments that take it."""
    id_field: ClassVar[str] = "id"

    @property
    def own_id(self) -> str:
        """The id of the model."""
        own_id: str = getattr(self, self.id_field)
        return own_id


def id_of(argument: str, value: object) -> object:
    """Return the id of a model if this argument takes the model; any other value unchanged."""
    return value.own_id if isinstance(value, Identified) and argument in value.id_arguments else value


def is_id_name(name: str) -> bool:
    """Return whether an argument or a field of this name holds an id."""
    return name == "id" or name.endswith(("_id", "_arn"))


def is_ids_name(name: str) -> bool:
    """Return whether an argument or a field of this name holds a list of ids."""
    return name.endswith("_ids")


def require_id(argument: str, value: object) -> str:
    """Return an id. Ids are opaque: any string is one, except an empty one or a dot segment."""
    if not isinstance(value, str):
        value = id_of(argument, value)
    if not isinstance(value, str) or value in ("", ".", ".."):
        raise ConfigurationError(
            f'{argument} must be an id: a string, not empty and not "." or "..", not {_shown(value)}'
        )
    return require_text(argument, value, "an id")


def require_list(
    argument: str, value: Iterable[T] | object, least: int = 0, most: int | None = None, *, quote: bool = True
) -> tuple[T, ...]:
    """Return the items of a list; raises `ConfigurationError` for a string, a mapping, or what is not iterable."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        shown = _shown(value) if quote else type(value).__name__
        raise ConfigurationError(f"{argument} must be a list, not {shown}")
    listed = tuple(value)
    require_limits(argument, listed, least, most)
    return listed


def _shown(value: object) -> str:
    """Return a value for a message; not the members of a mapping that stands for a model, which may be secret."""
    return type(value).__name__ if isinstance(value, Mapping) else f"{value!r:.80}"


def require_ids(argument: str, value: object, least: int = 0, most: int | None = None) -> tuple[str, ...]:
    """Return a list of ids, models replaced by their ids."""
    listed: tuple[object, ...] = require_list(argument, value, least, most)
    return tuple(require_id(argument, each) for each in listed)


def summarize(names: Sequence[str]) -> str:
    """Return how messages name several things: the first, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def require_choice(argument: str, value: object, kind: type[E]) -> E:
    """Return the member of an enum for a value; raises `ConfigurationError` that lists the members."""
    try:
        return kind(value if isinstance(value, str) else "")
    except ValueError:
        names = ", ".join(f'"{member}"' for member in kind)
        raise ConfigurationError(f"{argument} must be one of {names}, not {value!r:.80}") from None


def require_limits(argument: str, value: object, least: int, most: int | None) -> None:
    """Raise `ConfigurationError` unless it is a text or a list whose length is in range."""
    bounds = f"at least {least:,}" if most is None else f"{least:,} to {most:,}"
    if isinstance(value, str):
        noun = "character" if bounds.endswith(" 1") else "characters"
        allowed, shown = f"{bounds} {noun} long", f"{len(value):,}"
    elif isinstance(value, Sized):
        noun = "item" if bounds.endswith(" 1") else "items"
        allowed, shown = f"a list of {bounds} {noun}", f"of {len(value):,}"
    else:
        raise ConfigurationError(f"{argument} must be a text or a list, of {bounds}, not {value!r:.80}")
    if len(value) < least or (most is not None and len(value) > most):
        raise ConfigurationError(f"{argument} must be {allowed}, not {shown}")


def require_whole(argument: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Return a whole number in a range, or any if there is none; raises `ConfigurationError` for anything else."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and (least is None or value >= least) and (most is None or value <= most):
        return int(value)
    allowed = "" if least is None else f" from {least} to {most}" if most is not None else f" of at least {least}"
    raise ConfigurationError(f"{argument} must be a whole number{allowed}, not {value!r:.80}")


def require_text(argument: str, value: str, what: str = "text") -> str:
    """Return a string that can be sent: one without half a surrogate pair."""
    try:
        if not value.isascii():
            value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{argument} must be {what}: {value!r:.80} holds half a surrogate pair") from None
    return value


def require_page_size(page_size: object, *, maximum: int | None) -> int | None:
    """Return a page size from 1 to `maximum` (None: no upper limit); None leaves it to the service."""
    if page_size is None:
        return None
    if (
        isinstance(page_size, bool)
        or not isinstance(page_size, int)
        or page_size < 1
        or (maximum is not None and page_size > maximum)
    ):
        allowed = "a whole number of at least 1" if maximum is None else f"a whole number from 1 to {maximum}"
        raise ConfigurationError(f"page_size must be {allowed}, or None, not {page_size!r}")
    return page_size
