"""Roles: which arguments are refused, and what errors name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alexa_props import SmartProperties, errors
from alexa_props.smart_properties.profile import Profile
from tests.helpers import Service, answer, smart_properties

REFUSED: dict[str, Callable[[Any], Any]] = {
    "unit_id or target_entity_id is required": lambda asp: asp.roles.list(),
    "unit_id or target_entity_id is required.*": lambda asp: asp.role_assignments.list_for_principal("p"),
    "principal_ids must be a list, not 'p'": lambda asp: asp.role_assignments.create_many("r", "p"),
    "principal_ids must be a list of 1 to 50 items, not of 0": lambda asp: asp.role_assignments.delete_many("r", []),
    "principal_ids must be a list of 1 to 50 items, not of 51": lambda asp: asp.role_assignments.create_many(
        "r", map(str, range(51))
    ),
    "principal_ids must be an id": lambda asp: asp.role_assignments.create_many("r", ["p", ""]),
    "time zone": lambda asp: asp.role_assignments.create("r", "p", expires_at=dt.datetime(2026, 5, 1)),  # noqa: DTZ001
}


@pytest.mark.parametrize("message", REFUSED)
async def test_rejects_invalid_arguments(message: str) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=message):
        await REFUSED[message](smart_properties(service))
    assert service.seen == []


async def test_a_profile_stands_in_for_its_id_in_batches() -> None:
    service = Service(202)
    await smart_properties(service).role_assignments.create_many("r", [Profile("a"), "b"])
    assert [item["principalId"] for item in service.seen[0].json["items"]] == ["a", "b"]


async def test_an_error_names_the_other_entity_if_there_is_no_unit() -> None:
    with pytest.raises(errors.Forbidden, match=r"^roles\.list\('group'\): 403"):
        await smart_properties(Service(answer(403, {}))).roles.list(target_entity_id="group")


async def test_assignments_are_not_repeated_after_they_may_have_been_handled() -> None:
    calls: list[Callable[[SmartProperties], Awaitable[object]]] = [
        lambda asp: asp.role_assignments.create("r", "p"),
        lambda asp: asp.role_assignments.create_many("r", ["p"]),
        lambda asp: asp.role_assignments.delete_many("r", ["p"]),
    ]
    for call in calls:
        service = Service(503)
        with pytest.raises(errors.ServerError, match=r"check with role_assignments\.list whether it took effect"):
            await call(smart_properties(service))
        assert len(service.seen) == 1
