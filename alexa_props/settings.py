"""Frozen settings of a client. All times are seconds."""

from __future__ import annotations

import enum
import ipaddress
import os
import sys
from collections.abc import Hashable, Mapping
from typing import Any, TypeGuard

import attrs
import httpx

from alexa_props.errors import ConfigurationError
from alexa_props.secret import Secret, Unpicklable
from alexa_props.shared import Shared

__all__ = [
    "RateLimit",
    "Region",
    "RetryPolicy",
    "Secret",
    "Timeouts",
    "Unpicklable",
    "is_loopback",
    "is_number",
    "require_env",
    "require_https",
]


def is_number(value: object) -> TypeGuard[float]:
    """Return whether it is a finite number: no boolean, and no int that is too large for a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _number(minimum: float, *, optional: bool = False, whole: bool = False) -> Any:
    """Return an attrs validator: a finite number of at least `minimum`, or None if that is allowed."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None and optional:
            return
        if not (is_number(value) and value >= minimum) or (whole and not isinstance(value, int)):
            where = f"{type(instance).__name__}({attribute.name}=…)"
            allowed = f"a {'whole ' if whole else ''}number of at least {minimum:g}" + (" or None" if optional else "")
            raise ConfigurationError(f"{where} must be {allowed}, not {value!r:.80}")

    return check


def _hashable(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:  # noqa: ARG001 - attrs' interface
    if not isinstance(value, Hashable):
        raise ConfigurationError(f"RateLimit(scope=…) must be hashable, such as a string, not {value!r}")


def _store(value: Shared | str | os.PathLike[str] | None) -> Shared | None:
    if not isinstance(value, str | os.PathLike):
        return value
    from alexa_props.shared.host import HostShared  # here: most clients share nothing

    return HostShared(value)


def _shared(instance: RateLimit, _: attrs.Attribute[Any], value: object) -> None:
    if value is None:
        return
    if not isinstance(value, Shared):
        raise ConfigurationError(
            f"RateLimit(shared=…) must be a folder, a HostShared, a RedisShared or None, not {value!r:.80}"
        )
    if not isinstance(instance.scope, str | None):
        raise ConfigurationError(
            f"RateLimit(scope=…) must be a string if processes share it, not {instance.scope!r:.80}"
        )


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When and how a failed attempt is repeated.

    An attempt is repeated only if the operation is safe to repeat or nothing was sent, the failure is transient, and
    attempts, deadline and the client's retry quota have room. Waits are random, between 0 and `base * 2**n`, and at
    most `cap`.

    A throttled attempt is no failure: the service has not handled it, and it returns to the rate limiter's queue. That
    ends with the call's deadline, `max_wait` or `max_retry_after`, after two minutes in which the service accepted no
    request of that rate limit, or after 100 refusals of one call. A call that is refused repeatedly while others are
    accepted backs off by itself, and its refusals no longer slow the others.
    """

    max_attempts: int = attrs.field(default=4, validator=_number(1, whole=True))
    """Attempts that may fail, at least 1; 1 disables retries."""
    base: float = attrs.field(default=0.5, validator=_number(0))
    """Longest wait before the first retry, in seconds."""
    cap: float = attrs.field(default=20.0, validator=_number(0))
    """Longest wait before any retry, in seconds."""
    max_retry_after: float = attrs.field(default=120.0, validator=_number(0))
    """Longest `Retry-After` to wait for, in seconds; a longer one raises the error, with the wait in it."""


@attrs.frozen(kw_only=True)
class RateLimit:
    """How fast requests are sent."""

    per_second: float | None = attrs.field(default=None, validator=_number(0.001, optional=True))
    """The known quota in requests per second; None discovers it."""
    burst: int = attrs.field(default=1, validator=_number(1, whole=True))
    """Requests that may be sent together after a time without any, at least 1. If the event loop was blocked, up to 5
    that are due are sent together anyway."""
    scope: Hashable | None = attrs.field(default=None, validator=_hashable)
    """Clients of one event loop whose rate limits have the same scope share one quota; None gives each operation of
    each client its own."""
    max_wait: float | None = attrs.field(default=None, validator=_number(0, optional=True))
    """Longest wait of a call at the rate limiter, in seconds, all attempts together. A longer one raises
    `RateLimitTooLong` as soon as it is known, or `Throttled` after a refusal. None sets no limit."""
    shared: Shared | None = attrs.field(default=None, converter=_store, validator=_shared)
    """Processes with the same `shared` share each quota: its learned rate, its turns, lanes and pauses. Pass a folder
    for the processes of this host, or a `RedisShared`. Use one per Amazon account. While the store cannot be reached,
    each process continues with its share of the rate. None shares with no other process."""


@attrs.frozen(kw_only=True)
class Timeouts:
    """Time limits in seconds."""

    connect: float = attrs.field(default=5.0, validator=_number(0.001))
    """For one connection, TLS included."""
    read: float = attrs.field(default=30.0, validator=_number(0.001))
    """Between two reads of one response."""
    pool: float = attrs.field(default=30.0, validator=_number(0.001))
    """For a free place in the connection pool."""
    total: float | None = attrs.field(default=None, validator=_number(0.001, optional=True))
    """For a whole call, waits and retries included; None sets no limit. A request for a token that is in flight has up
    to 5 s more to end, and a token store 10 s to save the token."""


class Region(enum.StrEnum):
    """Regions of Alexa Smart Properties, chosen by the country of the organization.

    Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/unit-api.html
    """

    NA = "NA"
    """US, CA"""
    EU = "EU"
    """DE, ES, FR, IT, UK"""
    FE = "FE"
    """JP"""

    @property
    def base_url(self) -> str:
        """The API host of the region."""
        return _HOSTS[self]

    @property
    def credential_locker_url(self) -> str:
        """The host that stores Wi-Fi passwords. That of FE is known from samples only."""
        return _CREDENTIAL_LOCKERS[self]


_HOSTS: Mapping[Region, str] = {
    Region.NA: "https://api.amazonalexa.com",
    Region.EU: "https://api.eu.amazonalexa.com",
    Region.FE: "https://api.fe.amazonalexa.com",
}
_CREDENTIAL_LOCKERS: Mapping[Region, str] = {
    Region.NA: "https://credential-locker-service.amazon.com",
    Region.EU: "https://credential-locker-service.amazon.eu",
    Region.FE: "https://credential-locker-service.amazon.jp",
}


def require_env(name: str) -> str:
    """Return an environment variable; raises `ConfigurationError` if it is missing or empty."""
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"the environment variable {name} is not set")
    return value


def require_https(argument: str, url: str) -> httpx.URL:
    """Return the URL if it is https, or http to this machine; raises `ConfigurationError` otherwise."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError(f"{argument} must be a URL that begins with https://") from None
    if parsed.userinfo or parsed.query or parsed.fragment:
        # Not quoted: it may be a password.
        raise ConfigurationError(f"{argument} must be a URL without user name, query and fragment")
    if parsed.scheme == "https" and parsed.host:
        return parsed
    if parsed.scheme == "http" and is_loopback(parsed.host):
        return parsed
    raise ConfigurationError(
        f"{argument} must be https, or http to this machine (localhost, 127.0.0.1, [::1]), not {str(parsed)!r}"
    )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
