"""Event subscriptions: their idempotency tokens, and what is refused before anything is sent."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from alexa_props import SmartProperties, errors
from alexa_props.smart_properties.event_messenger import DeliveryChannel, Event, EventType
from tests.helpers import Script, Service, answer, smart_properties, virtual_time

TOPIC = DeliveryChannel("arn:aws:sns:us-east-1:123456789012:topic")


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time()


def create_configuration(asp: SmartProperties, **options: Any) -> Awaitable[object]:
    return asp.event_subscription_configurations.create([TOPIC], **options)


def create_subscription(asp: SmartProperties, **options: Any) -> Awaitable[object]:
    return asp.event_subscriptions.create("c", Event.ENDPOINT_VOICE, unit_id="u", **options)


CREATIONS = (create_configuration, create_subscription)
CREATED = answer(201, {"id": "new"})
NOT_HANDLED: list[Script] = [answer(429), answer(429, retry_after="2"), httpx.ConnectError, httpx.ConnectTimeout]


@pytest.mark.parametrize("create", CREATIONS)
async def test_retries_of_a_call_have_its_token(create: Callable[..., Awaitable[object]]) -> None:
    service = Service(*NOT_HANDLED, CREATED)
    await create(smart_properties(service))
    assert len(service.seen) == 5
    (token,) = {seen.json["idempotencyToken"] for seen in service.seen}
    assert str(uuid.UUID(token)) == token


@pytest.mark.parametrize("create", CREATIONS)
async def test_two_calls_have_different_tokens(create: Callable[..., Awaitable[object]]) -> None:
    service = Service(CREATED)
    asp = smart_properties(service)
    for _ in range(3):
        await create(asp)
    assert len({seen.json["idempotencyToken"] for seen in service.seen}) == 3


@pytest.mark.parametrize("create", CREATIONS)
async def test_a_token_of_the_user_is_sent_by_each_call(create: Callable[..., Awaitable[object]]) -> None:
    service = Service(answer(429), CREATED)
    asp = smart_properties(service)
    for _ in range(2):
        await create(asp, idempotency_token="order 66")
    assert [seen.json["idempotencyToken"] for seen in service.seen] == ["order 66"] * 3


@pytest.mark.parametrize("create", CREATIONS)
async def test_a_creation_that_may_have_been_handled_is_not_repeated(create: Callable[..., Awaitable[object]]) -> None:
    for fault in (httpx.ReadError, answer(503)):
        service = Service(fault, CREATED)
        with pytest.raises(
            (errors.TransportError, errors.ServerError), match=r"check with event_subscription\w+\.list"
        ):
            await create(smart_properties(service))
        assert len(service.seen) == 1


REFUSED: list[tuple[Callable[[SmartProperties], Awaitable[object]], str]] = [
    (lambda asp: asp.event_subscription_configurations.create([]), "delivery_channels must be a list of at least 1"),
    (
        lambda asp: asp.event_subscription_configurations.create(TOPIC),  # type: ignore[arg-type]
        "delivery_channels must be a list, not ",
    ),
    (
        lambda asp: asp.event_subscription_configurations.create([TOPIC.id]),  # type: ignore[list-item]
        "delivery_channels.0. must be of type DeliveryChannel, not str",
    ),
    (
        lambda asp: asp.event_subscription_configurations.create([TOPIC, DeliveryChannel("")]),
        "delivery_channels must be an id",
    ),
    (
        lambda asp: asp.event_subscription_configurations.create([DeliveryChannel("arn:queue", "SQS")]),
        "type of delivery_channels must be one of \"SNS\", not 'SQS'",
    ),
    (lambda asp: create_configuration(asp, idempotency_token=""), "idempotency_token must be an id"),
    (lambda asp: create_subscription(asp, idempotency_token=5), "idempotency_token must be an id"),
    (lambda asp: asp.event_subscriptions.create("c", "Completion"), "event must be an Event, or a string such as "),
    (lambda asp: asp.event_subscriptions.create("c", ".Completion"), "event must be an Event"),
    (lambda asp: asp.event_subscriptions.create("c", "Alexa."), "event must be an Event"),
    (lambda asp: asp.event_subscriptions.create("c", None), "event must be an Event"),  # type: ignore[arg-type]
    (lambda asp: asp.event_subscriptions.create("", Event.ROLE_ASSIGNMENT), "configuration_id must be an id"),
    (
        lambda asp: asp.event_subscriptions.create("c", Event.ROLE_ASSIGNMENT, resource_id=""),
        "resource_id must be an id",
    ),
    (lambda asp: asp.event_subscriptions.create("c", "A.B", device_group_id=""), "device_group_id must be an id"),
    (lambda asp: asp.event_subscriptions.create("c", "A.B", skill_id=""), "skill_id must be an id"),
]


@pytest.mark.parametrize(("call", "said"), REFUSED)
async def test_rejects_invalid_arguments(call: Callable[[SmartProperties], Awaitable[object]], said: str) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=f"^{said}"):
        await call(smart_properties(service))
    assert service.seen == []


async def test_an_error_names_the_entity_or_else_the_event() -> None:
    asp = smart_properties(Service(answer(400)))
    entities: list[tuple[dict[str, str], str]] = [
        ({"unit_id": "u", "parent_id": "p"}, "u"),
        ({"parent_id": "p"}, "p"),
        ({"resource_id": "r"}, "r"),
        ({"device_group_id": "g"}, "g"),
        ({"skill_id": "s"}, "Alexa.Role.Management.Assignment"),
        ({}, "Alexa.Role.Management.Assignment"),
    ]
    for given, subject in entities:
        with pytest.raises(errors.BadRequest) as caught:
            await asp.event_subscriptions.create("c", Event.ROLE_ASSIGNMENT, **given)  # type: ignore[arg-type]
        assert str(caught.value).startswith(f"event_subscriptions.create({subject!r}): 400")
    with pytest.raises(errors.BadRequest, match=r"^event_subscriptions\.list\('Alexa\.Role\.Management\.Assignment'\)"):
        await asp.event_subscriptions.list(event=Event.ROLE_ASSIGNMENT)
    with pytest.raises(errors.BadRequest, match=r"^event_subscriptions\.list\('p'\)"):
        await asp.event_subscriptions.list(parent_id="p", event=Event.ROLE_ASSIGNMENT)
    with pytest.raises(errors.BadRequest, match=r"^event_subscription_configurations\.create\('arn:aws:sns"):
        await create_configuration(asp)


def test_an_event_type_reads_like_its_event() -> None:
    assert str(EventType("Alexa.Automation.Execution", "Completion")) == Event.AUTOMATION_COMPLETION
