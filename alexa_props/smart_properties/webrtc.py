"""Calls between rooms and a WebRTC service: its registration, the skill that connects it, and its users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_id, require_ids, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.field_types import require_models
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.communications import ProfileId
from alexa_props.smart_properties.protocol import page_of

__all__ = [
    "OPERATIONS",
    "AccountAssociation",
    "AccountAssociations",
    "DisplayName",
    "NetworkMapping",
    "NetworkMappings",
    "ServiceProvider",
    "ServiceProviderId",
    "ServiceProviderRef",
    "ServiceProviders",
    "SkillConfiguration",
]


@attrs.frozen
class DisplayName:
    """The name of a service provider in one language."""

    locale: str
    """Such as "en-US"."""
    value: str


@attrs.frozen
class ServiceProviderRef:
    """A service provider, by its id."""

    service_provider_id: str


@attrs.frozen
class ServiceProvider(Identified, Lenient):
    """A service provider. Methods that take its id take it too. Inferred: no page shows its fields."""

    id_arguments = ("service_provider_id",)
    id_field = "service_provider_id"

    service_provider_id: str | None = None
    service_provider_logical_id: str | None = None
    display_name: tuple[DisplayName, ...] = ()


ServiceProviderId: TypeAlias = str | ServiceProvider


@attrs.frozen
class SkillConfiguration:
    """The skill that connects a service provider."""

    skill_id: str


@attrs.frozen
class NetworkMapping(Lenient):
    """How a service provider is connected. Inferred: a response has the fields of the request."""

    network_type: str | None = None
    """"SKILL" is the only documented type."""
    skill_configuration: SkillConfiguration | None = None


@attrs.frozen
class AccountAssociation(Lenient):
    """A user of the service provider and a communication profile. Inferred: no page shows its fields."""

    external_user_id: str | None = None
    amazon_id: str | None = None
    """The id of the communication profile."""
    amazon_id_type: str | None = None
    """"communication-profile" is the only documented type."""


_SCOPE: Final = "amazon_communication::service_provider"
_PROVIDERS: Final = "/v1/communications/serviceProviders"
_PROVIDER: Final = f"{_PROVIDERS}/{{service_provider_id}}"
_NETWORK: Final = f"{_PROVIDER}/network"
_USERS: Final = f"{_PROVIDER}/externalUsers"
_USER: Final = "external_user_id"

_providers: Final = Group("service_providers", "self-service-onboarding-api-for-asp.html", _SCOPE)
CREATE: Final = _providers.post("create", _PROVIDERS, ServiceProviderRef, required=("service_provider_logical_id",))
GET: Final = _providers.get("get", _PROVIDER, ServiceProvider)
UPDATE: Final = _providers.put("update", _PROVIDER, required=("display_name",))
DELETE: Final = _providers.delete("delete", _PROVIDER)

_mappings: Final = Group("network_mappings", "service-provider-network-mapping-api-for-asp.html", _SCOPE)
CREATE_MAPPING: Final = _mappings.post("create", _NETWORK, check_with="get")
GET_MAPPING: Final = _mappings.get("get", _NETWORK, NetworkMapping)
UPDATE_MAPPING: Final = _mappings.put("update", _NETWORK)
DELETE_MAPPING: Final = _mappings.delete("delete", _NETWORK)

_users: Final = Group("account_associations", "account-association-api-for-asp.html", _SCOPE)
CREATE_ASSOCIATION: Final = _users.post("create", _USERS, required=(_USER,), subject=_USER, check_with="query")
UPDATE_ASSOCIATION: Final = _users.put("update", _USERS, required=(_USER,), subject=_USER)
DELETE_ASSOCIATION: Final = _users.delete("delete", _USERS, query=(), required=(_USER,), subject=_USER)
QUERY_ASSOCIATIONS: Final = _users.post("query", f"{_USERS}/query", page_of(AccountAssociation), idempotent=True)
OPERATIONS: Final = (*_providers.operations, *_mappings.operations, *_users.operations)


def _skill(skill_id: str) -> dict[str, object]:
    return {"network_type": "SKILL", "skill_configuration": SkillConfiguration(skill_id)}


def _association(provider_id: ServiceProviderId, user_id: str, profile_id: ProfileId) -> dict[str, object]:
    profile = {"amazon_id": require_id("profile_id", profile_id), "amazon_id_type": "communication-profile"}
    return {"service_provider_id": provider_id, "external_user_id": user_id, **profile}


class ServiceProviders(Resource):
    """Register external WebRTC services, so that their users and rooms can call each other.

        provider_id = await asp.service_providers.create("example-care", display_name=[DisplayName("en-US", "Care")])
        await asp.network_mappings.create(provider_id, "amzn1.ask.skill.EXAMPLE")
        await asp.account_associations.create(provider_id, "7201", profile_id)

    First enable the WebRTC subscription skill on the unit, and create a communication profile for each room. After
    these steps, contacts of an address book can refer to the users of the service.
    """

    async def create(
        self, service_provider_logical_id: str, *, display_name: Iterable[DisplayName] | None = None
    ) -> str:
        """Register a service provider and return its id. Store the id: no call lists service providers.

        The logical id is a unique name of your choice. The display name is what users see, in one or more languages.
        """
        names = None if display_name is None else require_models("display_name", display_name, DisplayName)
        provider = await self._call(CREATE, service_provider_logical_id=service_provider_logical_id, display_name=names)
        return provider.service_provider_id

    async def get(self, service_provider_id: ServiceProviderId) -> ServiceProvider:
        """Return a service provider."""
        return await self._call(GET, service_provider_id=service_provider_id)

    async def update(self, service_provider_id: ServiceProviderId, display_name: Iterable[DisplayName]) -> None:
        """Change the display names. Nothing else can be changed."""
        names = require_models("display_name", display_name, DisplayName)
        await self._call(UPDATE, service_provider_id=service_provider_id, display_name=names)

    async def delete(self, service_provider_id: ServiceProviderId) -> None:
        """Delete a service provider. Delete its network mapping and account associations first."""
        await self._call(DELETE, service_provider_id=service_provider_id)


class NetworkMappings(Resource):
    """Map service providers to the skills that connect them.

        await asp.network_mappings.update(service_provider_id, "amzn1.ask.skill.EXAMPLE")
        print((await asp.network_mappings.get(service_provider_id)).skill_configuration)

    A service provider has one mapping.
    """

    async def create(self, service_provider_id: ServiceProviderId, skill_id: str) -> None:
        """Map a service provider to a skill."""
        await self._call(CREATE_MAPPING, service_provider_id=service_provider_id, **_skill(skill_id))

    async def get(self, service_provider_id: ServiceProviderId) -> NetworkMapping:
        """Return the network mapping of a service provider."""
        return await self._call(GET_MAPPING, service_provider_id=service_provider_id)

    async def update(self, service_provider_id: ServiceProviderId, skill_id: str) -> None:
        """Map a service provider to another skill."""
        await self._call(UPDATE_MAPPING, service_provider_id=service_provider_id, **_skill(skill_id))

    async def delete(self, service_provider_id: ServiceProviderId) -> None:
        """Delete the network mapping of a service provider."""
        await self._call(DELETE_MAPPING, service_provider_id=service_provider_id)


class AccountAssociations(Resource):
    """Associate the users of a service provider with communication profiles.

        profile = await asp.communication_profiles.create(unit_id)
        await asp.account_associations.create(service_provider_id, "7202", profile)
        async for association in asp.account_associations.query(service_provider_id, ["7201", "7202"]):
            print(association.external_user_id, association.amazon_id)

    The service provider chooses the ids of its users. A query has to name users: no call lists all associations.
    """

    async def create(
        self, service_provider_id: ServiceProviderId, external_user_id: str, profile_id: ProfileId
    ) -> None:
        """Associate a user with a communication profile."""
        await self._call(CREATE_ASSOCIATION, **_association(service_provider_id, external_user_id, profile_id))

    def query(
        self, service_provider_id: ServiceProviderId, external_user_ids: Iterable[str]
    ) -> Pager[AccountAssociation]:
        """Find the associations of these users, at least one."""
        users = require_ids("external_user_ids", external_user_ids, 1)
        filters = {"externalUserIds": users}
        return self._pager(
            QUERY_ASSOCIATIONS, service_provider_id=service_provider_id, filters=filters, subject=summarize(users)
        )

    async def update(
        self, service_provider_id: ServiceProviderId, external_user_id: str, profile_id: ProfileId
    ) -> None:
        """Associate a user with another communication profile. Whether this also creates is not documented."""
        await self._call(UPDATE_ASSOCIATION, **_association(service_provider_id, external_user_id, profile_id))

    async def delete(self, service_provider_id: ServiceProviderId, external_user_id: str) -> None:
        """Delete the association of a user, by a DELETE with a body, which some proxies drop."""
        await self._call(DELETE_ASSOCIATION, service_provider_id=service_provider_id, external_user_id=external_user_id)
