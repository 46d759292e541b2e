"""The hospitality API, version 1: which names are refused, and what stands in for an id."""

from __future__ import annotations

import pytest

from alexa_props import errors
from alexa_props.smart_properties.legacy import LegacyUnit
from alexa_props.smart_properties.units import Unit
from tests.helpers import Service, smart_properties


async def test_rejects_empty_names() -> None:
    service = Service(204)
    asp = smart_properties(service)
    for call in (
        asp.legacy_properties.create("o", ""),
        asp.legacy_room_types.update("t", ""),
        asp.legacy_rooms.update("r", ""),
    ):
        with pytest.raises(errors.ConfigurationError, match=r"^name must be at least 1 character long"):
            await call
    assert service.seen == []


async def test_units_of_one_api_stand_in_for_ids_of_the_other() -> None:
    service = Service(204)
    asp = smart_properties(service)
    await asp.units.delete(LegacyUnit("a", "Room 101"))
    await asp.legacy_rooms.delete(Unit("b"))
    assert [seen.url.path for seen in service.seen] == ["/v2/units/a", "/enterprise/hospitality/v1/rooms/b"]


async def test_a_creation_is_sent_once_and_says_how_to_check_it() -> None:
    service = Service(503)
    with pytest.raises(errors.ServerError, match=r"^legacy_rooms\.create\('t'\): 503 .*legacy_rooms\.list"):
        await smart_properties(service).legacy_rooms.create("t", "101")
    assert len(service.seen) == 1
