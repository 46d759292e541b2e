"""The wire of automations and their templates."""

from __future__ import annotations

from typing import Any

from alexa_props.simulator.smart_properties.automations import AUTOMATIONS, TEMPLATES
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
from tests.wire.row import LAST_PAGE, Wire

IDS = {
    "automation_template": lambda sim: TEMPLATES.ids(sim)[0],
    "idle_template": lambda sim: TEMPLATES.ids(sim)[1],
    "automation": lambda sim: AUTOMATIONS.ids(sim)[0],
}
MODELS = {
    "automation_template": AutomationTemplate("automation-template-1"),
    "idle_template": AutomationTemplate("idle-template-1"),
    "automation": Automation("automation-1"),
}


def operation(kind: str, **payload: Any) -> dict[str, Any]:
    return {"operation": {"type": f"Alexa.Automation.Operation.{kind}", "version": "1.0", "payload": payload}}


ANNOUNCEMENT = {
    "type": "Announcement",
    "content": {"variants": [{"type": "SpokenText", "values": [{"locale": "en-US", "text": "Hello"}]}]},
}
SAY_HELLO = TemplateBody(
    Trigger.utterance("${data.phrase.text}", locale="en-US"), AutomationOperation.announce("Hello", "en-US")
)
SAY_HELLO_JSON = {
    "trigger": {
        "type": "Alexa.Automation.Trigger.Voice.CustomUtterance",
        "version": "1.0",
        "payload": {"utterances": ["${data.phrase.text}"], "locale": "en-US"},
    },
    "operations": operation("Notification.Notify", notification={"variants": [ANNOUNCEMENT]}),
}
EXAMPLE = TemplateBody(SAY_HELLO.trigger, serial(SAY_HELLO.operations))
PHRASE: dict[str, Any] = {
    "customUtterance": {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string", "minLength": 1}},
    }
}
QUIET = serial(
    AutomationOperation.set_volume("${data.endpoints}", "${data.volume}"),
    parallel(
        AutomationOperation.set_volume(["e"], 0),
        AutomationOperation.set_do_not_disturb("${data.endpoints}", value=True),
        AutomationOperation.stop_media("${data.endpoints}"),
    ),
)
QUIET_JSON = {
    "serial": [
        operation("Speaker.SetVolume", endpoints="${data.endpoints}", payload={"volume": "${data.volume}"}),
        {
            "parallel": [
                operation("Speaker.SetVolume", endpoints=[{"id": "e"}], payload={"volume": 0}),
                operation("Settings.SetDoNotDisturbState", endpoints="${data.endpoints}", value=True),
                operation("Media.Stop", endpoints="${data.endpoints}"),
            ]
        },
    ]
}
SCHEDULE = {"triggerTime": "${data.time}", "timeZoneId": "UTC", "recurrence": "FREQ=DAILY"}
TEMPLATE_JSON: dict[str, Any] = {
    "templateId": "t",
    "template": SAY_HELLO_JSON,
    "dataDefinition": PHRASE,
    "friendlyName": {"value": {"text": "Say hello"}},
}
TEMPLATE = AutomationTemplate("t", "Say hello", SAY_HELLO, PHRASE)
AUTOMATION_JSON = {
    "automationId": "a",
    "associatedEntity": {"type": "UNIT", "id": "u"},
    "automation": {"templateId": "t", "data": {"phrase": {"text": "start my day"}}},
    "friendlyName": {"value": {"text": "Morning"}},
}
DATA = {"customUtterance": {"text": "start my day"}}
AUTOMATION = Automation(
    "a", "Morning", AssociatedEntity("u", "UNIT"), AutomationData("t", {"phrase": {"text": "start my day"}})
)

WIRE = {
    "automation_templates.list": Wire(
        lambda on: on.asp.automation_templates.list(),
        "GET /v2/automations/templates",
        response={"results": [{"templateId": "t"}], **LAST_PAGE},
        result=[AutomationTemplate("t")],
    ),
    "automation_templates.list, with every argument": Wire(
        lambda on: on.asp.automation_templates.list(expand="all", page_size=5),
        "GET /v2/automations/templates?expand=all&maxResults=5",
        response={"results": [TEMPLATE_JSON, {"templateId": 5, "template": {"trigger": "new"}, "friendlyName": "new"}]},
        result=[TEMPLATE, AutomationTemplate("5")],
    ),
    "automation_templates.create": Wire(
        lambda on: on.asp.automation_templates.create(SAY_HELLO),
        "POST /v2/automations/templates",
        body={"template": SAY_HELLO_JSON},
        response={"templateId": "t"},
        result=AutomationTemplate("t"),
    ),
    "automation_templates.create, with every argument": Wire(
        lambda on: on.asp.automation_templates.create(EXAMPLE, data_definition=PHRASE, name="Say hello"),
        "POST /v2/automations/templates",
        body={
            "template": {**SAY_HELLO_JSON, "operations": {"serial": [SAY_HELLO_JSON["operations"]]}},
            "dataDefinition": PHRASE,
            "friendlyName": {"value": {"text": "Say hello"}},
        },
        result=None,
    ),
    "automation_templates.create, of all operations at a time": Wire(
        lambda on: on.asp.automation_templates.create(
            TemplateBody(Trigger.at("${data.time}", "UTC", recurrence="FREQ=DAILY"), QUIET)
        ),
        "POST /v2/automations/templates",
        body={
            "template": {
                "trigger": {
                    "type": "Alexa.Automation.Trigger.Schedule.AbsoluteTime",
                    "version": "1.0",
                    "payload": {"schedule": SCHEDULE},
                },
                "operations": QUIET_JSON,
            }
        },
        response={"templateId": "t"},
        result=AutomationTemplate("t"),
    ),
    "automation_templates.create, as JSON": Wire(
        lambda on: on.asp.automation_templates.create({**SAY_HELLO_JSON, "conditions": [1]}),
        "POST /v2/automations/templates",
        body={"template": {**SAY_HELLO_JSON, "conditions": [1]}},
        response={"id": "t"},
        result=AutomationTemplate(),
    ),
    "automation_templates.get": Wire(
        lambda on: on.asp.automation_templates.get(on.automation_template),
        "GET /v2/automations/templates/automation-template-1",
        response={**TEMPLATE_JSON, "template": {**SAY_HELLO_JSON, "operations": QUIET_JSON}},
        result=AutomationTemplate("t", "Say hello", TemplateBody(SAY_HELLO.trigger, QUIET), PHRASE),
    ),
    "automation_templates.delete": Wire(
        lambda on: on.asp.automation_templates.delete(on.idle_template),
        "DELETE /v2/automations/templates/idle-template-1",
    ),
    "automations.list": Wire(
        lambda on: on.asp.automations.list(on.room),
        "GET /v2/automations?associatedEntity.type=UNIT&associatedEntity.id=room-1",
        response={"results": [{"automationId": "a"}], **LAST_PAGE},
        result=[Automation("a")],
    ),
    "automations.list, with every argument": Wire(
        lambda on: on.asp.automations.list(on.room, expand="all", page_size=5),
        "GET /v2/automations?associatedEntity.type=UNIT&associatedEntity.id=room-1&expand=all&maxResults=5",
        response={"results": [AUTOMATION_JSON, {"automation": "new", "associatedEntity": ["new"]}]},
        result=[AUTOMATION, Automation()],
    ),
    "automations.create": Wire(
        lambda on: on.asp.automations.create(on.room, on.automation_template),
        "POST /v2/automations",
        body={
            "associatedEntity": {"type": "UNIT", "id": "room-1"},
            "automation": {"templateId": "automation-template-1"},
        },
        response={"automationId": "a"},
        result=Automation("a"),
    ),
    "automations.create, with every argument": Wire(
        lambda on: on.asp.automations.create(on.room, on.automation_template, data=DATA, name="Morning"),
        "POST /v2/automations",
        body={
            "associatedEntity": {"type": "UNIT", "id": "room-1"},
            "automation": {"templateId": "automation-template-1", "data": DATA},
            "friendlyName": {"value": {"text": "Morning"}},
        },
        result=None,
    ),
    "automations.get": Wire(
        lambda on: on.asp.automations.get(on.automation),
        "GET /v2/automations/automation-1",
        response=AUTOMATION_JSON,
        result=AUTOMATION,
    ),
    "automations.update": Wire(
        lambda on: on.asp.automations.update(on.automation, DATA),
        "PUT /v2/automations/automation-1",
        body={"automation": {"data": DATA}},
    ),
    "automations.delete": Wire(
        lambda on: on.asp.automations.delete(on.automation), "DELETE /v2/automations/automation-1"
    ),
}
