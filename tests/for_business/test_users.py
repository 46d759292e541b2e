"""Users: their model."""

from __future__ import annotations

from typing import Any

import pytest

from alexa_props import errors
from alexa_props.for_business.users import EnrollmentStatus, User
from tests.helpers import Service, answer, for_business

MEMBERS = ["UserArn", "FirstName", "LastName", "Email", "EnrollmentStatus", "EnrollmentId"]


async def first(body: Any) -> User:
    page = await for_business(Service(answer(json={"Users": [body]}))).users.search()
    (user,) = page.items
    return user


async def test_a_user_in_part() -> None:
    assert await first({"New": {"deep": [1]}, "UserId": "u"}) == User()
    assert await first(dict.fromkeys(MEMBERS)) == User()
    assert await first({"FirstName": "", "EnrollmentId": 5}) == User(first_name="", enrollment_id="5")


async def test_a_known_status_is_a_member_and_an_unknown_one_a_plain_string() -> None:
    for status in EnrollmentStatus:
        assert (await first({"EnrollmentStatus": str(status)})).enrollment_status is status
    for text in ("OF_TOMORROW", "disassociating", ""):
        read = (await first({"EnrollmentStatus": text})).enrollment_status
        assert (read, type(read)) == (text, str)


async def test_an_invalid_member_is_named_as_the_service_names_it() -> None:
    faults: list[tuple[Any, str]] = [
        ({"Email": True}, "Users[0].Email"),
        ({"EnrollmentStatus": ["PENDING"]}, "Users[0].EnrollmentStatus"),
        ([], "Users[0]"),
        (None, "Users[0]"),
    ]
    for body, place in faults:
        with pytest.raises(errors.DecodeError, match=r"^users\.search: ") as caught:
            await first(body)
        assert f" @ {place} (200" in str(caught.value)
