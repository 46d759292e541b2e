"""Automations: what happens in a unit at an utterance or at a time, made from templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_id, require_limits, require_list, require_whole
from alexa_props.client import Resource
from alexa_props.codec import Lenient, PlainText
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_field_types, require_type
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.ids import EndpointId, UnitId
from alexa_props.smart_properties.protocol import EXPAND, plain_text

__all__ = [
    "OPERATIONS",
    "AssociatedEntity",
    "Automation",
    "AutomationData",
    "AutomationOperation",
    "AutomationTemplate",
    "AutomationTemplates",
    "Automations",
    "OperationNode",
    "TemplateBody",
    "Trigger",
    "parallel",
    "serial",
]

_MOST_NODES: Final = 150


@attrs.frozen
class Trigger:
    """What starts an automation. Sunrise and sunset are triggers too, but their types are not documented."""

    type: str
    payload: dict[str, Any]
    version: str = "1.0"

    @classmethod
    def utterance(cls, *utterances: str, locale: str) -> Trigger:
        """Start when a guest says one of the utterances, in a locale such as "en-US"."""
        require_limits("utterances", utterances, 1, None)
        require_type("utterances", utterances, tuple[str, ...])
        require_type("locale", locale, str)
        payload = {"utterances": list(utterances), "locale": locale}
        return cls("Alexa.Automation.Trigger.Voice.CustomUtterance", payload)

    @classmethod
    def at(cls, time: str, time_zone: str, *, recurrence: str | None = None) -> Trigger:
        """Start at a time in a zone such as "UTC". The form of the time is not documented.

        `recurrence` is an RRULE, such as "FREQ=DAILY" (inferred from automations of skills).
        """
        for name, text in (("time", time), ("time_zone", time_zone)):
            require_type(name, text, str)
        require_type("recurrence", recurrence, str | None)
        schedule = {"triggerTime": time, "timeZoneId": time_zone, **({"recurrence": recurrence} if recurrence else {})}
        return cls("Alexa.Automation.Trigger.Schedule.AbsoluteTime", {"schedule": schedule})


Targets: TypeAlias = Iterable[EndpointId] | str
"""Endpoints, or a placeholder for them: "${data.endpoints}"."""


@attrs.frozen
class AutomationOperation:
    """One thing that an automation does. The types for brightness, power and thermostats are not documented."""

    type: str
    payload: dict[str, Any]
    version: str = "1.0"

    @classmethod
    def notify(cls, notification: Mapping[str, object]) -> AutomationOperation:
        """Send a notification: JSON with the `variants` of the notifications API."""
        payload = {"notification": _json_object("notification", notification)}
        return cls("Alexa.Automation.Operation.Notification.Notify", payload)

    @classmethod
    def announce(cls, text: str, locale: str) -> AutomationOperation:
        """Speak an announcement on the devices of the unit."""
        require_type("text", text, str)
        require_type("locale", locale, str)
        content = {"variants": [{"type": "SpokenText", "values": [{"locale": locale, "text": text}]}]}
        return cls.notify({"variants": [{"type": "Announcement", "content": content}]})

    @classmethod
    def set_volume(cls, endpoints: Targets, volume: int | str) -> AutomationOperation:
        """Set the volume of endpoints, 0 to 100 or a placeholder."""
        if not isinstance(volume, str):
            require_whole("volume", volume, 0, 100)
        payload = {"endpoints": _targets(endpoints), "payload": {"volume": volume}}
        return cls("Alexa.Automation.Operation.Speaker.SetVolume", payload)

    @classmethod
    def set_do_not_disturb(cls, endpoints: Targets, *, value: bool | str) -> AutomationOperation:
        """Turn do not disturb of endpoints on or off; the value may be a placeholder."""
        require_type("value", value, bool | str)
        payload = {"endpoints": _targets(endpoints), "value": value}
        return cls("Alexa.Automation.Operation.Settings.SetDoNotDisturbState", payload)

    @classmethod
    def stop_media(cls, endpoints: Targets) -> AutomationOperation:
        """Stop what endpoints play."""
        return cls("Alexa.Automation.Operation.Media.Stop", {"endpoints": _targets(endpoints)})


@attrs.frozen
class OperationNode:
    """A node in the tree of operations. Exactly one of its members is set; `serial` and `parallel` make nodes."""

    operation: AutomationOperation | None = None
    serial: tuple[OperationNode, ...] | None = None
    parallel: tuple[OperationNode, ...] | None = None


def _node(step: AutomationOperation | OperationNode) -> OperationNode:
    if isinstance(step, OperationNode):
        return step
    require_type("steps and operations", step, AutomationOperation)
    return OperationNode(step)


def serial(*steps: AutomationOperation | OperationNode) -> OperationNode:
    """Return a node whose steps run one after the other."""
    require_limits("steps", steps, 1, None)
    return OperationNode(serial=tuple(map(_node, steps)))


def parallel(*steps: AutomationOperation | OperationNode) -> OperationNode:
    """Return a node whose steps run together: up to 90, by the less strict of two pages."""
    require_limits("steps", steps, 1, 90)
    return OperationNode(parallel=tuple(map(_node, steps)))


@attrs.frozen
class TemplateBody:
    """What a template does. Any text in it may hold placeholders such as "${data.volume}"."""

    trigger: Trigger
    operations: OperationNode = attrs.field(converter=_node)
    """Up to 150 nodes, by the less strict of two pages: each operation is one, and each `serial` and `parallel`."""


@attrs.frozen
class AutomationTemplate(Identified, Lenient):
    """A template. Its members are inferred. A list without `expand` sets only the id."""

    id_arguments = ("template_id",)
    id_field = "template_id"

    template_id: str | None = None
    friendly_name: PlainText | None = None
    template: TemplateBody | None = None
    """Without conditions, which are not documented: `raw` has them."""
    data_definition: dict[str, Any] | None = None


@attrs.frozen
class AssociatedEntity:
    """What an automation belongs to."""

    id: str | None = None
    type: str | None = None
    """"UNIT"."""


@attrs.frozen
class AutomationData:
    """The template of an automation, and the values of its placeholders."""

    template_id: str | None = None
    data: dict[str, Any] | None = None


@attrs.frozen
class Automation(Identified, Lenient):
    """An automation of a unit. Its members are inferred. A list without `expand` sets only the id."""

    id_arguments = ("automation_id",)
    id_field = "automation_id"

    automation_id: str | None = None
    friendly_name: PlainText | None = None
    associated_entity: AssociatedEntity | None = None
    automation: AutomationData | None = None


TemplateId: TypeAlias = str | AutomationTemplate
AutomationId: TypeAlias = str | Automation

_TEMPLATES: Final = "/v2/automations/templates"
_AUTOMATIONS: Final = "/v2/automations"
_UNIT: Final = {"entity_type": "associatedEntity.type", "unit_id": "associatedEntity.id"}

_templates: Final = Group("automation_templates", "automation-api.html")
LIST_TEMPLATES: Final = _templates.list("list", _TEMPLATES, AutomationTemplate, choices=EXPAND)
CREATE_TEMPLATE: Final = _templates.post("create", _TEMPLATES, AutomationTemplate, nullable=True, check_with="list")
GET_TEMPLATE: Final = _templates.get("get", f"{_TEMPLATES}/{{template_id}}", AutomationTemplate)
DELETE_TEMPLATE: Final = _templates.delete("delete", f"{_TEMPLATES}/{{template_id}}")
_automations: Final = Group("automations", "automation-api.html")
LIST: Final = _automations.list("list", _AUTOMATIONS, Automation, required=("unit_id",), wire=_UNIT, choices=EXPAND)
CREATE: Final = _automations.post("create", _AUTOMATIONS, Automation, nullable=True, check_with="list")
GET: Final = _automations.get("get", f"{_AUTOMATIONS}/{{automation_id}}", Automation)
UPDATE: Final = _automations.put("update", f"{_AUTOMATIONS}/{{automation_id}}")
DELETE: Final = _automations.delete("delete", f"{_AUTOMATIONS}/{{automation_id}}")
OPERATIONS: Final = (*_templates.operations, *_automations.operations)


class AutomationTemplates(Resource):
    """Create, read and delete templates of automations: triggers and operations with placeholders.

        trigger = Trigger.utterance("good night", locale="en-US")
        body = TemplateBody(trigger, AutomationOperation.stop_media("${data.endpoints}"))
        await asp.automation_templates.create(body, data_definition={"endpoints": {"type": "array"}})

    A template does nothing by itself, and only its owner can read and use it.
    """

    def list(self, *, expand: Literal["all"] | None = None, page_size: int | None = None) -> Pager[AutomationTemplate]:
        """List the templates of the caller."""
        return self._pager(LIST_TEMPLATES, expand=expand, page_size=page_size)

    async def create(
        self,
        template: TemplateBody | Mapping[str, object],
        *,
        data_definition: Mapping[str, object] | None = None,
        name: str | None = None,
    ) -> AutomationTemplate | None:
        """Create a template. Expect its id in the response, which is not documented; None if it has no body.

        JSON is sent unchecked: use it for conditions, which are not documented. `data_definition` has a JSON schema for
        each placeholder by its name, and the list `required`.
        """
        if isinstance(template, TemplateBody):
            nodes = _count(template.operations)
            if nodes > _MOST_NODES:
                raise ConfigurationError(f"operations must have at most {_MOST_NODES} nodes, not {nodes}")
        return await self._call(
            CREATE_TEMPLATE,
            template=template if isinstance(template, TemplateBody) else _json_object("template", template),
            data_definition=None if data_definition is None else _json_object("data_definition", data_definition),
            friendly_name=_wrapped(name),
            subject=name,
        )

    async def get(self, template_id: TemplateId) -> AutomationTemplate:
        """Return a template. One of another owner is not found."""
        return await self._call(GET_TEMPLATE, template_id=template_id)

    async def delete(self, template_id: TemplateId) -> None:
        """Delete a template. Delete its automations first: what happens to them is not documented."""
        await self._call(DELETE_TEMPLATE, template_id=template_id)


class Automations(Resource):
    """Create, read, change and delete automations of units, each from a template.

        await asp.automations.create(unit_id, automation_template_id, data={"phrase": "start my day"})

    Subscribe to `Event.AUTOMATION_COMPLETION` with `event_subscriptions` to learn how each run ended.
    """

    def list(
        self, unit_id: UnitId, *, expand: Literal["all"] | None = None, page_size: int | None = None
    ) -> Pager[Automation]:
        """List the automations of a unit. If the caller may not see the unit, the list is empty."""
        return self._pager(LIST, entity_type="UNIT", unit_id=unit_id, expand=expand, page_size=page_size)

    async def create(
        self,
        unit_id: UnitId,
        template_id: TemplateId,
        *,
        data: Mapping[str, object] | None = None,
        name: str | None = None,
    ) -> Automation | None:
        """Create an automation for a unit. Expect its id in the response, which is not documented; None without a body.

        The caller must own the template. In `data`, "volume" is the value of the placeholder "${data.volume}".
        """
        unit_id, template_id = require_id("unit_id", unit_id), require_id("template_id", template_id)
        return await self._call(
            CREATE,
            associated_entity=AssociatedEntity(unit_id, "UNIT"),
            automation=AutomationData(template_id, None if data is None else _json_object("data", data)),
            friendly_name=_wrapped(name),
            subject=unit_id,
        )

    async def get(self, automation_id: AutomationId) -> Automation:
        """Return an automation with its values. One of another owner is not found."""
        return await self._call(GET, automation_id=automation_id)

    async def update(self, automation_id: AutomationId, data: Mapping[str, object]) -> None:
        """Replace the values of all placeholders. Nothing else of an automation can be changed."""
        values = _json_object("data", data)
        await self._call(UPDATE, automation_id=automation_id, automation=AutomationData(data=values))

    async def delete(self, automation_id: AutomationId) -> None:
        """Delete an automation."""
        await self._call(DELETE, automation_id=automation_id)


def _wrapped(name: str | None) -> dict[str, object] | None:
    """Return a name as automations wrap it, unlike units without a type."""
    return None if name is None else {"value": plain_text("name", name)["value"]}


def _json_object(argument: str, value: Mapping[str, object]) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{argument} must be a mapping, not {value!r:.80}")
    return dict(value)


def _targets(endpoints: Targets) -> str | list[dict[str, str]]:
    if isinstance(endpoints, str) and endpoints.startswith("${"):
        return endpoints
    listed: tuple[EndpointId, ...] = require_list("endpoints", endpoints)
    return [{"id": require_id("endpoint_id", each)} for each in listed]


def _count(node: OperationNode) -> int:
    """Return the number of nodes in a tree; raises `ConfigurationError` unless each has one member, not empty."""
    require_field_types(node)
    given = [each for each in (node.operation, node.serial, node.parallel) if each is not None]
    if len(given) != 1 or not given[0]:
        raise ConfigurationError("operations: a node must have an operation, or steps in serial or in parallel")
    return 1 + sum(map(_count, (*(node.serial or ()), *(node.parallel or ()))))
