"""The wire of event subscriptions and their configurations."""

from __future__ import annotations

from typing import Any

from alexa_props.simulator.smart_properties.event_messenger import CONFIGURATIONS, SUBSCRIPTIONS
from alexa_props.smart_properties.event_messenger import (
    ChannelType,
    DeliveryChannel,
    Entities,
    Entity,
    Event,
    EventSubscription,
    EventSubscriptionConfiguration,
    EventType,
)
from tests.wire.row import LAST_PAGE, Wire

IDS = {
    "topic": lambda _: "arn:aws:sns:us-east-1:123456789012:example-topic",
    "event_configuration": lambda sim: CONFIGURATIONS.ids(sim)[0],
    "idle_configuration": lambda sim: CONFIGURATIONS.ids(sim)[1],
    "event_subscription": lambda sim: SUBSCRIPTIONS.ids(sim)[0],
}
MODELS = {
    "event_configuration": EventSubscriptionConfiguration("event-configuration-1"),
    "idle_configuration": EventSubscriptionConfiguration("idle-configuration-1"),
    "event_subscription": EventSubscription("event-subscription-1"),
}

CONFIGURATION_JSON: dict[str, Any] = {"id": "c", "deliveryChannels": [{"type": "SNS", "id": "arn:topic"}]}
CONFIGURATION = EventSubscriptionConfiguration("c", (DeliveryChannel("arn:topic", ChannelType.SNS),))
SUBSCRIPTION_JSON: dict[str, Any] = {
    "id": "s",
    "subscriptionConfigurationId": "c",
    "eventType": {"namespace": "Alexa.Automation.Execution", "name": "Completion"},
    "entities": {"unit": {"type": "Unit", "id": "u"}},
    "expires": "later",
}
SUBSCRIPTION = EventSubscription(
    "s", "c", EventType("Alexa.Automation.Execution", "Completion"), Entities(unit=Entity("Unit", "u"))
)


def subscribed(namespace: str, name: str, entities: object, **more: object) -> dict[str, Any]:
    return {
        "subscriptionConfigurationId": "event-configuration-1",
        "eventType": {"namespace": namespace, "name": name},
        "entities": entities,
        "idempotencyToken": "token",
        **more,
    }


WIRE = {
    "event_subscription_configurations.list": Wire(
        lambda on: on.asp.event_subscription_configurations.list(),
        "GET /v1/eventMessenger/subscriptionConfigurations?owner=~caller",
        response={"results": [CONFIGURATION_JSON, {"id": "d", "deliveryChannels": [{"type": "new"}]}], **LAST_PAGE},
        result=[CONFIGURATION, EventSubscriptionConfiguration("d")],
    ),
    "event_subscription_configurations.list, with every argument": Wire(
        lambda on: on.asp.event_subscription_configurations.list(page_size=100),
        "GET /v1/eventMessenger/subscriptionConfigurations?owner=~caller&maxResults=100",
        response={"results": [{"id": "e", "deliveryChannels": [{"type": "SQS", "id": "arn:queue"}]}]},
        result=[EventSubscriptionConfiguration("e", (DeliveryChannel("arn:queue", "SQS"),))],
    ),
    "event_subscription_configurations.create": Wire(
        lambda on: on.asp.event_subscription_configurations.create(
            [DeliveryChannel(on.topic)], idempotency_token="token"
        ),
        "POST /v1/eventMessenger/subscriptionConfigurations",
        body={"deliveryChannels": [{"type": "SNS", "id": "topic-1"}], "idempotencyToken": "token"},
        response=CONFIGURATION_JSON,
        result=CONFIGURATION,
    ),
    "event_subscription_configurations.get": Wire(
        lambda on: on.asp.event_subscription_configurations.get(on.event_configuration),
        "GET /v1/eventMessenger/subscriptionConfigurations/event-configuration-1",
        response=CONFIGURATION_JSON,
        result=CONFIGURATION,
    ),
    "event_subscription_configurations.delete": Wire(
        lambda on: on.asp.event_subscription_configurations.delete(on.idle_configuration),
        "DELETE /v1/eventMessenger/subscriptionConfigurations/idle-configuration-1",
    ),
    "event_subscriptions.list": Wire(
        lambda on: on.asp.event_subscriptions.list(),
        "GET /v1/eventMessenger/subscriptions?owner=~caller",
        response={"results": [SUBSCRIPTION_JSON, {"id": "t", "eventType": "new", "entities": []}], **LAST_PAGE},
        result=[SUBSCRIPTION, EventSubscription("t")],
    ),
    "event_subscriptions.list, with every argument": Wire(
        lambda on: on.asp.event_subscriptions.list(
            unit_id=on.room, parent_id=on.organization, event=Event.AUTOMATION_COMPLETION, page_size=100
        ),
        "GET /v1/eventMessenger/subscriptions?owner=~caller"
        "&entities.unit.id=room-1&entities.unit.type=Unit"
        "&entities.unit.parent.id=organization-1&entities.unit.parent.type=Unit"
        "&eventType.namespace=Alexa.Automation.Execution&eventType.name=Completion&maxResults=100",
        response={"results": []},
        result=[],
    ),
    "event_subscriptions.create": Wire(
        lambda on: on.asp.event_subscriptions.create(
            on.event_configuration, "Alexa.Automation.Execution.Completion", unit_id=on.room, idempotency_token="token"
        ),
        "POST /v1/eventMessenger/subscriptions",
        body=subscribed("Alexa.Automation.Execution", "Completion", {"unit": {"type": "Unit", "id": "room-1"}}),
        response=SUBSCRIPTION_JSON,
        result=SUBSCRIPTION,
    ),
    "event_subscriptions.create, to a skill": Wire(
        lambda on: on.asp.event_subscriptions.create(
            on.event_configuration,
            Event.SKILL_INTERACTION_FAILURE,
            unit_id=on.room,
            parent_id=on.organization,
            skill_id="amzn1.ask.skill.s",
            idempotency_token="token",
        ),
        "POST /v1/eventMessenger/subscriptions",
        body=subscribed(
            "Alexa.Skill.Interaction",
            "Failure",
            {
                "unit": {"type": "Unit", "id": "room-1", "parent": {"type": "Unit", "id": "organization-1"}},
                "skill": {"type": "Skill", "id": "amzn1.ask.skill.s"},
            },
        ),
        result=None,
    ),
    "event_subscriptions.create, to the units below a parent": Wire(
        lambda on: on.asp.event_subscriptions.create(
            on.event_configuration, Event.SUBSCRIPTION_ACTIVATION, parent_id=on.organization, idempotency_token="token"
        ),
        "POST /v1/eventMessenger/subscriptions",
        body=subscribed(
            "Alexa.Enterprise.Subscription",
            "Activation",
            {"unit": {"parent": {"type": "Unit", "id": "organization-1"}}},
        ),
        response={"id": 5, "entities": {"unit": {"parent": {"type": "Unit", "id": "p"}}}},
        result=EventSubscription("5", entities=Entities(unit=Entity(parent=Entity("Unit", "p")))),
    ),
    "event_subscriptions.create, to the roles of a unit": Wire(
        lambda on: on.asp.event_subscriptions.create(
            on.event_configuration, Event.ROLE_ASSIGNMENT, resource_id=on.room, idempotency_token="token"
        ),
        "POST /v1/eventMessenger/subscriptions",
        body=subscribed(
            "Alexa.Role.Management",
            "Assignment",
            {"resource": {"type": "Resource", "resourceType": "Unit", "resourceId": "room-1"}},
        ),
        response={"id": "s"},
        result=EventSubscription("s"),
    ),
    "event_subscriptions.create, to a device group": Wire(
        lambda on: on.asp.event_subscriptions.create(
            on.event_configuration, "Alexa.Group.Management.Any", device_group_id="g", idempotency_token="token"
        ),
        "POST /v1/eventMessenger/subscriptions",
        body=subscribed("Alexa.Group.Management", "Any", {"group": {"type": "AlexaGroup", "id": "g"}}),
        response={"id": "s"},
        result=EventSubscription("s"),
    ),
    "event_subscriptions.create, to activity of endpoints": Wire(
        lambda on: on.asp.event_subscriptions.create(
            on.event_configuration, Event.ENDPOINT_VOICE, unit_id=on.room, idempotency_token="token"
        ),
        "POST /v1/eventMessenger/subscriptions",
        body=subscribed(
            "Alexa.Enterprise.Endpoint.Activity",
            "Voice",
            {"unit": {"type": "Unit", "id": "room-1"}},
            subscriptionDurationInSeconds=3600,
            eventHeaderVersion="V2",
        ),
        response={"id": "s"},
        result=EventSubscription("s"),
    ),
    "event_subscriptions.create, with a duration": Wire(
        lambda on: on.asp.event_subscriptions.create(
            on.event_configuration,
            Event.ENDPOINT_STATE_CHANGE,
            unit_id=on.room,
            duration_in_seconds=60,
            event_header_version="V3",
            idempotency_token="token",
        ),
        "POST /v1/eventMessenger/subscriptions",
        body=subscribed(
            "Alexa.Enterprise.Endpoint.Activity",
            "StateChange",
            {"unit": {"type": "Unit", "id": "room-1"}},
            subscriptionDurationInSeconds=60,
            eventHeaderVersion="V3",
        ),
        response={"id": "s"},
        result=EventSubscription("s"),
    ),
    "event_subscriptions.create, to no entity": Wire(
        lambda on: on.asp.event_subscriptions.create(on.event_configuration, "New.Event", idempotency_token="token"),
        "POST /v1/eventMessenger/subscriptions",
        body={
            "subscriptionConfigurationId": "event-configuration-1",
            "eventType": {"namespace": "New", "name": "Event"},
            "idempotencyToken": "token",
        },
        response={"id": "s"},
        result=EventSubscription("s"),
    ),
    "event_subscriptions.get": Wire(
        lambda on: on.asp.event_subscriptions.get(on.event_subscription),
        "GET /v1/eventMessenger/subscriptions/event-subscription-1",
        response=SUBSCRIPTION_JSON,
        result=SUBSCRIPTION,
    ),
    "event_subscriptions.delete": Wire(
        lambda on: on.asp.event_subscriptions.delete(on.event_subscription),
        "DELETE /v1/eventMessenger/subscriptions/event-subscription-1",
    ),
}
