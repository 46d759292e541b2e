"""Options of clients and of their calls."""

from __future__ import annotations

import functools
import os
import platform
import ssl
from collections.abc import Iterable, Mapping
from typing import TypedDict

import attrs
import httpx

from alexa_props.call import Lane
from alexa_props.errors import ConfigurationError
from alexa_props.hooks import Hook
from alexa_props.limits import ScopeLimits
from alexa_props.settings import RateLimit, RetryPolicy, Secret, Timeouts, is_number
from alexa_props.version import installed_version

__all__ = ["CallOptions", "ClientOptions", "require_name", "require_type", "user_agent"]


class ClientOptions(TypedDict, total=False):
    """Options of the clients of both services and of what creates one, such as `from_env`."""

    name: str | None
    """Name of the client, such as that of the organization: in events, log records, spans, metrics and the repr."""
    base_url: str | None
    """In place of the region's host: https, or http to this machine."""
    transport: httpx.AsyncBaseTransport | None
    """In place of the connection pool, innermost; closed with the client."""
    proxy: str | Secret | None
    """URL of a proxy. Defaults to HTTPS_PROXY and NO_PROXY, and to none for loopback."""
    verify: ssl.SSLContext | str | os.PathLike[str] | None
    """An `ssl.SSLContext` or the path of a CA file. Defaults to SSL_CERT_FILE or the bundled CAs."""
    retry: RetryPolicy | None
    """Retry policy of all calls."""
    rate_limit: RateLimit | None
    """How fast requests are sent. By default the rate limiter discovers what the service accepts."""
    limits: Mapping[str, ScopeLimits] | None
    """`limits` of an earlier client, so that its rates need not be discovered again."""
    timeouts: Timeouts | None
    """Time limits."""
    max_connections: int
    """Maximum number of requests in flight, at least 1. Defaults to 100."""
    hooks: Iterable[Hook]
    """Functions that receive the events of calls and attempts."""
    user_agent: str | None
    """Put before the library's own, such as "my-app/1.2"."""


@attrs.frozen
class CallOptions:
    """Options of the calls of one client or view: see `Client.with_options`."""

    deadline: float | None
    max_wait: float | None
    priority: Lane | None
    retry: RetryPolicy

    def replace(
        self, deadline: float | None, max_wait: float | None, priority: Lane | None, retry: RetryPolicy | None
    ) -> CallOptions:
        """Return these options with others that are not None; raises `ConfigurationError` if one is out of range."""
        for name, value in (("deadline", deadline), ("max_wait", max_wait)):
            if value is not None and not (is_number(value) and value >= 0):
                raise ConfigurationError(f"{name} must be seconds, at least 0, not {value!r:.80}")
        if priority not in (None, "interactive", "bulk"):
            raise ConfigurationError(f'priority must be "interactive" or "bulk", not {priority!r}')
        require_type("retry", retry, RetryPolicy)
        return CallOptions(
            self.deadline if deadline is None else deadline,
            self.max_wait if max_wait is None else max_wait,
            priority or self.priority,
            retry or self.retry,
        )


def require_name(name: object) -> None:
    """Raise `ConfigurationError` for a name of a client that is neither None nor printable text."""
    if name is not None and not (isinstance(name, str) and name and name.isprintable()):
        raise ConfigurationError(f'name must be printable text such as "seaside", not {name!r:.80}')


def require_type(name: str, value: object, kind: type) -> None:
    """Raise `ConfigurationError` for an option that is neither None nor of its type."""
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__} or None, not {value!r}")


@functools.cache
def _library() -> str:
    return f"alexa-props/{installed_version()} Python/{platform.python_version()} httpx/{httpx.__version__}"


def user_agent(application: str | None) -> str:
    """Return the User-Agent header, with the application's part first."""
    if application is None or application == "":
        return _library()
    if not (isinstance(application, str) and application.isascii() and application.isprintable()):
        raise ConfigurationError(f'user_agent must be printable ASCII such as "my-app/1.2", not {application!r}')
    return f"{application} {_library()}"
