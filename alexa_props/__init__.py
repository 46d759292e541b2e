"""An asyncio client library for Alexa Smart Properties and Alexa for Business."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alexa_props import errors, fleet, models
    from alexa_props.auth.aws_credentials import AWSCredentials
    from alexa_props.auth.login_with_amazon import LoginWithAmazon
    from alexa_props.auth.refresh_token import TokenStore
    from alexa_props.auth.shared_tokens import SharedTokens
    from alexa_props.auth.sigv4 import SigV4
    from alexa_props.for_business import AlexaForBusiness
    from alexa_props.inventory import Inventory
    from alexa_props.limits import Limits
    from alexa_props.model_rows import to_dataframe, to_rows
    from alexa_props.settings import RateLimit, Region, RetryPolicy, Timeouts
    from alexa_props.shared import HostShared, RedisShared
    from alexa_props.smart_properties import SmartProperties
    from alexa_props.smart_properties.endpoint_settings import Address
    from alexa_props.smart_properties.notifications import NotificationKind
    from alexa_props.smart_properties.setting import Setting
    from alexa_props.smart_properties.stations import DefaultStation, Stations

    __version__: str

__all__ = [
    "AWSCredentials",
    "Address",
    "AlexaForBusiness",
    "DefaultStation",
    "HostShared",
    "Inventory",
    "Limits",
    "LoginWithAmazon",
    "NotificationKind",
    "RateLimit",
    "RedisShared",
    "Region",
    "RetryPolicy",
    "Setting",
    "SharedTokens",
    "SigV4",
    "SmartProperties",
    "Stations",
    "Timeouts",
    "TokenStore",
    "__version__",
    "errors",
    "fleet",
    "models",
    "to_dataframe",
    "to_rows",
]

_MODULES = (
    "auth",
    "client",
    "errors",
    "fleet",
    "for_business",
    "hooks",
    "inventory",
    "limits",
    "models",
    "paging",
    "settings",
    "smart_properties",
)
_HOMES = {
    "AWSCredentials": "auth.aws_credentials",
    "Address": "smart_properties.endpoint_settings",
    "AlexaForBusiness": "for_business",
    "DefaultStation": "smart_properties.stations",
    "HostShared": "shared.host",
    "Inventory": "inventory",
    "Limits": "limits",
    "LoginWithAmazon": "auth.login_with_amazon",
    "NotificationKind": "smart_properties.notifications",
    "RateLimit": "settings",
    "RedisShared": "shared.redis",
    "Region": "settings",
    "RetryPolicy": "settings",
    "Setting": "smart_properties.setting",
    "SharedTokens": "auth.shared_tokens",
    "SigV4": "auth.sigv4",
    "SmartProperties": "smart_properties",
    "Stations": "smart_properties.stations",
    "Timeouts": "settings",
    "TokenStore": "auth.refresh_token",
    "to_dataframe": "model_rows",
    "to_rows": "model_rows",
}
"""Names are imported when they are asked for: users pay for what they use, and the command, whose package this is, can
prepare for Ctrl-C before anything slow is imported.
"""


if not TYPE_CHECKING:
    # Hidden from type checkers: they would take every name for one that exists.

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return importlib.import_module(f"alexa_props.{name}")
        if name == "__version__":
            from alexa_props.version import installed_version  # here, because reading the metadata takes 10 ms

            value = globals()[name] = installed_version()
            return value
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(f"alexa_props.{_HOMES[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
