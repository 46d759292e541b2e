"""Event subscriptions and their configurations, through the real client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.event_messenger import (
    DeliveryChannel,
    Entities,
    Entity,
    Event,
    EventSubscription,
    EventSubscriptionConfiguration,
    EventType,
)
from tests.wire import clients

TOPIC = DeliveryChannel("arn:aws:sns:us-east-1:123456789012:topic")


async def test_subscriptions_from_creation_to_deletion(sim: Simulator) -> None:
    on = clients(sim)
    configurations, subscriptions = on.asp.event_subscription_configurations, on.asp.event_subscriptions
    configuration = await configurations.create([TOPIC])
    assert configuration == EventSubscriptionConfiguration(configuration.id, (TOPIC,))
    assert await configurations.get(configuration) == configuration
    assert [each async for each in configurations.list(page_size=1)][-1] == configuration

    created = await subscriptions.create(configuration, Event.AUTOMATION_COMPLETION, unit_id=on.spare[0])
    assert created is not None
    expected = EventSubscription(
        created.id,
        configuration.id,
        EventType("Alexa.Automation.Execution", "Completion"),
        Entities(unit=Entity("Unit", on.spare[0])),
    )
    assert created == await subscriptions.get(created) == expected
    everything = [each async for each in subscriptions.list(page_size=1)]
    assert (everything[-1], len(everything)) == (expected, 2)

    with pytest.raises(errors.BadRequest, match="delete those first"):
        await configurations.delete(configuration)
    await subscriptions.delete(created)
    await configurations.delete(configuration)
    for read in (subscriptions.get(created), subscriptions.delete(created), configurations.get(configuration)):
        with pytest.raises(errors.NotFound):
            await read
    sim.reset()
    assert len([each async for each in configurations.list()]) == 2


async def test_lists_match_all_filters(sim: Simulator) -> None:
    on = clients(sim)
    subscriptions = on.asp.event_subscriptions
    room, parent = on.spare[0], on.organization
    first = await subscriptions.create(on.event_configuration, Event.AUTOMATION_COMPLETION, unit_id=room)
    assert first is not None
    second = await subscriptions.create(on.event_configuration, Event.ENDPOINT_SETUP_COMPLETION, unit_id=room)
    third = await subscriptions.create(on.event_configuration, Event.SUBSCRIPTION_ACTIVATION, parent_id=parent)
    assert [each async for each in subscriptions.list(unit_id=room)] == [first, second]
    assert [each async for each in subscriptions.list(unit_id=room, event=Event.AUTOMATION_COMPLETION)] == [first]
    assert [each async for each in subscriptions.list(parent_id=parent)] == [third]
    assert [each async for each in subscriptions.list(event=Event.ROLE_ASSIGNMENT)] == []
    assert [call.unit_id for call in sim.calls[-4:]] == [room, room, parent, None]
    sim.set_forbidden(room)
    assert first not in [each async for each in subscriptions.list()]
    for call in (subscriptions.list(unit_id=room), subscriptions.get(first)):
        with pytest.raises(errors.Forbidden):
            await call


async def test_a_token_creates_one_thing_until_it_is_deleted(sim: Simulator) -> None:
    on = clients(sim)
    configurations, subscriptions = on.asp.event_subscription_configurations, on.asp.event_subscriptions

    async def create() -> EventSubscription:
        created = await subscriptions.create(
            on.event_configuration, Event.AUTOMATION_COMPLETION, unit_id=on.room, idempotency_token="same"
        )
        assert created is not None
        return created

    first = await create()
    assert await create() == first
    # A token counts within one kind of thing.
    configuration = await configurations.create([TOPIC], idempotency_token="same")
    assert configuration.id == (await configurations.create([TOPIC], idempotency_token="same")).id
    assert await configurations.create([TOPIC]) != configuration
    await subscriptions.delete(first)
    assert (await create()).id != first.id


async def test_subscriptions_to_activity_end(sim: Simulator, seconds: list[float]) -> None:
    on = clients(sim)
    subscriptions = on.asp.event_subscriptions
    configuration = await on.asp.event_subscription_configurations.create([TOPIC])

    async def create(**options: Any) -> EventSubscription:
        created = await subscriptions.create(configuration, Event.ENDPOINT_VOICE, unit_id=on.room, **options)
        assert created is not None
        return created

    short, usual = await create(duration_in_seconds=60, idempotency_token="same"), await create()
    seconds[0] = 59
    # A repeat with the same token does not extend it.
    assert await create(duration_in_seconds=60, idempotency_token="same") == short
    seconds[0] = 60
    assert [each async for each in subscriptions.list(event=Event.ENDPOINT_VOICE)] == [usual]
    seconds[0] = 3599
    assert await subscriptions.get(usual) == usual
    seconds[0] = 3600
    for call in (subscriptions.get(usual), subscriptions.delete(usual)):
        with pytest.raises(errors.NotFound):
            await call
    await on.asp.event_subscription_configurations.delete(configuration)
    assert len([each async for each in subscriptions.list()]) == 1


async def test_each_event_takes_its_entities(sim: Simulator) -> None:
    on = clients(sim)

    def create(event: str, configuration_id: str = on.event_configuration, **entities: Any) -> Any:
        return on.asp.event_subscriptions.create(configuration_id, event, **entities)

    unit, parent, role = {"unit_id": on.room}, {"parent_id": on.organization}, {"resource_id": on.room}
    skill, group = {"skill_id": "s"}, {"device_group_id": "g"}
    takes: list[tuple[str, dict[str, str]]] = [
        (Event.AUTOMATION_COMPLETION, unit),
        (Event.SKILL_INTERACTION_FAILURE, {**unit, **skill}),
        (Event.SUBSCRIPTION_ACTIVATION, parent),
        (Event.ROLE_ASSIGNMENT, role),
        (Event.ROLE_REVOCATION, role),
        (Event.ENDPOINT_SETUP_COMPLETION, unit),
        (Event.ENDPOINT_STATE_CHANGE, unit),
        (Event.ENDPOINT_VOICE, unit),
        ("Alexa.Enterprise.Endpoint.Any", unit),
        ("Alexa.Group.Management.Any", group),
    ]
    assert {event for event, _ in takes} >= set(Event)
    for event, entities in takes:
        assert await create(event, **entities) is not None, event
        for left_out in entities:
            with pytest.raises(errors.BadRequest):
                await create(event, **{name: id_ for name, id_ in entities.items() if name != left_out})
    with pytest.raises(errors.BadRequest, match="only its parent"):
        await create(Event.SUBSCRIPTION_ACTIVATION, **unit, **parent)
    with pytest.raises(errors.BadRequest, match="no event"):
        await create("Alexa.Automation.Execution.Start", **unit)
    with pytest.raises(errors.NotFound, match="no configuration"):
        await create(Event.AUTOMATION_COMPLETION, "c", **unit)
    for name in ("unit_id", "parent_id", "resource_id"):
        event = next(event for event, entities in takes if name in entities)
        with pytest.raises(errors.NotFound, match="no such unit"):
            await create(event, **{name: "u"})


BAD_CONFIGURATIONS: list[Any] = [
    None,
    {},
    {"deliveryChannels": []},
    {"deliveryChannels": ["arn:aws:sns:us-east-1:1:t"]},
    {"deliveryChannels": [{"type": "SNS"}]},
    {"deliveryChannels": [{"type": "SQS", "id": "arn:aws:sqs:us-east-1:1:q"}]},
    {"deliveryChannels": [{"type": "SNS", "id": "topic"}]},
    {"deliveryChannels": [{"type": "SNS", "id": TOPIC.id}], "idempotencyToken": ""},
]
BAD_SUBSCRIPTIONS: list[dict[str, Any]] = [
    {"eventType": "Alexa.Automation.Execution.Completion"},
    {"eventType": {"namespace": "Alexa.Automation.Execution"}},
    {"entities": [{"unit": {"type": "Unit", "id": "ROOM"}}]},
    {"entities": {"unit": {"type": "UNIT", "id": "ROOM"}}},
    {"entities": {"unit": {"id": "ROOM"}}},
    {"subscriptionConfigurationId": None},
    {"subscriptionDurationInSeconds": 0},
    {"subscriptionDurationInSeconds": 10**400},
    {"subscriptionDurationInSeconds": "3600"},
    {"eventType": {"namespace": "Alexa.Enterprise.Endpoint.Activity", "name": "Voice"}},
]


async def test_rejects_invalid_requests(api: httpx.AsyncClient, sim: Simulator) -> None:
    path = "/v1/eventMessenger"
    for body in BAD_CONFIGURATIONS:
        assert (await api.post(f"{path}/subscriptionConfigurations", json=body)).status_code == 400, body
    valid = {
        "subscriptionConfigurationId": clients(sim).event_configuration,
        "eventType": {"namespace": "Alexa.Automation.Execution", "name": "Completion"},
        "entities": {"unit": {"type": "Unit", "id": sim.rooms[0]}},
    }
    assert (await api.post(f"{path}/subscriptions", json=valid)).status_code == 201
    for change in BAD_SUBSCRIPTIONS:
        assert (await api.post(f"{path}/subscriptions", json={**valid, **change})).status_code == 400, change
    for query in (
        "owner=me",
        f"entities.unit.id={sim.rooms[0]}",
        f"entities.unit.id={sim.rooms[0]}&entities.unit.type=UNIT",
        "eventType.name=Completion",
        "maxResults=101",
    ):
        assert (await api.get(f"{path}/subscriptions?{query}")).status_code == 400, query
    assert (await api.get(f"{path}/subscriptionConfigurations")).status_code == 400
