"""Arguments that a command cannot use, as lines on standard error. Nothing was sent."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from alexa_props.errors import AlexaError, AmbiguousName, ConfigurationError, NameNotFound, NamesNotFound

__all__ = ["Unresolved", "lines_of"]

_SHOWN: Final = 10
"""Candidates that are listed."""


class Unresolved(ConfigurationError):
    """An argument of the command does not say which unit or device to use."""


def lines_of(error: AlexaError) -> list[str] | None:
    """Return the lines that report such an error; None for any other error.

    Paths are quoted for the shell. Lines after the first of an error are indented.
    """
    if isinstance(error, NamesNotFound):
        return [line for problem in error.problems for line in _lines(problem)]
    if isinstance(error, NameNotFound | AmbiguousName):
        return list(_lines(error))
    return [str(error)] if isinstance(error, Unresolved) else None


def _lines(problem: NameNotFound | AmbiguousName) -> Iterator[str]:
    if isinstance(problem, AmbiguousName):
        yield f"{problem.text!r} may be any of {len(problem.candidates)}; name one of them:"
        yield from _quoted(problem.candidates)
    else:
        yield str(problem).partition(": did you mean")[0] + ("; did you mean:" if problem.suggestions else "")
        yield from _quoted(problem.suggestions)


def _quoted(paths: Sequence[str]) -> Iterator[str]:
    for path in paths[:_SHOWN]:
        yield f"  {shlex.quote(path)}"
    if len(paths) > _SHOWN:
        yield f"  … and {len(paths) - _SHOWN:,} more"
