"""Alexa for Business: devices, their history, and users.

Amazon retired the service: its last SDK model is of June 2024. This client is for archives, migrations and stand-ins
that speak its protocol, such as `alexa_props.simulator`.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, Self

import httpx

from alexa_props.auth.aws_credentials import AWSCredentials
from alexa_props.auth.sigv4 import SigV4
from alexa_props.client import Client
from alexa_props.errors import ConfigurationError
from alexa_props.for_business import devices, users
from alexa_props.for_business.protocol import PROTOCOL
from alexa_props.hooks import Hook
from alexa_props.limits import ScopeLimits
from alexa_props.operation import Operation, ServiceProtocol
from alexa_props.settings import RateLimit, RetryPolicy, Timeouts, hide

__all__ = ["OPERATIONS", "AlexaForBusiness"]

OPERATIONS: Final[tuple[Operation, ...]] = (*devices.OPERATIONS, *users.OPERATIONS)
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")


class AlexaForBusiness(Client):
    """Client of Alexa for Business.

    Args:
        auth: `SigV4`, `AWSCredentials`, or any other `httpx.Auth`.
        region: AWS region; the service was in us-east-1 only.
        base_url: instead of the region's host; https, or http to this machine.
        transport: instead of the connection pool, innermost; closed with the client.
        proxy: URL of a proxy; by default from HTTPS_PROXY and NO_PROXY, and none for loopback.
        verify: an `ssl.SSLContext` or the path of a CA file; by default SSL_CERT_FILE or the bundled CAs.
        retry: default retry policy.
        rate_limit: how fast requests leave; by default the limiter finds out what the service accepts.
        limits: what `limits` of an earlier client showed, so that its rates need not be found again.
        timeouts: time limits.
        max_connections: requests under way at once, at least 1.
        hooks: functions that receive the events of calls and attempts.
        user_agent: put before the library's own, such as "my-app/1.2".

    Raises:
        ConfigurationError: an argument is out of range.

    """

    protocol: ClassVar[ServiceProtocol] = PROTOCOL
    devices: devices.Devices
    users: users.Users

    def __init__(
        self,
        *,
        auth: httpx.Auth,
        region: str = "us-east-1",
        base_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: str | None = None,
        verify: ssl.SSLContext | str | os.PathLike[str] | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: RateLimit | None = None,
        limits: Mapping[str, ScopeLimits] | None = None,
        timeouts: Timeouts | None = None,
        max_connections: int = 100,
        hooks: Iterable[Hook] = (),
        user_agent: str | None = None,
    ) -> None:
        # Before anything may raise: a traceback shows what names are bound to.
        hidden_proxy = hide(proxy)
        del proxy
        if not isinstance(region, str) or not _REGION.fullmatch(region):
            raise ConfigurationError(f'region must be an AWS region such as "us-east-1", not {region!r}')
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        super().__init__(
            auth=auth,
            base_url=base_url or f"https://a4b.{region}.{suffix}",
            region=region,
            transport=transport,
            proxy=hidden_proxy,
            verify=verify,
            retry=retry,
            rate_limit=rate_limit,
            limits=limits,
            timeouts=timeouts,
            max_connections=max_connections,
            hooks=hooks,
            user_agent=user_agent,
        )

    def _bind(self) -> None:
        self.devices = devices.Devices(self)
        self.users = users.Users(self)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A client from the environment.

        Reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and AWS_REGION or AWS_DEFAULT_REGION.
        Without the two keys, and with the extra `aws`, credentials come from botocore's chain: profiles, SSO, roles,
        containers and instance metadata.

        Args:
            options: as the constructor's; they win over the environment.

        Raises:
            ConfigurationError: there are no keys and no botocore, or a value is out of range.

        """
        # Before anything may raise: a traceback shows what names are bound to. So the environment is read in place.
        options["proxy"] = hide(options.get("proxy"))
        if "auth" not in options:
            options["auth"] = (
                SigV4(
                    access_key=os.environ["AWS_ACCESS_KEY_ID"],
                    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
                    session_token=os.environ.get("AWS_SESSION_TOKEN") or None,
                )
                if os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")
                else AWSCredentials(profile=os.environ.get("AWS_PROFILE") or None)
            )
        options.setdefault(
            "region", os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        )
        return cls(**options)
