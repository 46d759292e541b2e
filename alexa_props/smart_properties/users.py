"""Create, list and delete users of the organization."""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from alexa_props.arguments import Identified
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.settings import Secret
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "CreatedUser", "User", "UserId", "Users"]


@attrs.frozen
class User(Identified, Lenient):
    """A user. Its field is inferred: no page and no tool shows the items of the list."""

    id_arguments = ("user_id",)
    id_field = "user_id"

    user_id: str | None = None


@attrs.frozen
class CreatedUser(Identified):
    """A new user and its tokens, which no repr shows: `access_token.reveal()` returns one."""

    id_arguments = ("user_id",)
    id_field = "user_id"

    user_id: str
    access_token: Secret
    """Acts for the user in calls."""
    refresh_token: Secret
    """Renews the access token."""


UserId: TypeAlias = str | User | CreatedUser

_api: Final = Group("users", "user-api.html")
LIST: Final = _api.list("list", "/v1/auth/users", User, required=("organization_id",))
CREATE: Final = _api.post(
    "create", "/v1/auth/users", CreatedUser, required=("organization_id",), check_with="list", secret=True
)
DELETE: Final = _api.delete("delete", "/v1/auth/users/{user_id}")
OPERATIONS: Final = _api.operations


class Users(Resource):
    """Create, list and delete users of the organization.

        user = await asp.users.create(organization_id)
        print(user.user_id)

    Amazon's page writes the id of the organization as `amzn1.alexa.org.did.…`, its samples as that of the unit. The
    page names only the host of NA.
    """

    def list(self, organization_id: UnitId, *, page_size: int | None = None) -> Pager[User]:
        """List the users of an organization."""
        return self._pager(LIST, organization_id=organization_id, page_size=page_size)

    async def create(self, organization_id: UnitId) -> CreatedUser:
        """Create a user and return its tokens, which cannot be read again.

        Raises:
            BadRequest: The account is not in the organization.
        """
        return await self._call(CREATE, organization_id=organization_id)

    async def delete(self, user_id: UserId) -> None:
        """Delete a user. If the response to a first attempt is lost, the retry may raise `NotFound`."""
        await self._call(DELETE, user_id=user_id)
