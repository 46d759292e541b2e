"""The wire of Login with Amazon: the profile."""

from __future__ import annotations

from alexa_props.smart_properties.profile import Profile
from tests.wire.row import Wire

WIRE = {
    "login.profile": Wire(
        lambda on: on.asp.profile(),
        "GET /user/profile",
        response={"user_id": "amzn1.account.A", "name": "Ada", "email": "ada@example.com"},
        result=Profile("amzn1.account.A", "Ada", "ada@example.com"),
    ),
}
