"""Automations of units, and the templates that they are made from. They are stored, but never run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.deletions import when_deleted
from alexa_props.simulator.resources import Item, Resource, require_subject
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.world import World

# The less strict of two pages.
MOST_NODES = 150
MOST_PARALLEL = 90
MOST_RESULTS = 10

_NAME = {"friendlyName": dict, "friendlyName.value": dict, "friendlyName.value.text": str}
_TEMPLATE = {"template": dict, "template.trigger": dict, "template.operations": dict}


def _templates(_: World) -> Iterator[Mapping[str, Json]]:
    for name, locale in (("Good night", "en-US"), ("Gute Nacht", "de-DE")):
        trigger: Json = {
            "type": "Alexa.Automation.Trigger.Voice.CustomUtterance",
            "version": "1.0",
            "payload": {"utterances": [name.lower()], "locale": locale},
        }
        stop: Json = {
            "type": "Alexa.Automation.Operation.Media.Stop",
            "version": "1.0",
            "payload": {"endpoints": "${data.endpoints}"},
        }
        yield {
            "template": {"trigger": trigger, "operations": {"serial": [{"operation": stop}]}},
            "dataDefinition": {"endpoints": {"type": "array"}},
            "friendlyName": {"value": {"text": name}},
        }


def _automations(world: World) -> Iterator[Mapping[str, Json]]:
    for room in world.tree.first_rooms[:1]:
        yield {
            "associatedEntity": {"type": "UNIT", "id": room.id},
            "automation": {"templateId": TEMPLATES.ids(world)[0], "data": {"endpoints": []}},
            "friendlyName": {"value": {"text": "Good night"}},
        }


TEMPLATES = Resource(
    *("automation_templates", "/v2/automations/templates", "templateId", "amzn1.alexa.automation.template."),
    most=MOST_RESULTS,
    expands=True,
    seeds=_templates,
).serve(list="list", get="get")
AUTOMATIONS = Resource(
    *("automations", "/v2/automations", "automationId", "amzn1.alexa.automation."),
    most=MOST_RESULTS,
    expands=True,
    seeds=_automations,
).serve(get="get")


def _nodes(node: object) -> int:
    """Return the number of nodes in a tree of operations, all of which must be valid."""
    if not isinstance(node, dict) or len(node) != 1:
        raise Problem(400, "A node must have exactly one of operation, serial and parallel.")
    ((name, value),) = node.items()
    if name == "operation":
        require_members(value, {"type": str, "payload": dict})
        if not isinstance(value.get("version"), str | int | float):
            raise Problem(400, "version is required, and must be a string or a number.")
        return 1
    if name not in ("serial", "parallel") or not isinstance(value, list) or not value:
        raise Problem(400, "serial and parallel must be lists that are not empty.")
    if name == "parallel" and len(value) > MOST_PARALLEL:
        raise Problem(400, f"parallel must be a list of 1 to {MOST_PARALLEL}.")
    return 1 + sum(map(_nodes, value))


def _require_data(template: Item, data: Mapping[str, Json]) -> None:
    """Check that the values of all placeholders that the template's definition requires are there."""
    required = template.body.get("dataDefinition", {}).get("required")
    for name in required if isinstance(required, list) else ():
        if isinstance(name, str) and name not in data:
            raise Problem(400, f"data has no {name}, which the template requires.")


@route("automation_templates.create", "POST", TEMPLATES.path)
def create_template(context: Context) -> Response:
    """Create a template: 201 and its id."""
    body = require_members(context.json, _TEMPLATE, {"dataDefinition": dict, **_NAME})
    require_members(body["template"]["trigger"], {"type": str, "version": str, "payload": dict})
    if _nodes(body["template"]["operations"]) > MOST_NODES:
        raise Problem(400, f"The operations must have at most {MOST_NODES} nodes.")
    return json_response({"templateId": TEMPLATES.add(context, body).id}, 201)


@route("automation_templates.delete", "DELETE", f"{TEMPLATES.path}/{{templateId}}")
def delete_template(context: Context) -> Response:
    """Delete a template. Inferred: it is refused while there are automations made from it."""
    template = TEMPLATES.find(context)
    if any(each.body["automation"]["templateId"] == template.id for each in AUTOMATIONS.items(context).values()):
        raise Problem(400, "The template has automations: delete those first.")
    del TEMPLATES.items(context)[template.id]
    return no_content()


@route("automations.list", "GET", AUTOMATIONS.path)
def list_automations(context: Context) -> Response:
    """List the automations of a unit: none, as documented, if the caller may not see it."""
    unit_id = context.query.get("associatedEntity.id")
    if context.query.get("associatedEntity.type") != "UNIT" or not unit_id:
        raise Problem(400, "associatedEntity.type and associatedEntity.id are required, and the type must be UNIT.")
    found = [each for each in AUTOMATIONS.items(context).values() if each.unit_id == unit_id]
    return AUTOMATIONS.page(context, found, unit_id)


@route("automations.create", "POST", AUTOMATIONS.path)
def create_automation(context: Context) -> Response:
    """Create an automation from a template that exists, for a unit that is permitted: 201 and its id."""
    required = {"associatedEntity": dict, "associatedEntity.id": str, "automation": dict, "automation.templateId": str}
    body = require_members(context.json, required, {"automation.data": dict, **_NAME})
    if body["associatedEntity"].get("type") != "UNIT":
        raise Problem(400, "associatedEntity.type must be UNIT.")
    require_subject(context)
    template = TEMPLATES.items(context).get(body["automation"]["templateId"])
    if template is None:
        raise Problem(404, "There is no template with this id.")
    _require_data(template, body["automation"].get("data", {}))
    return json_response({"automationId": AUTOMATIONS.add(context, body).id}, 201)


@route("automations.update", "PUT", f"{AUTOMATIONS.path}/{{automationId}}")
def update_automation(context: Context) -> Response:
    """Replace the values of placeholders. Anything else in the body is ignored (inferred)."""
    item = AUTOMATIONS.find(context)
    data = require_members(context.json, {"automation": dict, "automation.data": dict})["automation"]["data"]
    automation = item.body["automation"]
    _require_data(TEMPLATES.items(context)[automation["templateId"]], data)
    item.body["automation"] = {**automation, "data": data}
    return no_content()


AUTOMATIONS.serve(delete="delete")


@when_deleted("unit")
def _discard(world: World, unit_id: str) -> None:
    AUTOMATIONS.discard(world, lambda item: item.unit_id == unit_id)
