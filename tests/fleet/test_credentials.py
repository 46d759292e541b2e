"""Runs without valid credentials stop early."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from alexa_props import SmartProperties, errors, fleet
from alexa_props.fleet import Step, Steps
from tests.fleet.helpers import get
from tests.helpers import Service, smart_properties


def refused(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
    return get(asp)


def refused_in_a_group(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
    async def call(room: str) -> None:
        try:
            await get(asp)(room)
        except errors.AlexaError as error:
            raise ExceptionGroup("all", [error]) from None

    return call


def refused_in_a_step(asp: SmartProperties) -> Callable[[str], Awaitable[Any]]:
    async def call(room: str) -> Steps:
        try:
            await get(asp)(room)
        except errors.AlexaError as error:
            return Steps(room, (Step("one", "x.y", None, error),))
        raise AssertionError

    return call


class NoToken(httpx.Auth):
    requires_response_body = True

    def __init__(self) -> None:
        self.asked = 0

    async def async_auth_flow(self, request: httpx.Request) -> Any:
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        raise errors.AuthenticationError("refused", error="invalid_grant", status=400)
        yield request


@pytest.mark.parametrize("call", [refused, refused_in_a_group, refused_in_a_step])
async def test_refused_token_stops_the_run(call: Callable[[SmartProperties], Any]) -> None:
    service = Service(401)
    report = await fleet.collect(call(smart_properties(service)), map(str, range(1000)))
    assert (report.stopped or "").startswith("no credentials: ")
    assert len(report.failed) == len(report) == len(service.seen) <= 4


@pytest.mark.parametrize("call", [refused, refused_in_a_group, refused_in_a_step])
async def test_missing_token_stops_the_run(call: Callable[[SmartProperties], Any]) -> None:
    service, auth = Service(), NoToken()
    report = await fleet.collect(call(smart_properties(service, auth=auth)), map(str, range(1000)))
    assert (report.stopped or "").startswith("no credentials: ")
    # Only items that had begun by then.
    assert len(report.failed) == len(report) == auth.asked <= 4
    assert service.seen == []
