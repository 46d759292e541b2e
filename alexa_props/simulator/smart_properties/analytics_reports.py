"""Reports: requests are checked and accepted, and nothing is written anywhere."""

from __future__ import annotations

from datetime import date
from typing import Any

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import known_unit
from alexa_props.simulator.responses import Problem, Response, json_response
from alexa_props.simulator.routes import route

MOST_DAYS = 90
REQUIRED = {
    "unitId": str,
    "categories": list,
    "dateRange": dict,
    "dateRange.startDate": str,
    "dateRange.endDate": str,
    "deliveryChannel": dict,
    "deliveryChannel.id": str,
    "deliveryChannel.type": str,
}


def _days(dates: dict[str, Any]) -> int:
    """Return how many days lie between the two dates."""
    try:
        return (date.fromisoformat(dates["endDate"]) - date.fromisoformat(dates["startDate"])).days
    except ValueError:
        raise Problem(400, "startDate and endDate must be dates such as 2025-06-01.") from None


@route("analytics_reports.create", "POST", "/v1/enterprise/analytics/reports")
def create(context: Context) -> Response:
    """Accept a request. Inferred: 202 with an empty object.

    Dates may be older than 90 days, so that tests can have fixed ones.
    """
    body = require_members(context.json, REQUIRED, {"showSubUnits": bool, "dateRange.granularity": str})
    known_unit(context, body["unitId"])
    if not body["categories"] or not all(isinstance(each, str) and each for each in body["categories"]):
        raise Problem(400, "categories must be a list of at least one category.")
    if not 0 <= _days(body["dateRange"]) <= MOST_DAYS:
        raise Problem(400, f"endDate must be 0 to {MOST_DAYS} days after startDate.")
    if body.get("format", "CSV") != "CSV":
        raise Problem(400, "format must be CSV.")
    channel = body["deliveryChannel"]
    if channel["type"] != "S3" or not channel["id"].startswith("arn:aws:s3:::"):
        raise Problem(400, "deliveryChannel must be an S3 bucket.")
    return json_response({}, 202)
