"""Values that stay out of reprs, logs, tracebacks and pickles."""

from __future__ import annotations

from typing import NoReturn, Self

import httpx

__all__ = ["Secret", "Unpicklable"]


class Unpicklable:
    """Base of what holds secrets: it cannot be pickled, because pickles are stored and sent. A copy is itself."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled, because it may hold secrets: create one where it is needed"
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self


class Secret(Unpicklable):
    """A string that stays out of reprs, logs and traceback locals; `reveal()` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def wrap(cls, value: str | httpx.URL | Secret | None) -> Secret | None:
        """Wrap a setting that may hold a password, such as a proxy's URL. None and secrets are returned unchanged."""
        return value if value is None or isinstance(value, Secret) else cls(str(value))

    def reveal(self) -> str:
        """Return the secret: use it in an expression, never bind it to a name that a traceback could show."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return isinstance(self._value, str) and self._value != ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
