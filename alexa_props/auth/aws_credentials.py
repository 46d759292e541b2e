"""AWS credentials from botocore's chain, loaded in a worker thread (extra `aws`)."""

from __future__ import annotations

import logging
import math
import os
import re
import threading
import time
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final
from weakref import WeakKeyDictionary

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx

from alexa_props.auth.sigv4 import SigV4, check_visible
from alexa_props.errors import AlexaError, AuthenticationError, ConfigurationError
from alexa_props.redaction import sanitize
from alexa_props.settings import Unpicklable

__all__ = ["AWSCredentials"]

_MANDATORY: Final = 600
"""Seconds before expiry: from then on all requests wait for new credentials. It is botocore's number."""
_AFTER_FAILURE: Final = 10.0
"""Seconds before a failed advisory refresh is tried again."""
_QUOTABLE: Final = frozenset(
    {
        "ConfigNotFound",
        "ConfigParseError",
        "ConfigurationError",
        "InfiniteLoopConfigError",
        "InvalidConfigError",
        "MissingDependencyException",
        "PartialCredentialsError",
        "ProfileNotFound",
        "SSOTokenLoadError",
        "UnauthorizedSSOTokenError",
    }
)
"""Errors whose messages name only files and settings. Those of others may quote a response, with its secrets."""

_CODE: Final = re.compile(r"[A-Za-z]+(\.[A-Za-z]+)*")
"""An AWS error code. Keys and tokens have digits."""

_LOGGERS: Final = ("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.utils")
"""Loggers to which botocore writes whole requests and responses at DEBUG, with their secrets."""

_loading: Final = threading.local()

# A lock belongs to an event loop; a later loop gets another one.
_locks: Final[anyio.lowlevel.RunVar[WeakKeyDictionary[AWSCredentials, anyio.Lock]]] = anyio.lowlevel.RunVar(
    "alexa_props.aws_credentials"
)


def _not_while_loading(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG or not getattr(_loading, "now", False)


@contextmanager
def _without_debug_logs() -> Iterator[None]:
    """Suppress botocore's DEBUG records of this thread. Those of other threads, for other purposes, are logged."""
    for name in _LOGGERS:
        # Adding it again has no effect.
        logging.getLogger(name).addFilter(_not_while_loading)
    _loading.now = True
    try:
        yield
    finally:
        _loading.now = False


class AWSCredentials(Unpicklable, httpx.Auth):
    """Signs requests with credentials from botocore's chain, and renews them before they expire.

    The chain: environment, profiles (static keys, SSO, assumed roles, processes), web identity, containers, instance
    metadata. It runs in a worker thread, once however many requests wait. From 15 minutes before the credentials
    expire, one request renews them while the others continue with the old ones; from 10 minutes all wait. Use it as
    `auth=` of this library's clients or of any `httpx.AsyncClient`.

    Args:
        profile: Profile in the AWS configuration files. By default that of AWS_PROFILE, or "default".
        region: See `SigV4`. The profile's region is not read.
        service: See `SigV4`.
        session: A botocore session to use instead of a new one. Do not share it: credentials that others renew are not
            noticed.

    Raises:
        ConfigurationError: botocore is not installed, or an argument is empty. From a request: the chain has no
            credentials, or see `SigV4`.
        AuthenticationError: From a request, if one of the sources fails.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html

    """

    requires_request_body = True

    def __init__(
        self, *, profile: str | None = None, region: str | None = None, service: str = "a4b", session: Any = None
    ) -> None:
        self._profile, self._region, self._service, self._session = profile, region, service, session
        if profile is not None and not (isinstance(profile, str) and profile):
            raise ConfigurationError("profile must be a non-empty string or None")
        check_visible("region", region)
        check_visible("service", service or "")
        try:
            import botocore.session  # noqa: F401 - late: it is slow; here: a missing extra is reported immediately
        except ImportError:
            raise ConfigurationError(
                'AWSCredentials needs botocore: pip install "alexa-props[aws]", or pass keys to SigV4'
            ) from None
        self._credentials: Any = None
        # Of the last round: a signer, or the reason that there is none.
        self._outcome: SigV4 | AlexaError | None = None
        self._turn = threading.Condition()
        self._rounds = 0
        self._busy = self._early = False
        self._not_before = -math.inf

    def __repr__(self) -> str:
        return f"AWSCredentials(profile={self._profile!r}, region={self._region!r}, service={self._service!r})"

    def sync_auth_flow(
        self,
        request: httpx.Request,  # noqa: ARG002 - httpx's interface
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Raise `ConfigurationError`: a synchronous client cannot wait for credentials."""
        raise ConfigurationError("AWSCredentials needs an asynchronous client: use httpx.AsyncClient")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request and send it once, after loading or renewing credentials if needed."""
        await request.aread()
        (await self._signer()).sign(request)
        yield request

    async def _signer(self) -> SigV4:
        seen = self._rounds
        if not self._is_usable():
            async with self._lock():
                # A request that waited for another one's round takes its outcome, whichever it is.
                if self._rounds == seen:
                    gone = threading.Event()
                    try:
                        await anyio.to_thread.run_sync(self._round, seen, gone, abandon_on_cancel=True)
                    finally:
                        with self._turn:
                            gone.set()
                            self._turn.notify_all()
        outcome = self._outcome
        if isinstance(outcome, AlexaError):
            # A new one per waiter: one exception raised in many tasks collects the tracebacks of all.
            raise type(outcome)(str(outcome))
        assert outcome is not None  # noqa: S101 - a round has ended
        return outcome

    def _lock(self) -> anyio.Lock:
        locks = _locks.get(None)
        if locks is None:
            _locks.set(locks := WeakKeyDictionary())
        lock = locks.get(self)
        if lock is None:
            locks[self] = lock = anyio.Lock()
        return lock

    def _is_usable(self) -> bool:
        """Return whether the current signer may be used without waiting or renewing."""
        with self._turn:
            if not isinstance(self._outcome, SigV4):
                return False
            if self._busy:
                # Not from the credentials' times: these change before the signer does.
                return self._early
            if not self._renewal_due(None):
                return True
            return (self._lock().locked() or time.monotonic() < self._not_before) and not self._renewal_due(_MANDATORY)

    def _renewal_due(self, seconds: int | None) -> bool:
        """Return whether the credentials expire within some seconds; None stands for botocore's advisory time."""
        due = getattr(self._credentials, "refresh_needed", None)
        return due is not None and bool(due(seconds))

    def _round(self, seen: int, gone: threading.Event) -> None:
        """Run the chain, or wait for the thread that a cancelled request left running it. Runs in a worker thread."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy or self._rounds != seen or gone.is_set())
            if self._rounds != seen or gone.is_set():
                return
            self._early = isinstance(self._outcome, SigV4) and not self._renewal_due(_MANDATORY)
            self._busy = True
        outcome: SigV4 | AlexaError = AuthenticationError("loading AWS credentials failed")
        try:
            outcome = self._load()
        finally:
            with self._turn:
                self._outcome, self._busy, self._rounds = outcome, False, self._rounds + 1
                if self._renewal_due(None):
                    self._not_before = time.monotonic() + _AFTER_FAILURE
                self._turn.notify_all()

    def _load(self) -> SigV4 | AlexaError:
        """Return a signer with the current credentials, or the reason that there is none.

        botocore's exceptions are not chained: their tracebacks hold secrets.
        """
        import botocore.session
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"profile {self._profile or os.environ.get('AWS_PROFILE') or 'default'!r}"
        try:
            with _without_debug_logs():
                if self._credentials is None:
                    session = self._session or botocore.session.Session(profile=self._profile)
                    self._credentials = session.get_credentials()
                if self._credentials is None:
                    return ConfigurationError(
                        f"no AWS credentials found ({where}) in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the AWS "
                        f"configuration files (keys, SSO, roles, processes), web identity, container and instance "
                        f"roles: set up one of these, or pass keys to SigV4"
                    )
                # Never bound to a name: the repr of botocore's frozen credentials shows the keys.
                names = ("access_key", "secret_key", "session_token")
                return SigV4(
                    **dict(zip(names, self._credentials.get_frozen_credentials(), strict=False)),
                    region=self._region,
                    service=self._service,
                )
        except (BotoCoreError, ClientError, OSError, RuntimeError, ValueError, KeyError) as error:
            kind, message = type(error).__name__, ""
            if isinstance(error, ClientError):
                # Without its message: the service was sent secrets and may quote them.
                code = error.response.get("Error", {}).get("Code")
                kind += f" {code}" if isinstance(code, str) and _CODE.fullmatch(code) else ""
            elif kind in _QUOTABLE:
                message = f": {sanitize(str(error))}"
            return AuthenticationError(f"loading AWS credentials failed ({where}): {kind}{message}")
