"""The wire of service providers, network mappings and account associations."""

from __future__ import annotations

from alexa_props.simulator.smart_properties.webrtc import SERVICE_PROVIDERS, USER
from alexa_props.smart_properties.webrtc import (
    AccountAssociation,
    DisplayName,
    NetworkMapping,
    ServiceProvider,
    SkillConfiguration,
)
from tests.wire.row import LAST_PAGE, Wire

IDS = {
    "service_provider": lambda sim: SERVICE_PROVIDERS.ids(sim)[0],
    "unmapped_provider": lambda sim: SERVICE_PROVIDERS.ids(sim)[1],
    "unused_provider": lambda sim: SERVICE_PROVIDERS.ids(sim)[2],
    "logical_provider": lambda _: "example-care",
    "external_user": lambda _: USER,
    "new_user": lambda _: "7299",
}
MODELS = {
    name: ServiceProvider(f"{name.replace('_', '-')}-1")
    for name in ("service_provider", "unmapped_provider", "unused_provider")
}

PROVIDERS = "/v1/communications/serviceProviders"
ONE = f"{PROVIDERS}/service-provider-1"
NAMES = [DisplayName("en-US", "Example Care"), DisplayName("de-DE", "Beispielpflege 🛏")]
NAMES_SENT = [{"locale": "en-US", "value": "Example Care"}, {"locale": "de-DE", "value": "Beispielpflege 🛏"}]
MAPPING = {"networkType": "SKILL", "skillConfiguration": {"skillId": "skill-1"}}
ASSOCIATION = {
    "externalUserId": "external-user-1",
    "amazonId": "profile-1",
    "amazonIdType": "communication-profile",
}

WIRE = {
    "service_providers.create": Wire(
        lambda on: on.asp.service_providers.create(on.logical_provider),
        f"POST {PROVIDERS}",
        idempotent=False,
        body={"serviceProviderLogicalId": "logical-provider-1"},
        response={"serviceProviderId": "amzn1.comms.csp.id.EXAMPLE"},
        result="amzn1.comms.csp.id.EXAMPLE",
    ),
    "service_providers.create, with every argument": Wire(
        lambda on: on.asp.service_providers.create(on.logical_provider, display_name=NAMES),
        f"POST {PROVIDERS}",
        idempotent=False,
        body={"serviceProviderLogicalId": "logical-provider-1", "displayName": NAMES_SENT},
        response={"serviceProviderId": "amzn1.comms.csp.id.EXAMPLE"},
        result="amzn1.comms.csp.id.EXAMPLE",
    ),
    "service_providers.get": Wire(
        lambda on: on.asp.service_providers.get(on.service_provider),
        f"GET {ONE}",
        response={
            "serviceProviderId": "service-provider-1",
            "serviceProviderLogicalId": "care",
            "displayName": NAMES_SENT,
        },
        result=ServiceProvider("service-provider-1", "care", tuple(NAMES)),
    ),
    "service_providers.update": Wire(
        lambda on: on.asp.service_providers.update(on.service_provider, NAMES),
        f"PUT {ONE}",
        body={"displayName": NAMES_SENT},
    ),
    "network_mappings.create": Wire(
        lambda on: on.asp.network_mappings.create(on.unmapped_provider, on.skill),
        f"POST {PROVIDERS}/unmapped-provider-1/network",
        idempotent=False,
        body=MAPPING,
    ),
    "network_mappings.get": Wire(
        lambda on: on.asp.network_mappings.get(on.service_provider),
        f"GET {ONE}/network",
        response=MAPPING,
        result=NetworkMapping("SKILL", SkillConfiguration("skill-1")),
    ),
    "network_mappings.update": Wire(
        lambda on: on.asp.network_mappings.update(on.service_provider, on.skill),
        f"PUT {ONE}/network",
        body=MAPPING,
    ),
    "network_mappings.delete": Wire(
        lambda on: on.asp.network_mappings.delete(on.service_provider), f"DELETE {ONE}/network"
    ),
    "account_associations.create": Wire(
        lambda on: on.asp.account_associations.create(on.service_provider, on.new_user, on.profile),
        f"POST {ONE}/externalUsers",
        idempotent=False,
        body={**ASSOCIATION, "externalUserId": "new-user-1"},
    ),
    "account_associations.query": Wire(
        lambda on: on.asp.account_associations.query(on.service_provider, [on.external_user]),
        f"POST {ONE}/externalUsers/query",
        idempotent=True,
        body={"filters": {"externalUserIds": ["external-user-1"]}},
        response={"results": [ASSOCIATION, {"externalUserId": 7}], **LAST_PAGE},
        result=[
            AccountAssociation("external-user-1", "profile-1", "communication-profile"),
            AccountAssociation("7"),
        ],
    ),
    "account_associations.update": Wire(
        lambda on: on.asp.account_associations.update(on.service_provider, on.external_user, on.profile),
        f"PUT {ONE}/externalUsers",
        body=ASSOCIATION,
    ),
    "account_associations.delete": Wire(
        lambda on: on.asp.account_associations.delete(on.service_provider, on.external_user),
        f"DELETE {ONE}/externalUsers",
        body={"externalUserId": "external-user-1"},
    ),
    "service_providers.delete": Wire(
        lambda on: on.asp.service_providers.delete(on.unused_provider), f"DELETE {PROVIDERS}/unused-provider-1"
    ),
}
