"""The wire of skills."""

from __future__ import annotations

from alexa_props.simulator.smart_properties.skills import room_skill
from alexa_props.smart_properties.batch import BatchItem, BatchResult
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.skills import (
    AccountLink,
    AccountLinkRequest,
    Enablement,
    EnablementRequest,
    EnablementStatus,
    NameFreeInvocationRequest,
    Skill,
    Stage,
    UnitEnablements,
)
from tests.wire.row import LAST_PAGE, Wire

IDS = {"skill": room_skill}

LINKED = {
    "skill": {"stage": "live", "id": "skill-1"},
    "unit": {"id": "room-1"},
    "accountLink": {"status": "LINKED"},
    "status": "ENABLED",
}
ENABLEMENT = Enablement(
    Skill("skill-1", Stage.LIVE), UnitRef("room-1"), AccountLink("LINKED"), EnablementStatus.ENABLED
)
LINK = AccountLinkRequest("code-of-the-link", "https://example.com/linked")
LINK_BODY = {"type": "AUTH_CODE", "authCode": "code-of-the-link", "redirectUri": "https://example.com/linked"}
NAME_FREE = NameFreeInvocationRequest(["en-US"])

WIRE = {
    "skills.list": Wire(
        lambda on: on.asp.skills.list(on.room),
        "GET /v1/skills/enablements?unitId=room-1",
        response={"items": [LINKED, {"skill": {"id": "s", "stage": "beta"}, "status": "ENABLING"}], **LAST_PAGE},
        result=[ENABLEMENT, Enablement(Skill("s", "beta"), status=EnablementStatus.ENABLING)],
    ),
    "skills.list, with every argument": Wire(
        lambda on: on.asp.skills.list(on.room, expand="nameFreeInvocation", page_size=4),
        "GET /v1/skills/enablements?unitId=room-1&expand=nameFreeInvocation&maxResults=4",
        response={"items": [{"skill": {"id": "s"}, "nameFreeInvocation": {"locales": ["en-US"]}}]},
        result=[Enablement(Skill("s"), name_free_invocation={"locales": ["en-US"]})],
    ),
    "skills.get": Wire(
        lambda on: on.asp.skills.get(on.skill, on.room),
        "GET /v1/skills/skill-1/enablements?unitId=room-1&stage=live",
        response=LINKED,
        result=ENABLEMENT,
    ),
    "skills.get, with every argument": Wire(
        lambda on: on.asp.skills.get(on.skill, on.room, stage="development", expand="nameFreeInvocation"),
        "GET /v1/skills/skill-1/enablements?unitId=room-1&stage=development&expand=nameFreeInvocation",
        response={"skill": {"id": "skill-1", "stage": "development"}},
        result=Enablement(Skill("skill-1", Stage.DEVELOPMENT)),
    ),
    "skills.get_many": Wire(
        lambda on: on.asp.skills.get_many([on.room]),
        "POST /v1/skills/enablements/batchGet",
        idempotent=True,
        body={"items": [{"itemId": 0, "unitId": "room-1"}]},
        response={"results": [{"itemId": 0, "enablements": [LINKED]}, {}], **LAST_PAGE},
        result=[UnitEnablements("0", (ENABLEMENT,)), UnitEnablements()],
    ),
    "skills.get_many, with every argument": Wire(
        lambda on: on.asp.skills.get_many(iter([on.room, "r"]), expand="nameFreeInvocation", page_size=10),
        "POST /v1/skills/enablements/batchGet",
        idempotent=True,
        body={
            "items": [{"itemId": 0, "unitId": "room-1"}, {"itemId": 1, "unitId": "r"}],
            "expand": ["nameFreeInvocation"],
            "paginationContext": {"maxResults": 10},
        },
        response={"results": []},
        result=[],
    ),
    "skills.enable": Wire(
        lambda on: on.asp.skills.enable(on.skill, on.room),
        "POST /v1/skills/skill-1/enablements",
        body={"unitId": "room-1", "stage": "live"},
    ),
    "skills.enable, with every argument": Wire(
        lambda on: on.asp.skills.enable(
            on.skill,
            on.room,
            stage="development",
            partition_name="11-101,11-102",
            account_link_request=LINK,
            name_free_invocation_request=NAME_FREE,
        ),
        "POST /v1/skills/skill-1/enablements",
        body={
            "unitId": "room-1",
            "stage": "development",
            "partitionName": "11-101,11-102",
            "accountLinkRequest": LINK_BODY,
            "nameFreeInvocationRequest": {"locales": ["en-US"]},
        },
    ),
    "skills.enable_many": Wire(
        lambda on: on.asp.skills.enable_many(on.skill, [on.room]),
        "POST /v1/skills/skill-1/enablements/batch",
        body={"items": [{"itemId": 0, "unitId": "room-1", "stage": "live"}]},
        response={},
        result=BatchResult(),
    ),
    "skills.enable_many, with every argument": Wire(
        lambda on: on.asp.skills.enable_many(
            on.skill, (EnablementRequest(on.room, "10-101", LINK, NAME_FREE), "r"), stage=Stage.CERTIFICATION
        ),
        "POST /v1/skills/skill-1/enablements/batch",
        body={
            "items": [
                {
                    "itemId": 0,
                    "unitId": "room-1",
                    "stage": "certification",
                    "partitionName": "10-101",
                    "accountLinkRequest": LINK_BODY,
                    "nameFreeInvocationRequest": {"locales": ["en-US"]},
                },
                {"itemId": 1, "unitId": "r", "stage": "certification"},
            ]
        },
        response={"items": [{"itemId": 0, "statusCode": 202}, {"itemId": 1, "statusCode": 404}]},
        result=BatchResult((BatchItem("0", "202"), BatchItem("1", "404", failed=True))),
    ),
    "skills.disable": Wire(
        lambda on: on.asp.skills.disable(on.skill, on.room),
        "DELETE /v1/skills/skill-1/enablements?unitId=room-1&stage=live",
    ),
    "skills.disable_many": Wire(
        lambda on: on.asp.skills.disable_many(on.skill, [on.room], stage="development"),
        "POST /v1/skills/skill-1/enablements/batchDelete",
        idempotent=True,
        body={"items": [{"itemId": 0, "unitId": "room-1", "stage": "development"}]},
        response={},
        result=BatchResult(),
    ),
}
