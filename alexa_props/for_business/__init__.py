"""Alexa for Business: devices, their history, and users.

Amazon retired the service: its last SDK model is of June 2024. This client is for archives, migrations and stand-ins
that speak its protocol, such as `alexa_props.simulator`.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, ClassVar, Final, Self, Unpack

import httpx

from alexa_props.auth.aws_credentials import AWSCredentials
from alexa_props.auth.sigv4 import SigV4
from alexa_props.call import ServiceProtocol
from alexa_props.client import Client, ClientOptions
from alexa_props.errors import ConfigurationError
from alexa_props.for_business.protocol import PROTOCOL
from alexa_props.settings import Secret

if TYPE_CHECKING:
    from alexa_props.for_business.devices import Devices
    from alexa_props.for_business.users import Users

__all__ = ["AlexaForBusiness", "AlexaForBusinessOptions"]

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")


class AlexaForBusinessOptions(ClientOptions, total=False):
    """Options of `AlexaForBusiness` and of what creates one."""

    region: str
    """AWS region; "us-east-1" by default."""


class AlexaForBusiness(Client):
    """Client of Alexa for Business.

    Args:
        auth: `SigV4`, `AWSCredentials`, or any other `httpx.Auth`.
        region: AWS region. The service was only in us-east-1.
        options: See `ClientOptions`.

    Raises:
        ConfigurationError: An argument is out of range.

    """

    protocol: ClassVar[ServiceProtocol] = PROTOCOL

    def __init__(
        self,
        *,
        auth: httpx.Auth,
        region: str = "us-east-1",
        **options: Unpack[ClientOptions],
    ) -> None:
        # Before anything may raise: a traceback may show local variables.
        options["proxy"] = Secret.wrap(options.get("proxy"))
        if not isinstance(region, str) or not _REGION.fullmatch(region):
            raise ConfigurationError(f'region must be an AWS region such as "us-east-1", not {region!r}')
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        super().__init__(auth=auth, region=region, region_url=f"https://a4b.{region}.{suffix}", **options)

    @functools.cached_property
    def devices(self) -> Devices:
        """Find and read devices, and the history of their connections."""
        from alexa_props.for_business.devices import Devices

        return Devices(self)

    @functools.cached_property
    def users(self) -> Users:
        """Find users."""
        from alexa_props.for_business.users import Users

        return Users(self)

    @classmethod
    def from_env(cls, *, auth: httpx.Auth | None = None, **options: Unpack[AlexaForBusinessOptions]) -> Self:
        """Return a client from the environment.

        Reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, AWS_REGION or AWS_DEFAULT_REGION, and
        ALEXA_PROPS_A4B_BASE_URL, which replaces the region's host. Without the two keys, and with the extra `aws`,
        credentials come from botocore's chain: profiles, SSO, roles, containers and instance metadata.

        Args:
            auth: As in the constructor; None takes the credentials from the environment.
            options: As in the constructor; they override the environment.

        Raises:
            ConfigurationError: There are no keys and no botocore, or a value is out of range.

        """
        # Before anything may raise: a traceback may show local variables. So the environment is read in place.
        options["proxy"] = Secret.wrap(options.get("proxy"))
        if auth is None:
            auth = (
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
        options.setdefault("base_url", os.environ.get("ALEXA_PROPS_A4B_BASE_URL") or None)
        return cls(auth=auth, **options)
