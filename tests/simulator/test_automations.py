"""Automations and their templates, through the real client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from alexa_props.smart_properties.automations import (
    AssociatedEntity,
    Automation,
    AutomationData,
    AutomationOperation,
    AutomationTemplate,
    TemplateBody,
    Trigger,
    parallel,
    serial,
)
from tests.wire import clients

VOLUME = TemplateBody(
    Trigger.at("${data.time}", "UTC"),
    serial(
        AutomationOperation.set_volume("${data.endpoints}", "${data.volume}"),
        parallel(AutomationOperation.announce("Hello", "en-US"), AutomationOperation.stop_media("${data.endpoints}")),
    ),
)
DEFINITION = {"volume": {"type": "integer"}, "required": ["volume"]}


async def test_automations_from_creation_to_deletion(sim: Simulator) -> None:
    on = clients(sim)
    templates, automations = on.asp.automation_templates, on.asp.automations
    template = await templates.create(VOLUME, data_definition=DEFINITION, name="Volume")
    assert template is not None
    listed = [each async for each in templates.list(page_size=2)]
    assert (listed[-1], len(listed)) == (template, 3)
    full = AutomationTemplate(template.template_id, "Volume", VOLUME, DEFINITION)
    assert await templates.get(template) == full
    assert [each async for each in templates.list(expand="all")][-1] == full

    created = await automations.create(on.room, template, data={"volume": 3}, name="Evening")
    assert created is not None
    found = Automation(
        created.automation_id,
        "Evening",
        AssociatedEntity(on.room, "UNIT"),
        AutomationData(template.template_id, {"volume": 3}),
    )
    assert await automations.get(created) == found
    assert [each async for each in automations.list(on.room, expand="all")][-1] == found
    assert [each async for each in automations.list(on.spare[0])] == []
    await automations.update(created, {"volume": 5, "endpoints": []})
    changed = (await automations.get(created)).automation
    assert changed == AutomationData(template.template_id, {"volume": 5, "endpoints": []})

    with pytest.raises(errors.BadRequest, match="delete those first"):
        await templates.delete(template)
    await automations.delete(created)
    await templates.delete(template)
    for read in (automations.get(created), automations.delete(created), templates.get(template)):
        with pytest.raises(errors.NotFound):
            await read
    sim.reset()
    assert len([each async for each in templates.list()]) == 2


async def test_an_automation_depends_on_its_template_its_data_and_its_unit(sim: Simulator) -> None:
    on = clients(sim)
    automations = on.asp.automations
    template = await on.asp.automation_templates.create(VOLUME, data_definition=DEFINITION)
    assert template is not None
    with pytest.raises(errors.NotFound, match="no template"):
        await automations.create(on.room, "t", data={"volume": 3})
    with pytest.raises(errors.BadRequest, match="data has no volume"):
        await automations.create(on.room, template)
    created = await automations.create(on.room, template, data={"volume": 3})
    assert created is not None
    with pytest.raises(errors.BadRequest, match="data has no volume"):
        await automations.update(created, {})
    with pytest.raises(errors.NotFound, match="no such unit"):
        await automations.create("u", template, data={"volume": 3})
    sim.set_forbidden(on.room)
    with pytest.raises(errors.Forbidden):
        await automations.create(on.room, template, data={"volume": 3})
    # What the caller may not see is an empty list, not an error.
    assert [each async for each in automations.list(on.room)] == []
    assert [each async for each in automations.list("u")] == []
    assert (sim.calls[-2].operation, sim.calls[-2].unit_id) == ("automations.list", on.room)


OPERATION = {"operation": {"type": "t", "version": 1.0, "payload": {}}}
BAD_TREES: list[Any] = [
    None,
    [],
    {},
    {"operation": {"type": "t", "version": "1.0"}},
    {"operation": {"type": "t", "payload": {}}},
    {**OPERATION, "serial": [OPERATION]},
    {"serial": []},
    {"serial": OPERATION},
    {"serial": ["x"]},
    {"sequence": [OPERATION]},
    {"parallel": [OPERATION] * 91},
    {"serial": [OPERATION] * 150},
]


async def test_rejects_invalid_templates(api: httpx.AsyncClient) -> None:
    trigger = {"type": "t", "version": "1.0", "payload": {}}
    path = "/v2/automations/templates"
    for tree in BAD_TREES:
        response = await api.post(path, json={"template": {"trigger": trigger, "operations": tree}})
        assert response.status_code == 400, tree
    valid = {"template": {"trigger": trigger, "operations": {"serial": [OPERATION] * 149}}}
    assert (await api.post(path, json=valid)).status_code == 201
    changes: list[dict[str, Any]] = [
        {"template": {**valid["template"], "trigger": {"type": "t", "version": "1.0"}}},
        {"dataDefinition": []},
        {"friendlyName": "x"},
        {"friendlyName": {"value": {"text": ""}}},
    ]
    for change in changes:
        assert (await api.post(path, json={**valid, **change})).status_code == 400, change
    for query in ("expand=some", "maxResults=11"):
        assert (await api.get(f"{path}?{query}")).status_code == 400, query


async def test_rejects_automations_of_anything_but_a_unit(api: httpx.AsyncClient, sim: Simulator) -> None:
    path = "/v2/automations"
    body = {"associatedEntity": {"type": "ENDPOINT", "id": sim.endpoints[0]}, "automation": {"templateId": "t"}}
    for bad in (body, {**body, "associatedEntity": [{"type": "UNIT", "id": sim.rooms[0]}]}, {**body, "automation": {}}):
        assert (await api.post(path, json=bad)).status_code == 400, bad
    for query in ("", f"?associatedEntity.id={sim.rooms[0]}", "?associatedEntity.type=UNIT"):
        assert (await api.get(path + query)).status_code == 400, query
