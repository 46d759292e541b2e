"""The profile of the account, from Login with Amazon."""

from __future__ import annotations

from typing import Any, Final

import attrs

from alexa_props.arguments import Identified
from alexa_props.operation import Group
from alexa_props.responses import first_string
from alexa_props.smart_properties.protocol import member

__all__ = ["OPERATIONS", "Profile"]


@attrs.frozen
class Profile(Identified):
    """An account. Methods that take a principal id take it too."""

    id_arguments = ("principal_id", "principal_ids")
    id_field = "user_id"

    user_id: str
    """The account as roles name it: `amzn1.account.…`."""
    name: str | None = None
    """Only with the scope `profile`, as is the next one."""
    email: str | None = None


def _read(body: Any) -> Profile:
    # The names here are not those of the API: `user_id` instead of `userId`.
    return Profile(member("user_id")(body), first_string(body, "name"), first_string(body, "email"))


_api: Final = Group("login", "obtain-customer-profile.html", scope="profile:user_id")
PROFILE: Final = _api.get("profile", "/user/profile", _read, host="login")
OPERATIONS: Final = _api.operations
