"""The rate limiter's knowledge by scope: to read, save, and pass to the next process."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any, Literal, Self

import attrs

from alexa_props.errors import ConfigurationError

__all__ = ["Limits", "ScopeLimits"]


def _rate(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        raise ConfigurationError(f"{attribute.name} must be requests per second, above 0, not {value!r:.40}")


def _aware(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise ConfigurationError(f"{attribute.name} must be a time with a time zone, not {value!r:.40}")


@attrs.frozen(kw_only=True)
class ScopeLimits:
    """The current state and the learned rates of one scope."""

    rate: float = attrs.field(validator=_rate)
    """Requests per second that may be sent now."""
    ceiling: float | None = attrs.field(default=None, validator=attrs.validators.optional(_rate))
    """Requests per second that the service seems to accept: the configured rate, or what refusals showed. None until
    then."""
    waiting: int = 0
    """Queued calls."""
    in_flight: int = 0
    """Attempts that were sent, or wait for a token."""
    refused: int = 0
    """Responses that said "throttled", since the first client of the scope was made."""
    paused_until: dt.datetime | None = attrs.field(default=None, validator=attrs.validators.optional(_aware))
    """Nothing is sent before this time; None if nothing is paused."""
    last_request_id: str | None = None
    """Request id of the last refusal."""
    members: int = 1
    """Clients that used the rate limit in the last 5 s, in all processes that share it."""
    sharing: Literal["no", "yes", "alone"] = "no"
    """Whether processes share it (`RateLimit(shared=…)`); "alone" while the store cannot be used."""
    learned_at: dt.datetime | None = attrs.field(default=None, validator=attrs.validators.optional(_aware))
    """When rate or ceiling last changed; None if nothing was learned. Limits without it never count as old."""


class Limits(dict[str, ScopeLimits]):
    """The limits of a client by scope: the name of an operation, or that of a shared scope.

    Pass it as `SmartProperties(limits=…)` or `AlexaForBusiness(limits=…)`, so that the next process starts with the
    rates that this one has learned. A shared scope that another client has already made keeps its own. Another process
    finds a shared scope again only if its name is a string.

    Limits older than an hour, by `learned_at`, are a starting point: the search for the ceiling begins at half of it.
    After 30 days they are not used.
    """

    def to_json(self) -> str:
        """Return what was learned as a JSON object: rate, ceiling, end of the pause and time of each scope."""
        return json.dumps(
            {
                name: {
                    "rate": scope.rate,
                    "ceiling": scope.ceiling,
                    "paused_until": scope.paused_until and scope.paused_until.isoformat(),
                    "learned_at": scope.learned_at and scope.learned_at.isoformat(),
                }
                for name, scope in self.items()
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the limits that `to_json` saved.

        Raises:
            ConfigurationError: The text is anything else.

        """
        try:
            return cls({str(name): _scope(**learned) for name, learned in json.loads(text).items()})
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ConfigurationError(f"the text holds no limits that were saved with Limits.to_json: {error}") from None


def _scope(*, rate: Any, ceiling: Any, paused_until: Any, learned_at: Any = None, **_: Any) -> ScopeLimits:
    return ScopeLimits(rate=rate, ceiling=ceiling, paused_until=_time(paused_until), learned_at=_time(learned_at))


def _time(text: Any) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
