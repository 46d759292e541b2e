"""How the journal records an item that has ended, and reads it again."""

from __future__ import annotations

import json
import math
from typing import Final, Literal, TypeAlias, get_args

import attrs

from alexa_props.errors import JournalError
from alexa_props.fleet.outcome import Failure, Status

__all__ = ["Begun", "Earlier", "read_record", "story_of"]

_INTERRUPTED: Final = (
    "an earlier run was interrupted while a request was in flight that must not be sent twice: check whether it took "
    "effect"
)


@attrs.frozen
class Earlier:
    """How an earlier run left an item that is not to be sent again."""

    status: Status
    attempts: int = 0
    elapsed: float = 0.0
    message: str = ""
    failures: tuple[Failure, ...] = ()


Begun: TypeAlias = "Earlier | Literal['go', 'twice']"
"""What the journal says of an item: send it; this run already has it; or how an earlier run left it."""


def story_of(ended: Earlier) -> str | None:
    """Return what the journal stores of what went wrong; None if nothing did."""
    if ended.status == "done":
        return None
    return json.dumps(attrs.asdict(ended, recurse=False), default=attrs.astuple)


def read_record(key: str, status: object, story: object) -> Earlier:
    """Return how an item ended, from its record. Somebody may have edited it.

    Raises:
        JournalError: It is not a record that a run writes.

    """
    if status == "started" and story is None:
        return Earlier("unknown", message=_INTERRUPTED, failures=(Failure("unknown", "Interrupted", _INTERRUPTED),))
    try:
        if not isinstance(story, str):
            raise TypeError("it does not say what went wrong")
        ended = json.loads(story)
        earlier = Earlier(**{**ended, "failures": tuple(Failure(*failure) for failure in ended["failures"])})
        _check(earlier, status)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise JournalError(f"the record of {key!r:.80} is damaged: {error}") from None
    return earlier


def _check(earlier: Earlier, status: object) -> None:
    if earlier.status != status or status not in ("failed", "unknown"):
        raise ValueError("its status is invalid")
    number = isinstance(earlier.attempts, int) and isinstance(earlier.elapsed, int | float)
    if not (number and math.isfinite(earlier.elapsed) and isinstance(earlier.message, str)):
        raise ValueError("its attempts, elapsed time or message is invalid")
    for failure in earlier.failures:
        required, optional = attrs.astuple(failure)[:3], attrs.astuple(failure)[3:]
        texts = all(isinstance(each, str) for each in required) and all(
            isinstance(each, str | None) for each in optional
        )
        if not texts or failure.status not in get_args(Status):
            raise ValueError("one of its failures is invalid")
