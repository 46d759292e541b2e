"""An asyncio client library for Alexa Smart Properties and Alexa for Business."""

import importlib
from typing import TYPE_CHECKING, Any

from alexa_props import errors
from alexa_props.auth.login_with_amazon import LoginWithAmazon
from alexa_props.auth.token_store import TokenStore
from alexa_props.limits import Limits
from alexa_props.settings import RateLimit, Region, RetryPolicy, Timeouts
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoint_settings import Address
from alexa_props.smart_properties.notifications import NotificationKind
from alexa_props.smart_properties.setting import Setting
from alexa_props.smart_properties.unit_settings import DefaultStation, Stations

if TYPE_CHECKING:
    from alexa_props import fleet
    from alexa_props.auth.aws_credentials import AWSCredentials
    from alexa_props.auth.sigv4 import SigV4
    from alexa_props.for_business import AlexaForBusiness

__all__ = [
    "AWSCredentials",
    "Address",
    "AlexaForBusiness",
    "DefaultStation",
    "Limits",
    "LoginWithAmazon",
    "NotificationKind",
    "RateLimit",
    "Region",
    "RetryPolicy",
    "Setting",
    "SigV4",
    "SmartProperties",
    "Stations",
    "Timeouts",
    "TokenStore",
    "errors",
    "fleet",
]

_LATE = {
    "AWSCredentials": "alexa_props.auth.aws_credentials",
    "AlexaForBusiness": "alexa_props.for_business",
    "SigV4": "alexa_props.auth.sigv4",
}
"""What only users of Alexa for Business need is imported when it is asked for: a seventh of the time to import.

`fleet` likewise: it brings SQLite.
"""


def __getattr__(name: str) -> Any:
    if name in ("fleet", "for_business"):
        return importlib.import_module(f"alexa_props.{name}")
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_LATE[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
