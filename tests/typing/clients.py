"""Clients and their options as users write them. mypy and pyright check the types; nothing here runs."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import assert_type

import httpx

from alexa_props import (
    AlexaForBusiness,
    AWSCredentials,
    Limits,
    LoginWithAmazon,
    RateLimit,
    Region,
    RetryPolicy,
    SigV4,
    SmartProperties,
    Timeouts,
    TokenStore,
)
from alexa_props.client import ClientOptions
from alexa_props.hooks import CallEnded, Event, OpenTelemetry
from alexa_props.limits import ScopeLimits
from alexa_props.simulator import Simulator
from alexa_props.smart_properties import SmartPropertiesOptions


class Store:
    async def load(self) -> str | None:
        return None

    async def save(self, refresh_token: str) -> None:
        """Keep it."""


def log(event: Event) -> None:
    if isinstance(event, CallEnded):
        assert_type(event.elapsed, float)
        assert_type(event.client, str | None)
        assert_type(event.status, int | None)


def constructors(transport: httpx.AsyncBaseTransport, context: ssl.SSLContext, limits: Limits) -> None:
    store: TokenStore = Store()
    login = LoginWithAmazon(client_id="id", client_secret="secret", refresh_token="token", token_store=store)
    assert_type(SmartProperties(auth=login), SmartProperties)
    SmartProperties(auth=login, region="EU", alerts_authorization="bare", base_url="https://localhost", limits=limits)
    SmartProperties(auth=login, region=Region.FE, proxy="http://proxy:3128", verify=context, max_connections=10)
    SmartProperties(auth=httpx.BasicAuth("name", "password"), transport=transport, user_agent="my-app/1.2")
    SmartProperties(
        auth=login,
        verify=Path("ca.pem"),
        retry=RetryPolicy(max_attempts=4, base=0.5, cap=20.0, max_retry_after=120.0),
        rate_limit=RateLimit(per_second=10, burst=2, scope="tool", max_wait=5.0),
        timeouts=Timeouts(connect=5, read=30, pool=30, total=60),
        hooks=[log, OpenTelemetry()],
    )
    keys = SigV4(access_key="key", secret_key="secret", session_token=None, region="us-east-1", service="a4b")
    assert_type(AlexaForBusiness(auth=keys, region="us-east-1"), AlexaForBusiness)
    AlexaForBusiness(auth=AWSCredentials(profile="hotel"), retry=RetryPolicy(max_attempts=1))


def from_the_environment(auth: httpx.Auth) -> None:
    assert_type(SmartProperties.from_env(), SmartProperties)
    assert_type(SmartProperties.from_env(auth=auth, region="EU", max_connections=10), SmartProperties)
    assert_type(AlexaForBusiness.from_env(region="us-east-1", user_agent="my-app/1.2"), AlexaForBusiness)


def options_in_a_dict(auth: httpx.Auth) -> None:
    shared: ClientOptions = {"max_connections": 10, "user_agent": "my-app/1.2"}
    AlexaForBusiness(auth=auth, **shared)
    SmartProperties(auth=auth, **shared)
    options: SmartPropertiesOptions = {"region": "EU", "max_connections": 10}
    SmartProperties.from_env(auth=auth, **options)


async def life(asp: SmartProperties) -> None:
    async with asp as entered:
        assert_type(entered, SmartProperties)
    await asp.aclose()
    assert_type(asp.pipeline, httpx.AsyncBaseTransport)
    assert_type(asp.limits, Limits)
    assert_type(asp.limits["units.get"], ScopeLimits)
    assert_type(Limits.from_json(asp.limits.to_json()), Limits)


async def a_simulator() -> None:
    async with Simulator(rooms=200, endpoints_per_room=2, seed=7) as sim:
        assert_type(sim, Simulator)
        assert_type(sim.smart_properties(), SmartProperties)
        assert_type(sim.smart_properties(region="EU", user_agent="my-app/1.2"), SmartProperties)
        assert_type(sim.for_business(retry=RetryPolicy(max_attempts=1)), AlexaForBusiness)
        async with sim.serve() as base_url:
            assert_type(base_url, str)
