"""Alexa Smart Properties: rooms, their devices and their settings.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/rest-api.html
"""

from __future__ import annotations

import os
from typing import ClassVar, Final, Literal, Self, Unpack, cast

import httpx

from alexa_props.auth.login_with_amazon import TOKEN_URL, LoginWithAmazon
from alexa_props.client import Client, ClientOptions
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Operation, ServiceProtocol
from alexa_props.settings import Region, hide, require_env
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

__all__ = ["OPERATIONS", "SmartProperties", "SmartPropertiesOptions"]

OPERATIONS: Final[tuple[Operation, ...]] = (
    *unit_settings.OPERATIONS,
    *alerts.OPERATIONS,
    *units.OPERATIONS,
    *endpoints.OPERATIONS,
    *endpoint_settings.OPERATIONS,
    *features.OPERATIONS,
    *notifications.OPERATIONS,
)


class SmartPropertiesOptions(ClientOptions, total=False):
    """Options of `SmartProperties` and of what makes one."""

    region: Region | Literal["NA", "EU", "FE"]
    """By the country of the organization; "NA" by default."""
    alerts_authorization: Literal["Bearer", "bare"]
    """How the token of bulk deletions of alerts is sent; "Bearer" by default."""


class SmartProperties(Client):
    """Client of Alexa Smart Properties.

    Args:
        auth: `LoginWithAmazon`, or any other `httpx.Auth`.
        region: "NA", "EU" or "FE", by the country of the organization.
        alerts_authorization: "Bearer" sends the token of bulk deletions of alerts as every other call does; "bare"
            sends it without a prefix, as the first edition of that page showed.
        options: see `ClientOptions`.

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
        **options: Unpack[ClientOptions],
    ) -> None:
        # Before anything may raise: a traceback shows what names are bound to.
        options["proxy"] = hide(options.get("proxy"))
        region_url = _region(region).base_url
        if alerts_authorization not in ("Bearer", "bare"):
            raise ConfigurationError(f'alerts_authorization must be "Bearer" or "bare", not {alerts_authorization!r}')
        self._alerts_authorization: Literal["Bearer", "bare"] = alerts_authorization
        super().__init__(auth=auth, region=None, region_url=region_url, **options)

    def _bind(self) -> None:
        self.unit_settings = unit_settings.UnitSettings(self)
        self.alerts = alerts.Alerts(self, self._alerts_authorization)
        self.units = units.Units(self)
        self.endpoints = endpoints.Endpoints(self)
        self.endpoint_settings = endpoint_settings.EndpointSettings(self)
        self.features = features.Features(self)
        self.notifications = notifications.Notifications(self)

    @classmethod
    def from_env(cls, *, auth: httpx.Auth | None = None, **options: Unpack[SmartPropertiesOptions]) -> Self:
        """A client from the environment.

        Reads ALEXA_PROPS_CLIENT_ID, _CLIENT_SECRET and _REFRESH_TOKEN, and if they are set _REGION, _BASE_URL and
        _TOKEN_URL (each beginning with ALEXA_PROPS).

        Args:
            auth: as the constructor's; None takes the three credentials from the environment.
            options: as the constructor's; they win over the environment.

        Raises:
            ConfigurationError: a variable is missing or out of range.

        """
        # Before anything may raise: a traceback shows what names are bound to.
        options["proxy"] = hide(options.get("proxy"))
        if auth is None:
            auth = LoginWithAmazon(
                client_id=require_env("ALEXA_PROPS_CLIENT_ID"),
                client_secret=require_env("ALEXA_PROPS_CLIENT_SECRET"),
                refresh_token=require_env("ALEXA_PROPS_REFRESH_TOKEN"),
                token_url=os.environ.get("ALEXA_PROPS_TOKEN_URL") or TOKEN_URL,
            )
        # A region of any other name is refused by the constructor.
        region = cast('Literal["NA", "EU", "FE"]', os.environ.get("ALEXA_PROPS_REGION") or "NA")
        options.setdefault("region", region)
        options.setdefault("base_url", os.environ.get("ALEXA_PROPS_BASE_URL") or None)
        return cls(auth=auth, **options)


def _region(region: str) -> Region:
    try:
        return Region(region)
    except ValueError:
        raise ConfigurationError(f'region must be "NA", "EU" or "FE", not {region!r}') from None
