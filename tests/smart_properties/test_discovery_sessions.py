"""Discovery sessions: where the id of a new one is, and bad input."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props import errors
from tests.helpers import Service, answer, smart_properties

PATH = "/v1/discoverySessions/amzn1.alexa.discoverySession.A%2FB"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (answer(202, {"id": "of-body"}, Location=PATH), "of-body"),
        (answer(200, {"id": 5}, Location=PATH), "amzn1.alexa.discoverySession.A/B"),
        (answer(201, {}, Location=f"{PATH}/?x=y"), "amzn1.alexa.discoverySession.A/B"),
        (answer(202, None, Location=f"https://api.eu.amazonalexa.com{PATH}"), "amzn1.alexa.discoverySession.A/B"),
        (httpx.Response(204, headers={"Location": PATH}, content=b'{"id": "x"}'), "amzn1.alexa.discoverySession.A/B"),
        (httpx.Response(202, headers={"Location": PATH}, content=b"<html>"), "amzn1.alexa.discoverySession.A/B"),
    ],
)
async def test_the_id_is_in_the_body_or_in_the_location(response: httpx.Response, expected: str) -> None:
    assert await smart_properties(Service(response)).discovery_sessions.create("u", "s") == expected


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (answer(202), "no body"),
        (answer(204), "no body"),
        (answer(200, {}), "the response has no id"),
        (answer(200, [], Location="/"), "the response has no id"),
    ],
)
async def test_a_session_without_an_id_is_an_error(response: httpx.Response, fault: str) -> None:
    with pytest.raises(errors.DecodeError, match=rf"^discovery_sessions\.create\('u'\): .*{fault}.*check whether"):
        await smart_properties(Service(response)).discovery_sessions.create("u", "s")


async def test_rejects_invalid_arguments() -> None:
    service = Service(202)
    sessions = smart_properties(service).discovery_sessions
    odd: list[tuple[Any, Any, Any, str]] = [
        ("", "s", None, "unit_id"),
        ("u", "", None, "skill_id"),
        ("u", 5, None, "skill_id"),
        ("u", "s", "beta", 'stage must be one of "development", "live"'),
        ("u", "s", 5, "stage"),
    ]
    for unit_id, skill_id, stage, message in odd:
        with pytest.raises(errors.ConfigurationError, match=message):
            await sessions.create(unit_id, skill_id, stage=stage)
    assert service.seen == []
