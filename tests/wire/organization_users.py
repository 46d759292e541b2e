"""The wire of users of the organization. Those of Alexa for Business are in `users.py`."""

from __future__ import annotations

from alexa_props.settings import Secret
from alexa_props.simulator.smart_properties.users import USERS
from alexa_props.smart_properties.users import CreatedUser, User
from tests.wire.row import LAST_PAGE, Wire

IDS = {"user": lambda sim: USERS.ids(sim)[0]}
MODELS = {"user": User("user-1")}

WIRE = {
    "users.list": Wire(
        lambda on: on.asp.users.list(on.organization, page_size=5),
        "GET /v1/auth/users?organizationId=organization-1&maxResults=5",
        response={"results": [{"userId": "a", "more": 1}, {"userId": 7}, {}], **LAST_PAGE},
        result=[User("a"), User("7"), User()],
    ),
    "users.create": Wire(
        lambda on: on.asp.users.create(on.organization),
        "POST /v1/auth/users",
        body={"organizationId": "organization-1"},
        response={"userId": "u", "accessToken": "someToken.1", "refreshToken": "someToken.2"},
        result=CreatedUser("u", Secret("someToken.1"), Secret("someToken.2")),
    ),
    "users.delete": Wire(lambda on: on.asp.users.delete(on.user), "DELETE /v1/auth/users/user-1"),
}
