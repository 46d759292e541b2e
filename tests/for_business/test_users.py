"""Users: their target on the wire, and their model."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from alexa_props import errors
from alexa_props.for_business.users import EnrollmentStatus, User
from tests.helpers import Service, answer, for_business

FULL = {
    "UserArn": "arn:aws:a4b:us-east-1:123456789012:user/1",
    "FirstName": "Zoë",
    "LastName": "部屋",
    "Email": "zoe@hotel.example",
    "EnrollmentStatus": "DISASSOCIATING",
    "EnrollmentId": "enrollment-1",
}
USER = User(
    user_arn="arn:aws:a4b:us-east-1:123456789012:user/1",
    first_name="Zoë",
    last_name="部屋",
    email="zoe@hotel.example",
    enrollment_status=EnrollmentStatus.DISASSOCIATING,
    enrollment_id="enrollment-1",
)


async def first(body: Any) -> User:
    page = await for_business(Service(answer(json={"Users": [body]}))).users.search()
    (user,) = page.items
    return user


async def test_the_request() -> None:
    service = Service(answer(json={"Users": []}))
    await for_business(service).users.search(filters={"EnrollmentStatus": ["DISASSOCIATING"]}, sort=["-LastName"])
    (seen,) = service.seen
    assert (seen.method, seen.url.raw_path) == ("POST", b"/")
    assert seen.headers["X-Amz-Target"] == "AlexaForBusiness.SearchUsers"
    assert seen.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert seen.json == {
        "Filters": [{"Key": "EnrollmentStatus", "Values": ["DISASSOCIATING"]}],
        "SortCriteria": [{"Key": "LastName", "Value": "DESC"}],
    }
    assert (seen.token or "").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


@pytest.mark.parametrize(
    ("body", "user"),
    [
        (FULL, USER),
        ({**FULL, "New": {"deep": [1]}, "UserId": "u"}, USER),
        ({}, User()),
        (dict.fromkeys(FULL), User()),
        ({**FULL, "FirstName": "", "LastName": ""}, attrs.evolve(USER, first_name="", last_name="")),
        ({"EnrollmentId": 5}, User(enrollment_id="5")),
    ],
)
async def test_the_model(body: Any, user: User) -> None:
    assert await first(body) == user


@pytest.mark.parametrize("status", EnrollmentStatus)
async def test_a_known_status_is_a_member(status: EnrollmentStatus) -> None:
    assert (await first({"EnrollmentStatus": str(status)})).enrollment_status is status


@pytest.mark.parametrize("status", ["OF_TOMORROW", "disassociating", ""])
async def test_an_unknown_status_is_a_plain_string(status: str) -> None:
    read = (await first({"EnrollmentStatus": status})).enrollment_status
    assert (read, type(read)) == (status, str)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"Email": True}, "Users[0].Email"),
        ({"EnrollmentStatus": ["PENDING"]}, "Users[0].EnrollmentStatus"),
        ({"FirstName": {}}, "Users[0].FirstName"),
        ([], "Users[0]"),
        (None, "Users[0]"),
    ],
)
async def test_a_member_at_fault_is_named_as_the_service_names_it(body: Any, place: str) -> None:
    with pytest.raises(errors.DecodeError, match=r"^users\.search: ") as caught:
        await first(body)
    assert f" @ {place} (200" in str(caught.value)
