"""Credentials from where the AWS tools find them: botocore's chain, kept off the event loop (extra `aws`)."""

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
"""Seconds before expiry from which everybody waits for new credentials; botocore's own number."""
_AFTER_FAILURE: Final = 10.0
"""Seconds between two tries of a refresh that is only advisory."""
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
"""Errors whose words name files and settings only; those of others may quote an answer, secrets and all."""

_CODE: Final = re.compile(r"[A-Za-z]+(\.[A-Za-z]+)*")
"""What AWS calls an error; keys and tokens have digits."""

_TALKATIVE: Final = ("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.utils")
"""Loggers that get whole requests and answers at DEBUG, secrets and all."""

_asking: Final = threading.local()

# A lock belongs to its event loop: a later loop gets one of its own.
_locks: Final[anyio.lowlevel.RunVar[WeakKeyDictionary[AWSCredentials, anyio.Lock]]] = anyio.lowlevel.RunVar(
    "alexa_props.aws_credentials"
)


def _not_while_asking(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG or not getattr(_asking, "now", False)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keeps what botocore logs at DEBUG out of all logs, as far as it is this thread that asks it."""
    for name in _TALKATIVE:
        # A second time, this does nothing.
        logging.getLogger(name).addFilter(_not_while_asking)
    _asking.now = True
    try:
        yield
    finally:
        _asking.now = False


class AWSCredentials(Unpicklable, httpx.Auth):
    """Signs requests with credentials from botocore's chain, and renews them before they expire.

    The chain: environment, profiles (static keys, SSO, assumed roles, processes), web identity, containers, instance
    metadata. It is asked in a worker thread, once however many requests wait. From 15 minutes before the credentials
    expire one request renews them and the others go on with the old ones; from 10 minutes all wait. Works as `auth=` of
    this library's clients and of any `httpx.AsyncClient`.

    Args:
        profile: profile in the AWS configuration files; by default that of AWS_PROFILE, or "default".
        region: as of `SigV4`; the profile's region is not read.
        service: as of `SigV4`.
        session: a botocore session to ask instead of a new one. It should have no other users: credentials that are
            renewed by others are not noticed.

    Raises:
        ConfigurationError: botocore is not installed, or an argument is empty; from a request: the chain holds no
            credentials, or see `SigV4`.
        AuthenticationError: from a request, when asking one of the sources failed.

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
            import botocore.session  # noqa: F401 - here, so that a missing extra is told at once, and only who needs it pays
        except ImportError:
            raise ConfigurationError(
                'AWSCredentials needs botocore: pip install "alexa-props[aws]", or pass keys to SigV4'
            ) from None
        self._credentials: Any = None
        # What the last round gave: a signer, or why there is none.
        self._outcome: SigV4 | AlexaError | None = None
        self._turn = threading.Condition()
        self._rounds = 0
        self._busy = self._early = False
        self._not_before = -math.inf

    def __repr__(self) -> str:
        return f"AWSCredentials(profile={self._profile!r}, region={self._region!r}, service={self._service!r})"

    def sync_auth_flow(
        self,
        request: httpx.Request,  # noqa: ARG002 - the interface's
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Not there: waiting for credentials is asynchronous."""
        raise ConfigurationError("AWSCredentials needs an asynchronous client: use httpx.AsyncClient")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request and send it once; looking for credentials or renewing them may come first."""
        await request.aread()
        (await self._signer()).sign(request)
        yield request

    async def _signer(self) -> SigV4:
        seen = self._rounds
        if not self._go_on():
            async with self._lock():
                # Who waited for somebody else's round takes its outcome, whichever it is.
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
            # One of its own for each waiter: tracebacks would pile up.
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

    def _go_on(self) -> bool:
        """Whether the present signer may be used without waiting or renewing."""
        with self._turn:
            if not isinstance(self._outcome, SigV4):
                return False
            if self._busy:
                # Not by the credentials' own times: they change before the signer does.
                return self._early
            if not self._renewal_due(None):
                return True
            return (self._lock().locked() or time.monotonic() < self._not_before) and not self._renewal_due(_MANDATORY)

    def _renewal_due(self, seconds: int | None) -> bool:
        """Whether the credentials expire within so many seconds; None takes botocore's advisory time."""
        due = getattr(self._credentials, "refresh_needed", None)
        return due is not None and bool(due(seconds))

    def _round(self, seen: int, gone: threading.Event) -> None:
        """In a worker thread: ask the chain, or join the thread that a cancelled request left asking."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy or self._rounds != seen or gone.is_set())
            if self._rounds != seen or gone.is_set():
                return
            self._early = isinstance(self._outcome, SigV4) and not self._renewal_due(_MANDATORY)
            self._busy = True
        outcome: SigV4 | AlexaError = AuthenticationError("looking for AWS credentials failed")
        try:
            outcome = self._ask()
        finally:
            with self._turn:
                self._outcome, self._busy, self._rounds = outcome, False, self._rounds + 1
                if self._renewal_due(None):
                    self._not_before = time.monotonic() + _AFTER_FAILURE
                self._turn.notify_all()

    def _ask(self) -> SigV4 | AlexaError:
        """A signer with the present credentials, or why there is none.

        botocore's exceptions end here: their tracebacks hold secrets.
        """
        import botocore.session
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"profile {self._profile or os.environ.get('AWS_PROFILE') or 'default'!r}"
        try:
            with _quietly():
                if self._credentials is None:
                    session = self._session or botocore.session.Session(profile=self._profile)
                    self._credentials = session.get_credentials()
                if self._credentials is None:
                    return ConfigurationError(
                        f"no AWS credentials found ({where}); looked in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                        f"the AWS configuration files (keys, SSO, roles, processes), web identity, container and "
                        f"instance roles"
                    )
                # Never bound to a name: the repr of what botocore hands out shows the keys.
                names = ("access_key", "secret_key", "session_token")
                return SigV4(
                    **dict(zip(names, self._credentials.get_frozen_credentials(), strict=False)),
                    region=self._region,
                    service=self._service,
                )
        except (BotoCoreError, ClientError, OSError, RuntimeError, ValueError, KeyError) as error:
            kind, words = type(error).__name__, ""
            if isinstance(error, ClientError):
                # The responder was sent secrets, and botocore does not expose them.
                code = error.response.get("Error", {}).get("Code")
                kind += f" {code}" if isinstance(code, str) and _CODE.fullmatch(code) else ""
            elif kind in _QUOTABLE:
                words = f": {sanitize(str(error))}"
            return AuthenticationError(f"getting AWS credentials failed ({where}): {kind}{words}")
