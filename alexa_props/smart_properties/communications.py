"""Calling between units: communication profiles, inbound calls of contacts, drop-in and blocking."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_id, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import DecodeError
from alexa_props.field_types import require_models
from alexa_props.operation import Group, Options
from alexa_props.paging import Pager
from alexa_props.responses import first_string
from alexa_props.smart_properties.address_books import ContactId
from alexa_props.smart_properties.batch import BatchResult, batched, read_batch
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.protocol import numbered, present

__all__ = [
    "OPERATIONS",
    "BlockingRule",
    "BlockingRules",
    "CommunicationProfile",
    "CommunicationProfiles",
    "DropInPreference",
    "DropInPreferences",
    "NewProfile",
    "ProfileId",
    "ReciprocalAssociation",
    "ReciprocalAssociations",
    "Toggle",
]


class Toggle(enum.StrEnum):
    """Whether drop-in is allowed, or a block in effect."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


@attrs.frozen
class CommunicationProfile(Identified, Lenient):
    """The profile that lets a unit make and receive calls. Methods that take a profile id take it too."""

    id_arguments = ("profile_id", "target_profile_id", "alexa_communication_profile_id")

    id: str
    """Address books call it `alexaCommunicationProfileId`."""
    unit_id: str | None = None
    name: str | None = None
    """The display name of the unit, "Guest" if none was set."""


@attrs.frozen
class NewProfile(Identified):
    """One unit of `create_many`. In the reports and journals of `fleet` it has the id of the unit."""

    id_arguments = ()

    unit_id: UnitId
    name: str | None = None
    """As in `create`."""

    @property
    def own_id(self) -> str:
        """The id of the unit."""
        return require_id("unit_id", self.unit_id)


@attrs.frozen
class ReciprocalAssociation(Lenient):
    """Whether a contact can call a unit."""

    status: str | None = None
    """Inferred: neither its name nor its values are documented."""


@attrs.frozen
class DropInPreference(Lenient):
    """Whether drop-in is allowed between two profiles."""

    value: Toggle | str | None = None
    """Inferred from the request."""


@attrs.frozen
class BlockingRule(Lenient):
    """A profile with which a profile cannot exchange calls and messages."""

    target_profile_id: str | None = None
    """The other profile. Inferred, as is `value`: no page shows the members of a rule."""
    value: Toggle | str | None = None


ProfileId: TypeAlias = str | CommunicationProfile
ToggleLike: TypeAlias = Toggle | Literal["ENABLED", "DISABLED"]


def _find_profile(body: Any) -> CommunicationProfile | None:
    """Return the profile in a response, or None if the response has no id of one."""
    if not isinstance(body, dict):
        raise DecodeError("the response is not an object")
    nested = body.get("profileId")
    found = first_string(nested if isinstance(nested, dict) else body, "profileId")
    unit_id, name = first_string(body.get("entity"), "id"), first_string(body, "name")
    return None if found is None else CommunicationProfile(found, unit_id, name, raw=body)


def _profile(body: Any) -> CommunicationProfile:
    profile = _find_profile(body)
    if profile is None:
        raise DecodeError("the response has no profileId")
    return profile


def _rule(body: Any) -> BlockingRule:
    if not isinstance(body, dict):
        raise DecodeError("a blocking rule is not an object")
    value = first_string(body, "value")
    known = Toggle(value) if value in list(Toggle) else value
    return BlockingRule(first_string(body, "alexaCommunicationProfileId", "profileId"), known, raw=body)


_PAGE: Final = "communications-api.html"
_PROFILE: Final = "/v1/communications/profile"
_BATCH_SIZE: Final = 100

_UNIT: Final[Options] = {"required": ("unit_id",), "wire": {"entity_type": "entity.type", "unit_id": "entity.id"}}
_profiles: Final = Group("communication_profiles", _PAGE)
GET_FOR_UNIT: Final = _profiles.get("get_for_unit", _PROFILE, _find_profile, nullable=True, **_UNIT)
GET: Final = _profiles.get("get", f"{_PROFILE}/{{profile_id}}", _profile)
CREATE: Final = _profiles.post("create", _PROFILE, _profile, idempotent=True, types={"name": str})
CREATE_MANY: Final = _profiles.post(
    "create_many", "/v1/communications/profiles/batch", read_batch, nullable=True, idempotent=True
)
UPDATE: Final = _profiles.put("update", f"{_PROFILE}/{{profile_id}}", required=("name",), types={"name": str})
DELETE: Final = _profiles.delete("delete", f"{_PROFILE}/{{profile_id}}")

_ASSOCIATION: Final = f"{_PROFILE}/{{profile_id}}/reciprocalAssociations"
_associations: Final = Group("reciprocal_associations", _PAGE)
GET_ASSOCIATION: Final = _associations.get("get", _ASSOCIATION, ReciprocalAssociation, required=("contact_id",))
CREATE_ASSOCIATION: Final = _associations.post(
    "create", _ASSOCIATION, ReciprocalAssociation, nullable=True, check_with="get"
)
DELETE_ASSOCIATION: Final = _associations.delete("delete", _ASSOCIATION, required=("contact_id",))

_SETTINGS: Final = f"{_PROFILE}/{{profile_id}}/contacts/settings"
_TARGET: Final = ("target_profile_id",)
_WIRE: Final = {"target_profile_id": "alexaCommunicationProfileId"}
_VALUE: Final = {"value": Toggle}
_SET: Final[Options] = {"query": _TARGET, "required": (*_TARGET, "value"), "wire": _WIRE, "choices": _VALUE}
_drop_in: Final = Group("drop_in_preferences", _PAGE)
GET_DROP_IN: Final = _drop_in.get("get", f"{_SETTINGS}/DropIn", DropInPreference, required=_TARGET, wire=_WIRE)
SET_DROP_IN: Final = _drop_in.put("set", f"{_SETTINGS}/DropIn", **_SET)
_blocking: Final = Group("blocking_rules", _PAGE)
LIST_RULES: Final = _blocking.list("list", f"{_SETTINGS}/Block", _rule, choices=_VALUE)
SET_RULE: Final = _blocking.put("set", f"{_SETTINGS}/Block", **_SET)
OPERATIONS: Final = (*_profiles.operations, *_associations.operations, *_drop_in.operations, *_blocking.operations)


def _entity(unit_id: object) -> dict[str, str]:
    return {"type": "UNIT", "id": require_id("unit_id", unit_id)}


class CommunicationProfiles(Resource):
    """Create, read, change and delete the communication profiles of units.

        await asp.communication_profiles.create(unit_id, name="Room 101")
        profile = await asp.communication_profiles.get_for_unit(unit_id)

    A unit needs a profile for calls, contacts, extensions of a PBX, and everything else that takes a profile id.
    """

    async def get_for_unit(self, unit_id: UnitId) -> CommunicationProfile | None:
        """Return the profile of a unit. For one without a profile, expect None or `NotFound`: it is not documented."""
        return await self._call(GET_FOR_UNIT, entity_type="UNIT", unit_id=unit_id)

    async def get(self, profile_id: ProfileId) -> CommunicationProfile:
        """Return a profile. If you have the unit, use `get_for_unit`."""
        return await self._call(GET, profile_id=profile_id)

    async def create(self, unit_id: UnitId, *, name: str | None = None) -> CommunicationProfile:
        """Create the profile of a unit, which turns calling on. A unit that has a profile keeps it.

        The name is the display name of the unit. It also replaces that of an existing profile. The default is "Guest".
        """
        entity = _entity(unit_id)
        return await self._call(CREATE, entity=entity, name=name, subject=entity["id"])

    @batched(_BATCH_SIZE)
    async def create_many(self, profiles: Iterable[NewProfile]) -> BatchResult:
        """Create the profiles of up to 100 units. Units that have a profile keep it (inferred from `create`).

        Whether the result has the ids of the profiles is not documented: find them with `get_for_unit`.
        """
        listed = require_models("profiles", profiles, NewProfile, _BATCH_SIZE)
        entities = [_entity(each.unit_id) for each in listed]
        items = [present(entity=entity, name=each.name) for entity, each in zip(entities, listed, strict=True)]
        subject = summarize([entity["id"] for entity in entities])
        return await self._call(CREATE_MANY, items=numbered("profiles", items), subject=subject) or BatchResult()

    async def update(self, profile_id: ProfileId, name: str) -> None:
        """Change the display name of a unit."""
        await self._call(UPDATE, profile_id=profile_id, name=name)

    async def delete(self, profile_id: ProfileId) -> None:
        """Delete a profile and all contacts that point at it. This turns calling off for its unit."""
        await self._call(DELETE, profile_id=profile_id)


class ReciprocalAssociations(Resource):
    """Let external contacts call a unit.

        await asp.reciprocal_associations.create(profile_id, external_contact_id)
        association = await asp.reciprocal_associations.get(profile_id, external_contact_id)

    For senior living only. Messages and drop-in are not included.
    """

    async def get(self, profile_id: ProfileId, contact_id: ContactId) -> ReciprocalAssociation:
        """Return whether a contact can call the unit of a profile."""
        return await self._call(GET_ASSOCIATION, profile_id=profile_id, contact_id=contact_id)

    async def create(self, profile_id: ProfileId, contact_id: ContactId) -> ReciprocalAssociation | None:
        """Let a contact call the unit of a profile, and return the association; None if the response has no body.

        Whether the contact has to accept first is not documented.
        """
        contact = {"id": require_id("contact_id", contact_id)}
        return await self._call(CREATE_ASSOCIATION, profile_id=profile_id, contact=contact)

    async def delete(self, profile_id: ProfileId, contact_id: ContactId) -> None:
        """Stop calls from a contact. The contact loses the unit from their contacts and gets an Alexa message."""
        await self._call(DELETE_ASSOCIATION, profile_id=profile_id, contact_id=contact_id)


class DropInPreferences(Resource):
    """Allow or forbid drop-in between two communication profiles.

        await asp.drop_in_preferences.set(profile_id, target_profile_id, "ENABLED")
        preference = await asp.drop_in_preferences.get(profile_id, target_profile_id)

    For healthcare only, and one-way. Which of the two profiles drops in on the other is not documented.
    """

    async def get(self, profile_id: ProfileId, target_profile_id: ProfileId) -> DropInPreference:
        """Return whether drop-in is allowed between two profiles."""
        return await self._call(GET_DROP_IN, profile_id=profile_id, target_profile_id=target_profile_id)

    async def set(self, profile_id: ProfileId, target_profile_id: ProfileId, value: ToggleLike) -> None:
        """Allow or forbid drop-in between two profiles."""
        await self._call(SET_DROP_IN, profile_id=profile_id, target_profile_id=target_profile_id, value=value)


class BlockingRules(Resource):
    """Block calls and messages between two communication profiles.

        await asp.blocking_rules.set(profile_id, target_profile_id, "ENABLED")
        async for rule in asp.blocking_rules.list(profile_id, value="ENABLED"):
            print(rule.target_profile_id)

    Whether a block works in both directions is not documented.
    """

    def list(
        self, profile_id: ProfileId, *, value: ToggleLike | None = None, page_size: int | None = None
    ) -> Pager[BlockingRule]:
        """List the blocking rules of a profile, optionally only those that are enabled or disabled."""
        return self._pager(LIST_RULES, profile_id=profile_id, value=value, page_size=page_size)

    async def set(self, profile_id: ProfileId, target_profile_id: ProfileId, value: ToggleLike) -> None:
        """Block calls and messages between two profiles, or unblock them."""
        await self._call(SET_RULE, profile_id=profile_id, target_profile_id=target_profile_id, value=value)
