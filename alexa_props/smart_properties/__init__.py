"""Alexa Smart Properties: rooms, their devices and their settings.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/rest-api.html
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, Literal, Self

import httpx

from alexa_props.auth.login_with_amazon import TOKEN_URL, LoginWithAmazon
from alexa_props.client import Client
from alexa_props.errors import ConfigurationError
from alexa_props.hooks import Hook
from alexa_props.limits import ScopeLimits
from alexa_props.operation import Operation, ServiceProtocol
from alexa_props.settings import RateLimit, Region, RetryPolicy, Timeouts, hide, require_env
from alexa_props.smart_properties import (
    alerts,
    endpoint_settings,
    endpoints,
    features,
    notifications,
    unit_settings,
    units,
)
from alexa_props.smart_properties.protocol import PROTOCOL

__all__ = ["OPERATIONS", "SmartProperties"]

OPERATIONS: Final[tuple[Operation, ...]] = (
    *unit_settings.OPERATIONS,
    *alerts.OPERATIONS,
    *units.OPERATIONS,
    *endpoints.OPERATIONS,
    *endpoint_settings.OPERATIONS,
    *features.OPERATIONS,
    *notifications.OPERATIONS,
)


class SmartProperties(Client):
    """Client of Alexa Smart Properties.

    Args:
        auth: `LoginWithAmazon`, or any other `httpx.Auth`.
        region: "NA", "EU" or "FE", by the country of the organization.
        alerts_authorization: "Bearer" sends the token of bulk deletions of alerts as every other call does; "bare"
            sends it without a prefix, as the first edition of that page showed.
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
    unit_settings: unit_settings.UnitSettings
    alerts: alerts.Alerts
    units: units.Units
    endpoints: endpoints.Endpoints
    endpoint_settings: endpoint_settings.EndpointSettings
    features: features.Features
    notifications: notifications.Notifications

    def __init__(
        self,
        *,
        auth: httpx.Auth,
        region: Region | Literal["NA", "EU", "FE"] = "NA",
        alerts_authorization: Literal["Bearer", "bare"] = "Bearer",
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
        region_url = _region(region).base_url
        if alerts_authorization not in ("Bearer", "bare"):
            raise ConfigurationError(f'alerts_authorization must be "Bearer" or "bare", not {alerts_authorization!r}')
        self._alerts_authorization: Literal["Bearer", "bare"] = alerts_authorization
        super().__init__(
            auth=auth,
            base_url=base_url or region_url,
            region=None,
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
        self.unit_settings = unit_settings.UnitSettings(self)
        self.alerts = alerts.Alerts(self, self._alerts_authorization)
        self.units = units.Units(self)
        self.endpoints = endpoints.Endpoints(self)
        self.endpoint_settings = endpoint_settings.EndpointSettings(self)
        self.features = features.Features(self)
        self.notifications = notifications.Notifications(self)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A client from the environment.

        Reads ALEXA_PROPS_CLIENT_ID, _CLIENT_SECRET and _REFRESH_TOKEN, and if they are set _REGION, _BASE_URL and
        _TOKEN_URL (each beginning with ALEXA_PROPS).

        Args:
            options: as the constructor's; they win over the environment.

        Raises:
            ConfigurationError: a variable is missing or out of range.

        """
        # Before anything may raise: a traceback shows what names are bound to.
        options["proxy"] = hide(options.get("proxy"))
        if "auth" not in options:
            options["auth"] = LoginWithAmazon(
                client_id=require_env("ALEXA_PROPS_CLIENT_ID"),
                client_secret=require_env("ALEXA_PROPS_CLIENT_SECRET"),
                refresh_token=require_env("ALEXA_PROPS_REFRESH_TOKEN"),
                token_url=os.environ.get("ALEXA_PROPS_TOKEN_URL") or TOKEN_URL,
            )
        options.setdefault("region", os.environ.get("ALEXA_PROPS_REGION") or "NA")
        options.setdefault("base_url", os.environ.get("ALEXA_PROPS_BASE_URL") or None)
        return cls(**options)


def _region(region: str) -> Region:
    try:
        return Region(region)
    except ValueError:
        raise ConfigurationError(f'region must be "NA", "EU" or "FE", not {region!r}') from None
