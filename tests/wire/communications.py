"""The wire of communication profiles, and of what one profile sets for another or for a contact."""

from __future__ import annotations

from typing import Any

from alexa_props.simulator.smart_properties.address_books import ADDRESS_BOOKS, CONTACTS
from alexa_props.simulator.smart_properties.communications import PROFILES
from alexa_props.smart_properties.address_books import ContactRecord
from alexa_props.smart_properties.batch import BatchItem, BatchResult
from alexa_props.smart_properties.communications import (
    BlockingRule,
    CommunicationProfile,
    DropInPreference,
    NewProfile,
    ReciprocalAssociation,
    Toggle,
)
from tests.wire.row import LAST_PAGE, Wire

IDS = {
    "profile": lambda sim: PROFILES.ids(sim)[0],
    "target_profile": lambda sim: PROFILES.ids(sim)[1],
    "spare_profile": lambda sim: PROFILES.ids(sim)[-1],
    # Another one than that of the rows of contacts, which delete it.
    "external_contact": lambda sim: CONTACTS.ids(sim, ADDRESS_BOOKS.ids(sim)[0])[-1],
}
MODELS = {
    "profile": CommunicationProfile("profile-1"),
    "target_profile": CommunicationProfile("target-profile-1"),
    "spare_profile": CommunicationProfile("spare-profile-1"),
    "external_contact": ContactRecord("external-contact-1"),
}

ENTITY = {"type": "UNIT", "id": "room-1"}
FULL = {"entity": ENTITY, "profileId": {"profileId": "profile-1"}, "name": "Room 101"}
PROFILE = CommunicationProfile("profile-1", "room-1", "Room 101")
UNKNOWN: Any = "PAUSED"

WIRE = {
    "communication_profiles.get_for_unit": Wire(
        lambda on: on.asp.communication_profiles.get_for_unit(on.room),
        "GET /v1/communications/profile?entity.type=UNIT&entity.id=room-1",
        response=FULL,
        result=PROFILE,
    ),
    "communication_profiles.get_for_unit, without a profile": Wire(
        lambda on: on.asp.communication_profiles.get_for_unit(on.room),
        "GET /v1/communications/profile?entity.type=UNIT&entity.id=room-1",
        response={"entity": ENTITY, "profileId": {}},
    ),
    "communication_profiles.get_for_unit, without a body": Wire(
        lambda on: on.asp.communication_profiles.get_for_unit(on.room),
        "GET /v1/communications/profile?entity.type=UNIT&entity.id=room-1",
    ),
    "communication_profiles.get": Wire(
        lambda on: on.asp.communication_profiles.get(on.profile),
        "GET /v1/communications/profile/profile-1",
        response=FULL,
        result=PROFILE,
    ),
    "communication_profiles.create": Wire(
        lambda on: on.asp.communication_profiles.create(on.room),
        "POST /v1/communications/profile",
        idempotent=True,
        body={"entity": ENTITY},
        response={"entity": ENTITY, "profileId": {"profileId": "profile-1"}},
        result=CommunicationProfile("profile-1", "room-1"),
    ),
    "communication_profiles.create, with every argument": Wire(
        lambda on: on.asp.communication_profiles.create(on.room, name="Room 101"),
        "POST /v1/communications/profile",
        idempotent=True,
        body={"entity": ENTITY, "name": "Room 101"},
        response=FULL,
        result=PROFILE,
    ),
    "communication_profiles.create_many": Wire(
        lambda on: on.asp.communication_profiles.create_many([NewProfile(on.room, "Room 101")]),
        "POST /v1/communications/profiles/batch",
        idempotent=True,
        body={"items": [{"itemId": 0, "entity": ENTITY, "name": "Room 101"}]},
        response={"results": [{"itemId": 0, "status": 201}]},
        result=BatchResult((BatchItem("0", "201"),)),
    ),
    "communication_profiles.create_many, of several units": Wire(
        lambda on: on.asp.communication_profiles.create_many([NewProfile(on.room), NewProfile("b", "B")]),
        "POST /v1/communications/profiles/batch",
        idempotent=True,
        body={
            "items": [
                {"itemId": 0, "entity": ENTITY},
                {"itemId": 1, "entity": {"type": "UNIT", "id": "b"}, "name": "B"},
            ]
        },
        result=BatchResult(),
    ),
    "communication_profiles.update": Wire(
        lambda on: on.asp.communication_profiles.update(on.profile, "Room 102"),
        "PUT /v1/communications/profile/profile-1",
        body={"name": "Room 102"},
    ),
    "communication_profiles.delete": Wire(
        lambda on: on.asp.communication_profiles.delete(on.spare_profile),
        "DELETE /v1/communications/profile/spare-profile-1",
    ),
    "reciprocal_associations.create": Wire(
        lambda on: on.asp.reciprocal_associations.create(on.profile, on.external_contact),
        "POST /v1/communications/profile/profile-1/reciprocalAssociations",
        body={"contact": {"id": "external-contact-1"}},
        response={"status": "PENDING"},
        result=ReciprocalAssociation("PENDING"),
    ),
    "reciprocal_associations.create, without a body": Wire(
        lambda on: on.asp.reciprocal_associations.create(on.profile, on.external_contact),
        "POST /v1/communications/profile/profile-1/reciprocalAssociations",
        body={"contact": {"id": "external-contact-1"}},
    ),
    "reciprocal_associations.get": Wire(
        lambda on: on.asp.reciprocal_associations.get(on.profile, on.external_contact),
        "GET /v1/communications/profile/profile-1/reciprocalAssociations?contactId=external-contact-1",
        response={"association": {"status": 5}},
        result=ReciprocalAssociation(),
    ),
    "reciprocal_associations.delete": Wire(
        lambda on: on.asp.reciprocal_associations.delete(on.profile, on.external_contact),
        "DELETE /v1/communications/profile/profile-1/reciprocalAssociations?contactId=external-contact-1",
    ),
    "drop_in_preferences.get": Wire(
        lambda on: on.asp.drop_in_preferences.get(on.profile, on.target_profile),
        "GET /v1/communications/profile/profile-1/contacts/settings/DropIn"
        "?alexaCommunicationProfileId=target-profile-1",
        response={"value": "ENABLED"},
        result=DropInPreference(Toggle.ENABLED),
    ),
    "drop_in_preferences.get, of a new kind": Wire(
        lambda on: on.asp.drop_in_preferences.get(on.profile, on.target_profile),
        "GET /v1/communications/profile/profile-1/contacts/settings/DropIn"
        "?alexaCommunicationProfileId=target-profile-1",
        response={"value": UNKNOWN, "more": []},
        result=DropInPreference(UNKNOWN),
    ),
    "drop_in_preferences.set": Wire(
        lambda on: on.asp.drop_in_preferences.set(on.profile, on.target_profile, "DISABLED"),
        "PUT /v1/communications/profile/profile-1/contacts/settings/DropIn"
        "?alexaCommunicationProfileId=target-profile-1",
        body={"value": "DISABLED"},
    ),
    "blocking_rules.list": Wire(
        lambda on: on.asp.blocking_rules.list(on.profile),
        "GET /v1/communications/profile/profile-1/contacts/settings/Block",
        response={"results": [{"alexaCommunicationProfileId": "a", "value": "ENABLED"}, {"x": 1}], **LAST_PAGE},
        result=[BlockingRule("a", Toggle.ENABLED), BlockingRule()],
    ),
    "blocking_rules.list, with every argument": Wire(
        lambda on: on.asp.blocking_rules.list(on.profile, value=Toggle.DISABLED, page_size=5),
        "GET /v1/communications/profile/profile-1/contacts/settings/Block?value=DISABLED&maxResults=5",
        response={"results": [{"profileId": "a", "value": UNKNOWN}]},
        result=[BlockingRule("a", UNKNOWN)],
    ),
    "blocking_rules.set": Wire(
        lambda on: on.asp.blocking_rules.set(on.profile, on.target_profile, Toggle.ENABLED),
        "PUT /v1/communications/profile/profile-1/contacts/settings/Block?alexaCommunicationProfileId=target-profile-1",
        body={"value": "ENABLED"},
    ),
}
