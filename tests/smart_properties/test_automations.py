"""Automations: which templates are refused before anything is sent, and what errors name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alexa_props import SmartProperties, errors
from alexa_props.smart_properties.automations import (
    AutomationOperation,
    OperationNode,
    TemplateBody,
    Trigger,
    parallel,
    serial,
)
from alexa_props.smart_properties.endpoints import Endpoint
from tests.helpers import Service, answer, smart_properties

STOP = AutomationOperation.stop_media("${data.endpoints}")
TRIGGER = Trigger.utterance("good night", locale="en-US")
NIGHT = TemplateBody(TRIGGER, STOP)


def together(*counts: int) -> TemplateBody:
    """Return a template with this many operations in each of several parallel nodes."""
    return TemplateBody(TRIGGER, serial(*(parallel(*[STOP] * count) for count in counts)))


REFUSED_MODELS: list[tuple[Callable[[], object], str]] = [
    (lambda: Trigger.utterance(locale="en-US"), "utterances must be a list of at least 1 item, not of 0"),
    (serial, "steps must be a list of at least 1 item, not of 0"),
    (lambda: parallel(*[STOP] * 91), "steps must be a list of 1 to 90 items, not of 91"),
    (lambda: AutomationOperation.set_volume(["e"], 101), "volume must be a whole number from 0 to 100, not 101"),
    (lambda: AutomationOperation.set_volume(["e"], -1), "volume must be a whole number from 0 to 100, not -1"),
    (lambda: AutomationOperation.set_volume(["e"], True), "volume must be a whole number from 0 to 100, not True"),
    (lambda: AutomationOperation.stop_media("amzn1.alexa.endpoint.did.e"), "endpoints must be a list, not 'amzn1"),
    (lambda: AutomationOperation.stop_media([""]), "endpoint_id must be an id"),
    (lambda: Trigger.utterance(5, locale="en-US"), "utterances must be a list, each a string"),  # type: ignore[arg-type]
    (lambda: Trigger.at(dt.time(9), "UTC"), "time must be a string"),  # type: ignore[arg-type]
    (lambda: serial("stop"), "steps and operations must be an AutomationOperation"),  # type: ignore[arg-type]
    (lambda: AutomationOperation.notify("hello"), "notification must be a mapping, not 'hello'"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "said"), REFUSED_MODELS)
def test_models_reject_invalid_values(make: Callable[[], object], said: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"^{said}"):
        make()


def test_endpoints_stand_in_for_their_ids() -> None:
    assert AutomationOperation.stop_media([Endpoint("e"), "f"]).payload == {"endpoints": [{"id": "e"}, {"id": "f"}]}


REFUSED_CALLS: list[tuple[Callable[[SmartProperties], Awaitable[object]], str]] = [
    (
        lambda asp: asp.automation_templates.create(together(73, 75)),
        "operations must have at most 150 nodes, not 151",
    ),
    (
        lambda asp: asp.automation_templates.create(TemplateBody(TRIGGER, OperationNode())),
        "operations: a node must have an operation, or steps",
    ),
    (
        lambda asp: asp.automation_templates.create(TemplateBody(TRIGGER, OperationNode(STOP, serial=()))),
        "operations: a node must have an operation, or steps",
    ),
    (
        lambda asp: asp.automation_templates.create(TemplateBody(TRIGGER, OperationNode(serial=(STOP,)))),  # type: ignore[arg-type]
        "serial must be a list, each an OperationNode",
    ),
    (lambda asp: asp.automation_templates.create([NIGHT]), "template must be a mapping"),  # type: ignore[arg-type]
    (lambda asp: asp.automation_templates.create(NIGHT, data_definition=[]), "data_definition must be a mapping"),  # type: ignore[arg-type]
    (lambda asp: asp.automation_templates.create(NIGHT, name=""), "name must be a non-empty string"),
    (lambda asp: asp.automation_templates.create({"trigger": object()}), "automation_templates.create cannot be sent"),
    (lambda asp: asp.automations.create("u", "t", data="x"), "data must be a mapping, not 'x'"),  # type: ignore[arg-type]
    (lambda asp: asp.automations.update("a", None), "data must be a mapping, not None"),  # type: ignore[arg-type]
    (
        lambda asp: asp.automations.update("a", {"time": dt.datetime(2026, 1, 2)}),  # noqa: DTZ001
        r"automations.update cannot be sent .* must have a time zone",
    ),
]


@pytest.mark.parametrize(("call", "said"), REFUSED_CALLS)
async def test_rejects_invalid_arguments(call: Callable[[SmartProperties], Awaitable[object]], said: str) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=f"^{said}"):
        await call(smart_properties(service))
    assert service.seen == []


async def test_lists_refuse_other_expansions() -> None:
    asp = smart_properties(Service(204))
    wrong: Any = "some"
    for make in (
        lambda: asp.automation_templates.list(expand=wrong),
        lambda: asp.automations.list("u", expand=wrong),
    ):
        with pytest.raises(errors.ConfigurationError, match=r'^expand must be one of "all", not '):
            make()


async def test_as_many_operations_as_are_allowed_are_sent() -> None:
    service = Service(204)
    assert await smart_properties(service).automation_templates.create(together(90, 57)) is None
    parts = service.seen[0].json["template"]["operations"]["serial"]
    assert [len(part["parallel"]) for part in parts] == [90, 57]


CREATIONS: list[tuple[Callable[[SmartProperties], Awaitable[object]], str, str]] = [
    (
        lambda asp: asp.automation_templates.create(NIGHT, name="Night"),
        "automation_templates.create('Night'): 503",
        "check with automation_templates.list",
    ),
    (
        lambda asp: asp.automations.create("u", "t"),
        "automations.create('u'): 503",
        "check with automations.list",
    ),
]


@pytest.mark.parametrize(("create", "what", "advice"), CREATIONS)
async def test_a_creation_that_may_have_been_handled_is_not_repeated(
    create: Callable[[SmartProperties], Awaitable[object]], what: str, advice: str
) -> None:
    service = Service(answer(503), answer(201, {}))
    with pytest.raises(errors.ServerError) as caught:
        await create(smart_properties(service))
    assert len(service.seen) == 1
    assert str(caught.value).startswith(what)
    assert advice in str(caught.value)


def test_a_node_is_one_operation_or_several() -> None:
    assert serial(STOP, parallel(STOP, STOP)) == OperationNode(
        serial=(OperationNode(STOP), OperationNode(parallel=(OperationNode(STOP), OperationNode(STOP))))
    )
    assert TemplateBody(TRIGGER, OperationNode(STOP)) == NIGHT
