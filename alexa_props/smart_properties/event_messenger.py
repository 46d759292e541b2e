"""Events: subscriptions, and the channels through which events are delivered."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, id_of, require_choice, require_id, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_models
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.device_groups import DeviceGroupId
from alexa_props.smart_properties.ids import UnitId

__all__ = [
    "OPERATIONS",
    "ChannelType",
    "DeliveryChannel",
    "Entities",
    "Entity",
    "Event",
    "EventSubscription",
    "EventSubscriptionConfiguration",
    "EventSubscriptionConfigurations",
    "EventSubscriptions",
    "EventType",
]


class Event(enum.StrEnum):
    """Events by their namespace and name, each with the arguments of `create` that it needs. There may be others."""

    AUTOMATION_COMPLETION = "Alexa.Automation.Execution.Completion"
    """An automation has ended; it says which actions failed: `unit_id`."""
    SKILL_INTERACTION_FAILURE = "Alexa.Skill.Interaction.Failure"
    """A skill responded too late or not correctly: `unit_id` and `skill_id`."""
    SUBSCRIPTION_ACTIVATION = "Alexa.Enterprise.Subscription.Activation"
    """The subscription skill of a unit is ready, so it can get units, skills and devices: `parent_id` only."""
    ROLE_ASSIGNMENT = "Alexa.Role.Management.Assignment"
    """A role was assigned: `resource_id`."""
    ROLE_REVOCATION = "Alexa.Role.Management.Revocation"
    """A role was revoked: `resource_id`."""
    ENDPOINT_SETUP_COMPLETION = "Alexa.Endpoint.Lifecycle.SetupCompletion"
    """A device was set up and can be managed: `unit_id`."""
    ENDPOINT_STATE_CHANGE = "Alexa.Enterprise.Endpoint.Activity.StateChange"
    """Not documented, only used by Amazon's tool: `unit_id`, and a skill for premium events enabled for the unit."""
    ENDPOINT_VOICE = "Alexa.Enterprise.Endpoint.Activity.Voice"
    """As `ENDPOINT_STATE_CHANGE`."""


@attrs.frozen
class EventType:
    """An event type as responses have it. `str` of it equals an `Event`."""

    namespace: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"


class ChannelType(enum.StrEnum):
    """How events are delivered."""

    SNS = "SNS"
    """To a topic of Amazon SNS that you own. No other channel is documented."""


@attrs.frozen
class DeliveryChannel:
    """Where events go."""

    id: str
    """ARN of the topic."""
    type: ChannelType | str = ChannelType.SNS


@attrs.frozen
class EventSubscriptionConfiguration(Identified, Lenient):
    """Delivery channels that subscriptions refer to. All but the id is inferred."""

    id_arguments = ("configuration_id",)

    id: str | None = None
    delivery_channels: tuple[DeliveryChannel, ...] = ()


@attrs.frozen
class Entity:
    """A unit, skill or device group, which has an id, or the resource of a role, which has a resource id."""

    type: str | None = None
    id: str | None = None
    parent: Entity | None = None
    """Of a unit. Without a unit's id: all units with this parent."""
    resource_type: str | None = None
    resource_id: str | None = None


@attrs.frozen
class Entities:
    """What the events of a subscription are about."""

    unit: Entity | None = None
    skill: Entity | None = None
    resource: Entity | None = None
    group: Entity | None = None


@attrs.frozen
class EventSubscription(Identified, Lenient):
    """A subscription to one event. All but the id is inferred."""

    id_arguments = ("subscription_id",)

    id: str | None = None
    subscription_configuration_id: str | None = None
    event_type: EventType | None = None
    entities: Entities | None = None


ConfigurationId: TypeAlias = str | EventSubscriptionConfiguration
SubscriptionId: TypeAlias = str | EventSubscription

_ACTIVITY: Final = "Alexa.Enterprise.Endpoint.Activity"
_FILTERS: Final = {
    "unit_id": "entities.unit.id",
    "unit_type": "entities.unit.type",
    "parent_id": "entities.unit.parent.id",
    "parent_type": "entities.unit.parent.type",
    "event_namespace": "eventType.namespace",
    "event_name": "eventType.name",
}

_PAGE: Final = "event-messenger-api.html"
_CONFIGURATIONS: Final = "/v1/eventMessenger/subscriptionConfigurations"
_CONFIGURATION: Final = f"{_CONFIGURATIONS}/{{configuration_id}}"
_configurations: Final = Group("event_subscription_configurations", _PAGE)
LIST_CONFIGURATIONS: Final = _configurations.list("list", _CONFIGURATIONS, EventSubscriptionConfiguration)
CREATE_CONFIGURATION: Final = _configurations.post(
    "create", _CONFIGURATIONS, EventSubscriptionConfiguration, check_with="list"
)
GET_CONFIGURATION: Final = _configurations.get("get", _CONFIGURATION, EventSubscriptionConfiguration)
DELETE_CONFIGURATION: Final = _configurations.delete("delete", _CONFIGURATION)

_SUBSCRIPTIONS: Final = "/v1/eventMessenger/subscriptions"
_TYPES: Final = {"subscription_duration_in_seconds": int, "event_header_version": str}
_subscriptions: Final = Group("event_subscriptions", _PAGE)
LIST: Final = _subscriptions.list("list", _SUBSCRIPTIONS, EventSubscription, wire=_FILTERS)
CREATE: Final = _subscriptions.post(
    "create", _SUBSCRIPTIONS, EventSubscription, nullable=True, types=_TYPES, check_with="list"
)
GET: Final = _subscriptions.get("get", f"{_SUBSCRIPTIONS}/{{subscription_id}}", EventSubscription)
DELETE: Final = _subscriptions.delete("delete", f"{_SUBSCRIPTIONS}/{{subscription_id}}")
OPERATIONS: Final = (*_configurations.operations, *_subscriptions.operations)


class EventSubscriptionConfigurations(Resource):
    """Create, read and delete the destinations of events.

        topic = DeliveryChannel("arn:aws:sns:us-east-1:123456789012:events")
        configuration = await asp.event_subscription_configurations.create([topic])
        await asp.event_subscriptions.create(configuration, Event.AUTOMATION_COMPLETION, unit_id=unit_id)

    Configurations and subscriptions are created with an idempotency token: a new one for each call, shared by its
    retries. Pass `idempotency_token` to repeat a call whose outcome is unknown. How long the service remembers a token
    is not documented.
    """

    def list(self, *, page_size: int | None = None) -> Pager[EventSubscriptionConfiguration]:
        """List the configurations of the caller."""
        return self._pager(LIST_CONFIGURATIONS, owner="~caller", page_size=page_size)

    async def create(
        self, delivery_channels: Iterable[DeliveryChannel], *, idempotency_token: str | None = None
    ) -> EventSubscriptionConfiguration:
        """Create a configuration with at least one delivery channel, and return it."""
        channels = require_models("delivery_channels", delivery_channels, DeliveryChannel)
        for each in channels:
            require_choice("type of delivery_channels", each.type, ChannelType)
        subject = summarize([require_id("delivery_channels", each.id) for each in channels])
        token = _token(idempotency_token)
        return await self._call(
            CREATE_CONFIGURATION, delivery_channels=channels, idempotency_token=token, subject=subject
        )

    async def get(self, configuration_id: ConfigurationId) -> EventSubscriptionConfiguration:
        """Return a configuration."""
        return await self._call(GET_CONFIGURATION, configuration_id=configuration_id)

    async def delete(self, configuration_id: ConfigurationId) -> None:
        """Delete a configuration. Delete its subscriptions first: whether it may be in use is not documented."""
        await self._call(DELETE_CONFIGURATION, configuration_id=configuration_id)


class EventSubscriptions(Resource):
    """Create, read and delete subscriptions to events.

        await asp.event_subscriptions.create(event_configuration_id, Event.ENDPOINT_STATE_CHANGE, unit_id=unit_id)

    A subscription to the activity of endpoints, such as this one, may end after an hour: create it again before then.
    """

    def list(
        self,
        *,
        unit_id: UnitId | None = None,
        parent_id: UnitId | None = None,
        event: Event | str | None = None,
        page_size: int | None = None,
    ) -> Pager[EventSubscription]:
        """List the subscriptions of the caller: all, or those to an event, a unit, or the units with a parent."""
        event_type = EventType() if event is None else _event_type(event)
        return self._pager(
            LIST,
            owner="~caller",
            unit_id=unit_id,
            unit_type=None if unit_id is None else "Unit",
            parent_id=parent_id,
            parent_type=None if parent_id is None else "Unit",
            event_namespace=event_type.namespace,
            event_name=event_type.name,
            page_size=page_size,
            subject=id_of("unit_id", parent_id if unit_id is None else unit_id) or event,
        )

    async def create(
        self,
        configuration_id: ConfigurationId,
        event: Event | str,
        *,
        unit_id: UnitId | None = None,
        parent_id: UnitId | None = None,
        skill_id: str | None = None,
        resource_id: UnitId | None = None,
        device_group_id: DeviceGroupId | None = None,
        duration_in_seconds: int | None = None,
        event_header_version: str | None = None,
        idempotency_token: str | None = None,
    ) -> EventSubscription | None:
        """Subscribe to an event. Expect the id in the response, which is not documented; None if it has no body.

        `Event` says which ids an event needs. `parent_id` subscribes to the events of all units below it, and
        `resource_id` is the unit whose roles are assigned or revoked. For the activity of endpoints, as in Amazon's
        tool, `duration_in_seconds` defaults to 3,600 and `event_header_version`, the form of the events, to "V2".
        """
        event_type = _event_type(event)
        parent = _entity("Unit", "parent_id", parent_id)
        role = _entity("Unit", "resource_id", id_of("unit_id", resource_id))
        entities = Entities(
            unit=_entity("Unit", "unit_id", unit_id, parent) or (parent and Entity(parent=parent)),
            skill=_entity("Skill", "skill_id", skill_id),
            resource=role and Entity("Resource", resource_type=role.type, resource_id=role.id),
            group=_entity("AlexaGroup", "device_group_id", device_group_id),
        )
        named = (entities.unit, parent, role, entities.group)
        if event_type.namespace == _ACTIVITY:
            duration_in_seconds = 3600 if duration_in_seconds is None else duration_in_seconds
            event_header_version = "V2" if event_header_version is None else event_header_version
        return await self._call(
            CREATE,
            subscription_configuration_id=require_id("configuration_id", configuration_id),
            event_type=event_type,
            entities=entities if entities != Entities() else None,
            subscription_duration_in_seconds=duration_in_seconds,
            event_header_version=event_header_version,
            idempotency_token=_token(idempotency_token),
            subject=next((each.id for each in named if each and each.id), event),
        )

    async def get(self, subscription_id: SubscriptionId) -> EventSubscription:
        """Return a subscription."""
        return await self._call(GET, subscription_id=subscription_id)

    async def delete(self, subscription_id: SubscriptionId) -> None:
        """Delete a subscription."""
        await self._call(DELETE, subscription_id=subscription_id)


def _event_type(event: str) -> EventType:
    namespace, _, name = event.rpartition(".") if isinstance(event, str) else ("", "", "")
    if not namespace or not name:
        raise ConfigurationError(f'event must be an Event, or a string such as "Namespace.Name", not {event!r:.80}')
    return EventType(namespace, name)


def _entity(kind: str, argument: str, value: object, parent: Entity | None = None) -> Entity | None:
    return None if value is None else Entity(kind, require_id(argument, value), parent)


def _token(given: str | None) -> str:
    return str(uuid.uuid4()) if given is None else require_id("idempotency_token", given)
