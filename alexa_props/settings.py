"""Frozen settings of a client. All times are seconds."""

from __future__ import annotations

import enum
import ipaddress
import os
import sys
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, NoReturn, Self, TypeGuard

import attrs
import httpx

from alexa_props.errors import ConfigurationError

__all__ = [
    "Identified",
    "RateLimit",
    "Region",
    "RetryPolicy",
    "Secret",
    "Timeouts",
    "Unpicklable",
    "id_of",
    "is_loopback",
    "is_number",
    "require_env",
    "require_https",
    "require_id",
    "require_page_size",
    "require_text",
]


class Unpicklable:
    """Base of what holds secrets: it cannot be pickled, as a pickle is on a disk or a wire soon. A copy is itself."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not pickled, for it may hold secrets: make one where it is needed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self


class Secret(Unpicklable):
    """A string that stays out of reprs, logs and traceback locals; `reveal()` gives it back."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def wrap(cls, value: str | httpx.URL | Secret | None) -> Secret | None:
        """Wrap a setting that may hold a password, such as a proxy's URL. None and secrets are returned unchanged."""
        return value if value is None or isinstance(value, Secret) else cls(str(value))

    def reveal(self) -> str:
        """The secret itself: use it in an expression, never bind it to a name that a traceback could show."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return isinstance(self._value, str) and self._value != ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number: no boolean, and no int that is too large for a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _number(minimum: float, *, optional: bool = False, whole: bool = False) -> Any:
    """An attrs validator: a finite number of at least `minimum`, or None where that is allowed."""

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


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When and how a failed attempt is repeated.

    An attempt is repeated only if the operation is safe to repeat or nothing was sent, the failure is transient, and
    attempts, deadline and the client's retry quota have room. Waits are drawn between 0 and `base · 2ⁿ`, at most `cap`.

    A throttled attempt is no failure: the service has not handled it, and it returns to the rate limiter's queue. That
    ends with the call's deadline, `max_wait` or `max_retry_after`, after two minutes in which the service accepted no
    request of that rate limit, or after 100 refusals of one call. A call that is refused again and again while others
    are accepted waits as after a failure, and its refusals no longer slow the others.

    Attributes:
        max_attempts: attempts that may fail, at least 1; 1 disables retries.
        base: longest wait before the first retry.
        cap: longest wait before any retry.
        max_retry_after: a `Retry-After` up to this is waited for; beyond it the error is raised with the wait in it.

    """

    max_attempts: int = attrs.field(default=4, validator=_number(1, whole=True))
    base: float = attrs.field(default=0.5, validator=_number(0))
    cap: float = attrs.field(default=20.0, validator=_number(0))
    max_retry_after: float = attrs.field(default=120.0, validator=_number(0))


@attrs.frozen(kw_only=True)
class RateLimit:
    """How fast requests leave.

    Attributes:
        per_second: the known quota in requests a second; None lets the limiter find it.
        burst: how many requests may leave at once after a time without, at least 1. Where the event loop was held up,
            up to 5 that are due leave at once all the same.
        scope: clients of one event loop whose rate limits name the same scope share one quota; None gives each
            operation of each client its own.
        max_wait: longest wait for the turns of a call, all attempts together; a longer one raises `RateLimitTooLong`
            as soon as it is known, or `Throttled` after a refusal. None waits.

    """

    per_second: float | None = attrs.field(default=None, validator=_number(0.001, optional=True))
    burst: int = attrs.field(default=1, validator=_number(1, whole=True))
    scope: Hashable | None = attrs.field(default=None, validator=_hashable)
    max_wait: float | None = attrs.field(default=None, validator=_number(0, optional=True))


@attrs.frozen(kw_only=True)
class Timeouts:
    """Time limits.

    Attributes:
        connect: for one connection, TLS included.
        read: between two reads of one answer.
        pool: for a free place in the connection pool.
        total: for a whole call, waits and retries in it; None sets no limit. A request for a token that is under way
            has up to 5 s more to end, and a token store 10 s to keep what it gave.

    """

    connect: float = attrs.field(default=5.0, validator=_number(0.001))
    read: float = attrs.field(default=30.0, validator=_number(0.001))
    pool: float = attrs.field(default=30.0, validator=_number(0.001))
    total: float | None = attrs.field(default=None, validator=_number(0.001, optional=True))


class Region(enum.StrEnum):
    """Regions of Alexa Smart Properties: pick by the country of the organization.

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


_HOSTS: Mapping[Region, str] = {
    Region.NA: "https://api.amazonalexa.com",
    Region.EU: "https://api.eu.amazonalexa.com",
    Region.FE: "https://api.fe.amazonalexa.com",
}


def require_env(name: str) -> str:
    """The environment variable `name`; raises `ConfigurationError` if it is missing or empty."""
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"the environment variable {name} is not set")
    return value


def require_https(argument: str, url: str) -> httpx.URL:
    """The URL, if it is https, or http to this machine; raises `ConfigurationError` that names the argument."""
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
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Identified:
    """Base of models that go wherever their id goes."""

    __slots__ = ()
    id_arguments: ClassVar[tuple[str, ...]]
    """Arguments that take it."""
    id_field: ClassVar[str] = "id"

    @property
    def own_id(self) -> str:
        """The id that it stands for."""
        own_id: str = getattr(self, self.id_field)
        return own_id


def id_of(argument: str, value: object) -> object:
    """The id of a model that may stand in this argument; any other value unchanged."""
    return value.own_id if isinstance(value, Identified) and argument in value.id_arguments else value


def require_id(argument: str, value: object) -> str:
    """An id that may go into a path or query: any string but an empty one or a dot segment. Ids are opaque."""
    if not isinstance(value, str):
        value = id_of(argument, value)
    if not isinstance(value, str) or value in ("", ".", ".."):
        raise ConfigurationError(
            f'{argument} must be an id: a string, not empty and not "." or "..", not {value!r:.80}'
        )
    return require_text(argument, value, "an id")


def require_text(argument: str, value: str, what: str = "text") -> str:
    """A string that can be sent: one without half a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{argument} must be {what}: {value!r:.80} holds half a surrogate pair") from None
    return value


def require_page_size(page_size: object, *, maximum: int | None) -> int | None:
    """A page size from 1 to `maximum` (None: no upper limit); None sends none and leaves it to the service."""
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
