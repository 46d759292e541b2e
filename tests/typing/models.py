"""Models, clients of several organizations, and fixtures, as users write them. Only checked for types; nothing runs."""

from __future__ import annotations

from typing import assert_type

import alexa_props
from alexa_props import AlexaForBusiness, LoginWithAmazon, SmartProperties, models
from alexa_props.models import BusinessUser, Deletion, Pager, Secret, Setting, SettingEnablement, Unit
from alexa_props.simulator import Simulator


async def models_are_the_classes_of_their_files(asp: SmartProperties, a4b: AlexaForBusiness, unit: models.Unit) -> None:
    units: Pager[Unit] = asp.units.list(unit)
    deletion: Deletion = asp.alerts.delete_alarms((await units).items[0])
    failures: list[models.EndpointFailure] = [failure async for failure in deletion]
    assert_type(failures[0].code, str | None)
    users: list[BusinessUser] = [user async for user in a4b.users.search()]
    assert_type(users[0].email, str | None)
    await asp.endpoint_settings.set("endpoint", Setting.CLOSED_CAPTIONS, SettingEnablement.ENABLED)
    people: Pager[models.User] = asp.users.list("organization")
    assert_type([person.user_id async for person in people], list[str | None])
    assert_type(Secret("password").reveal(), str)
    assert_type(alexa_props.__version__, str)


def several_organizations(accounts: dict[str, LoginWithAmazon]) -> list[SmartProperties]:
    return [SmartProperties(auth=auth, name=name, region="EU") for name, auth in accounts.items()]


async def test_fixtures_of_pytest(
    alexa_simulator: Simulator, smart_properties: SmartProperties, alexa_for_business: AlexaForBusiness
) -> None:
    async with alexa_simulator.serve():
        assert_type(alexa_simulator.env(), dict[str, str])
    alexa_simulator.env(base_url="http://simulator:8080")
    named = alexa_simulator.smart_properties(name="seaside")
    assert_type(named, SmartProperties)
    SmartProperties.from_env(name="seaside")
