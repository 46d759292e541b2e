"""Users of the organization: their tokens are shown nowhere."""

from __future__ import annotations

import copy
import logging

import attrs
import httpx
import pytest

from alexa_props import errors
from alexa_props.hooks import Event
from alexa_props.settings import Secret
from alexa_props.smart_properties.users import CreatedUser, User
from tests.helpers import Service, answer, smart_properties
from tests.secrets.leaks import Leaks, faces

TOKENS = {"access token": "token-of-the-new-user", "refresh token": "renewal-of-the-new-user"}
LEAKS = Leaks(TOKENS)
BODY = {"userId": "u", "accessToken": TOKENS["access token"], "refreshToken": TOKENS["refresh token"]}


async def test_tokens_are_in_no_repr_log_or_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[Event] = []
    user = await smart_properties(Service(answer(201, BODY)), hooks=[events.append]).users.create("org")
    assert user.access_token.reveal() == TOKENS["access token"]
    assert user == CreatedUser("u", Secret(TOKENS["access token"]), Secret(TOKENS["refresh token"]))
    for thing in (user, attrs.asdict(user), copy.deepcopy(user)):
        assert LEAKS.check(faces(thing))
    assert LEAKS.check(("event", repr(event)) for event in events)
    assert LEAKS.check((record.name, f"{record.getMessage()} {vars(record)!r}") for record in caplog.records)


UNREADABLE = {
    "cut off": httpx.Response(201, content=str(BODY).encode()[:-20]),
    "no JSON": httpx.Response(201, content=f"{TOKENS['access token']} {TOKENS['refresh token']}".encode()),
    "no user": answer(201, {**BODY, "userId": None}),
    "no token": answer(201, {**BODY, "accessToken": [TOKENS["access token"]]}),
    "a list": answer(201, [BODY]),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_unreadable_response_is_not_quoted(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.DecodeError, match=r"check with users\.list whether it took effect") as caught:
        await smart_properties(Service(UNREADABLE[name])).users.create("org")
    LEAKS.check_error(caught.value)
    LEAKS.check((record.name, f"{record.getMessage()} {vars(record)!r}") for record in caplog.records)


async def test_a_user_stands_in_for_its_id() -> None:
    service = Service(204)
    asp = smart_properties(service)
    await asp.users.delete(CreatedUser("a", Secret("x"), Secret("y")))
    await asp.users.delete(User("b"))
    assert [seen.url.path for seen in service.seen] == ["/v1/auth/users/a", "/v1/auth/users/b"]
    # The list did not say which.
    with pytest.raises(errors.ConfigurationError, match="user_id must be an id"):
        await asp.users.delete(User())
