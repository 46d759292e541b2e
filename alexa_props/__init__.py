"""An asyncio client library for Alexa Smart Properties and Alexa for Business."""

from alexa_props import errors
from alexa_props.auth.aws_credentials import AWSCredentials
from alexa_props.auth.login_with_amazon import LoginWithAmazon
from alexa_props.auth.sigv4 import SigV4
from alexa_props.auth.token_store import TokenStore
from alexa_props.for_business import AlexaForBusiness
from alexa_props.limits import Limits
from alexa_props.settings import RateLimit, Region, RetryPolicy, Timeouts
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.unit_settings import DefaultStation, Stations

__all__ = [
    "AWSCredentials",
    "AlexaForBusiness",
    "DefaultStation",
    "Limits",
    "LoginWithAmazon",
    "RateLimit",
    "Region",
    "RetryPolicy",
    "SigV4",
    "SmartProperties",
    "Stations",
    "Timeouts",
    "TokenStore",
    "errors",
]
