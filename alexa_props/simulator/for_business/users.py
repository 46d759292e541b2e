"""Users of Alexa for Business."""

from __future__ import annotations

from alexa_props.simulator.context import Context
from alexa_props.simulator.for_business.requests import search_page
from alexa_props.simulator.for_business.search import USER_KEYS
from alexa_props.simulator.inventory import User
from alexa_props.simulator.responses import Json, Response
from alexa_props.simulator.routes import target


def _user(user: User) -> Json:
    return {
        "UserArn": user.arn,
        "FirstName": user.first_name,
        "LastName": user.last_name,
        "Email": user.email,
        "EnrollmentStatus": user.enrollment_status,
        "EnrollmentId": user.enrollment_id,
    }


@target("users.search", "SearchUsers")
def search_users(context: Context) -> Response:
    """Search for users that pass all filters."""
    return search_page(context, context.service.inventory.users, _user, keys=USER_KEYS, member="Users")
