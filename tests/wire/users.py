"""The wire of users of Alexa for Business."""

from __future__ import annotations

from alexa_props.for_business.users import EnrollmentStatus, User
from tests.wire.row import Wire

WIRE = {
    "users.search": Wire(
        lambda on: on.a4b.users.search(),
        "POST / AlexaForBusiness.SearchUsers",
        body={},
        response={
            "Users": [
                {
                    "UserArn": "arn:user/1",
                    "FirstName": "Zoë",
                    "LastName": "部屋",
                    "Email": "zoe@hotel.example",
                    "EnrollmentStatus": "DISASSOCIATING",
                    "EnrollmentId": "enrollment-1",
                },
                {},
            ],
            "NextToken": "",
        },
        result=[
            User(
                user_arn="arn:user/1",
                first_name="Zoë",
                last_name="部屋",
                email="zoe@hotel.example",
                enrollment_status=EnrollmentStatus.DISASSOCIATING,
                enrollment_id="enrollment-1",
            ),
            User(),
        ],
    ),
    "users.search, with every argument": Wire(
        lambda on: on.a4b.users.search(
            filters={"EnrollmentStatus": ["DISASSOCIATING"]}, sort=["-LastName"], page_size=2
        ),
        "POST / AlexaForBusiness.SearchUsers",
        body={
            "Filters": [{"Key": "EnrollmentStatus", "Values": ["DISASSOCIATING"]}],
            "SortCriteria": [{"Key": "LastName", "Value": "DESC"}],
            "MaxResults": 2,
        },
        response={"Users": []},
        result=[],
    ),
}
