"""What the rate limiter knows of each scope: to look at, to save, and to give to the next process."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any, Self

import attrs

from alexa_props.errors import ConfigurationError

__all__ = ["Limits", "ScopeLimits"]


@attrs.frozen(kw_only=True)
class ScopeLimits:
    """What the rate limiter knows and does for one scope, now.

    Attributes:
        rate: requests a second that may leave now.
        ceiling: requests a second that the service seems to accept: what it was told, or what refusals showed; None
            until then.
        waiting: calls in line.
        in_flight: requests under way.
        refused: answers that said "throttled", since the client was made.
        paused_until: nothing leaves before; None when nothing is paused.
        last_request_id: request id of the last refusal.

    """

    rate: float
    ceiling: float | None = None
    waiting: int = 0
    in_flight: int = 0
    refused: int = 0
    paused_until: dt.datetime | None = None
    last_request_id: str | None = None


class Limits(dict[str, ScopeLimits]):
    """The limits of a client by scope: the name of an operation, or that of a shared scope.

    `SmartProperties(limits=…)` and `AlexaForBusiness(limits=…)` take it, so that the next process starts with the rates
    that this one has learned instead of finding them again.
    """

    def to_json(self) -> str:
        """What was learned, as a JSON object: for each scope the rate, the ceiling, and until when it is paused."""
        return json.dumps(
            {
                name: {
                    "rate": scope.rate,
                    "ceiling": scope.ceiling,
                    "paused_until": scope.paused_until and scope.paused_until.isoformat(),
                }
                for name, scope in self.items()
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What `to_json` gave; raises `ConfigurationError` for anything else."""
        try:
            scopes = json.loads(text)
            return cls({str(name): _scope(**learned) for name, learned in scopes.items()})
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigurationError(f"these are no limits that were saved with to_json: {error}") from None


def _scope(*, rate: Any, ceiling: Any, paused_until: Any, **_: Any) -> ScopeLimits:
    for number in (rate,) if ceiling is None else (rate, ceiling):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < math.inf:
            raise ValueError(f"a rate must be a number above 0, not {number!r}")
    until = None if paused_until is None else dt.datetime.fromisoformat(paused_until)
    if until is not None and until.tzinfo is None:
        raise ValueError("paused_until must say its time zone")
    return ScopeLimits(rate=float(rate), ceiling=ceiling and float(ceiling), paused_until=until)
