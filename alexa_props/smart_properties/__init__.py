"""Alexa Smart Properties: rooms, their devices and their settings.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/rest-api.html
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self, Unpack, cast

import httpx

from alexa_props.auth.login_with_amazon import LoginWithAmazon
from alexa_props.call import ServiceProtocol
from alexa_props.client import ClientOptions
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Region, Secret
from alexa_props.smart_properties.groups import ApiGroups
from alexa_props.smart_properties.protocol import PROTOCOL

if TYPE_CHECKING:
    from alexa_props.smart_properties.profile import Profile

__all__ = ["SmartProperties", "SmartPropertiesOptions"]


LOGIN_URL: Final = "https://api.amazon.com"
"""The host of Login with Amazon, which has the profile of the account."""


class SmartPropertiesOptions(ClientOptions, total=False):
    """Options of `SmartProperties` and of what creates one."""

    region: Region | Literal["NA", "EU", "FE"]
    """By the country of the organization; "NA" by default."""
    alerts_authorization: Literal["Bearer", "bare"]
    """How the token of bulk deletions of alerts is sent; "Bearer" by default."""


class SmartProperties(ApiGroups):
    """Client of Alexa Smart Properties.

    Args:
        auth: `LoginWithAmazon`, or any other `httpx.Auth`.
        region: "NA", "EU" or "FE", chosen by the country of the organization.
        alerts_authorization: "Bearer" sends the token of bulk deletions of alerts like every other call; "bare" sends
            it without a prefix, as the first edition of that page showed.
        options: See `ClientOptions`.

    Raises:
        ConfigurationError: An argument is out of range.

    """

    protocol: ClassVar[ServiceProtocol] = PROTOCOL

    def __init__(
        self,
        *,
        auth: httpx.Auth,
        region: Region | Literal["NA", "EU", "FE"] = "NA",
        alerts_authorization: Literal["Bearer", "bare"] = "Bearer",
        **options: Unpack[ClientOptions],
    ) -> None:
        # Before anything may raise: a traceback may show local variables.
        options["proxy"] = Secret.wrap(options.get("proxy"))
        here = _region(region)
        if alerts_authorization not in ("Bearer", "bare"):
            raise ConfigurationError(f'alerts_authorization must be "Bearer" or "bare", not {alerts_authorization!r}')
        self._alerts_authorization = alerts_authorization
        super().__init__(
            auth=auth,
            region=None,
            region_url=here.base_url,
            hosts={"credential locker": here.credential_locker_url, "login": LOGIN_URL},
            **options,
        )

    async def profile(self) -> Profile:
        """Return the profile of the account that the credentials belong to, from Login with Amazon.

        Its `user_id` is the id of a principal of `role_assignments`. The token needs the scope `profile:user_id` or
        `profile`.
        """
        # Imported here, as the API groups are: importing the package stays fast.
        from alexa_props.smart_properties.profile import PROFILE

        return await self.call(PROFILE, {})

    @classmethod
    def from_env(cls, *, auth: httpx.Auth | None = None, **options: Unpack[SmartPropertiesOptions]) -> Self:
        """Return a client from the environment.

        Reads ALEXA_PROPS_CLIENT_ID, _CLIENT_SECRET and _REFRESH_TOKEN, and if they are set _REGION, _BASE_URL and
        _TOKEN_URL (each beginning with ALEXA_PROPS).

        Args:
            auth: As in the constructor; None is `LoginWithAmazon.from_env()`.
            options: As in the constructor; they override the environment.

        Raises:
            ConfigurationError: A variable is missing or out of range.

        """
        # Before anything may raise: a traceback may show local variables.
        options["proxy"] = Secret.wrap(options.get("proxy"))
        if auth is None:
            auth = LoginWithAmazon.from_env()
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
