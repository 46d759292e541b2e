"""What the rate limiter knows of each scope: to look at, to save, and to give to the next process."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any, Self

import attrs

from alexa_props.errors import ConfigurationError

__all__ = ["Limits", "ScopeLimits"]


def _rate(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        raise ConfigurationError(f"{attribute.name} must be requests a second, above 0, not {value!r:.40}")


def _aware(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise ConfigurationError(f"{attribute.name} must be a time with its time zone, not {value!r:.40}")


@attrs.frozen(kw_only=True)
class ScopeLimits:
    """What the rate limiter knows and does for one scope, now.

    Attributes:
        rate: requests a second that may leave now.
        ceiling: requests a second that the service seems to accept: what it was told, or what refusals showed; None
            until then.
        waiting: calls in line.
        in_flight: attempts under way, or waiting for a token.
        refused: answers that said "throttled", since the first client of the scope was made.
        paused_until: nothing leaves before; None when nothing is paused.
        last_request_id: request id of the last refusal.

    """

    rate: float = attrs.field(validator=_rate)
    ceiling: float | None = attrs.field(default=None, validator=attrs.validators.optional(_rate))
    waiting: int = 0
    in_flight: int = 0
    refused: int = 0
    paused_until: dt.datetime | None = attrs.field(default=None, validator=attrs.validators.optional(_aware))
    last_request_id: str | None = None


class Limits(dict[str, ScopeLimits]):
    """The limits of a client by scope: the name of an operation, or that of a shared scope.

    `SmartProperties(limits=…)` and `AlexaForBusiness(limits=…)` take it, so that the next process starts with the rates
    that this one has learned instead of finding them again. A shared scope that another client has made already keeps
    what it knows, and only one whose name is a string is found again in another process.
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
            return cls({str(name): _scope(**learned) for name, learned in json.loads(text).items()})
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ConfigurationError(f"these are no limits that were saved with to_json: {error}") from None


def _scope(*, rate: Any, ceiling: Any, paused_until: Any, **_: Any) -> ScopeLimits:
    until = None if paused_until is None else dt.datetime.fromisoformat(paused_until)
    return ScopeLimits(rate=rate, ceiling=ceiling, paused_until=until)
