"""Device groups: which arguments are refused, and what a creation returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.device_groups import DeviceGroups
from tests.helpers import Service, answer, smart_properties

REFUSED: list[tuple[Callable[[DeviceGroups, Any], Awaitable[object]], list[Any], str]] = [
    (lambda groups, name: groups.create("u", name), ["", None, 5], "^name must be a non-empty string"),
    (lambda groups, name: groups.rename("g", name), ["", None, 5], "^name must be a non-empty string"),
    (lambda groups, ids: groups.create("u", "n", ids), ["e", 5, {"e": 1}], "^endpoint_ids must be a list"),
    (lambda groups, one: groups.create("u", "n", [one]), ["", None, 5], "^endpoint_ids must be an id"),
    (lambda groups, expand: groups.list("u", expand=expand), ["some", ""], '^expand must be one of "all"'),
]


@pytest.mark.parametrize(("call", "values", "message"), REFUSED)
async def test_rejects_invalid_arguments(
    call: Callable[..., Awaitable[object]], values: list[Any], message: str
) -> None:
    service = Service(204)
    for value in values:
        with pytest.raises(errors.ConfigurationError, match=message):
            await call(smart_properties(service).device_groups, value)
    assert service.seen == []


async def test_a_creation_returns_the_id_if_the_response_has_one() -> None:
    for body, result in (({"id": "g", "new": 1}, "g"), ({}, None), ({"id": None}, None)):
        groups = smart_properties(Service(answer(201, body))).device_groups
        assert await groups.create("u", "Lights") == result


async def test_a_creation_is_sent_once_and_says_how_to_check_it() -> None:
    service = Service(503)
    with pytest.raises(errors.ServerError, match=r"^device_groups\.create\('u'\): 503 .*device_groups\.list"):
        await smart_properties(service).device_groups.create("u", "Lights")
    assert len(service.seen) == 1
