"""Reports about the use of devices and skills, which the service writes to your S3 bucket."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from typing import Final, Literal

import attrs

from alexa_props.arguments import require_id, require_list
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_type
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "AnalyticsReport", "AnalyticsReports", "Category"]


class Category(enum.StrEnum):
    """What a report is about. There may be categories besides these, which Amazon's own tool names."""

    PROPERTY_SKILL = "PROPERTY_SKILL"
    PROACTIVE_CAMPAIGN = "PROACTIVE_CAMPAIGN"
    DOMAIN_ENGAGEMENT = "DOMAIN_ENGAGEMENT"
    COMMUNICATION = "COMMUNICATION"
    DEVICE = "DEVICE"


@attrs.frozen
class AnalyticsReport(Lenient):
    """The response to a request for a report. Whether it has an id is not documented."""


_api: Final = Group("analytics_reports", "analytics-api.html")
_TYPES: Final = {"categories": tuple[str, ...], "show_sub_units": bool}
CREATE: Final = _api.post(
    "create", "/v1/enterprise/analytics/reports", AnalyticsReport, nullable=True, required=("unit_id",), types=_TYPES
)
OPERATIONS: Final = _api.operations


def _date(argument: str, value: dt.date) -> dt.date:
    # A datetime is a date too, but its day depends on a time zone that is not documented.
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ConfigurationError(f"{argument} must be a datetime.date, without a time, not {value!r:.80}")
    return value


class AnalyticsReports(Resource):
    """Request reports about the use of devices and skills.

        days = {"start_date": dt.date(2025, 6, 1), "end_date": dt.date(2025, 6, 7)}
        await asp.analytics_reports.create(unit_id, [Category.DEVICE], "arn:aws:s3:::example-bucket", **days)

    The service writes them to an S3 bucket as CSV. They cover the past 90 days. No call shows their progress.
    """

    async def create(
        self,
        unit_id: UnitId,
        categories: Iterable[Category | str],
        bucket_arn: str,
        *,
        start_date: dt.date,
        end_date: dt.date,
        show_sub_units: bool = False,
        granularity: Literal["DAILY"] | None = "DAILY",
    ) -> AnalyticsReport | None:
        """Request a report on a unit or the organization, and return the response; None if it has no body.

        The policy of the bucket must let the service write. The last day is up to 90 days after the first; in which
        time zone days begin is not documented. `show_sub_units` includes the units below. A `granularity` of "DAILY"
        reports each day, and None all days together (inferred).
        """
        start, end = _date("start_date", start_date), _date("end_date", end_date)
        if not 0 <= (end - start).days <= 90:  # noqa: PLR2004 - days
            raise ConfigurationError(f"end_date must be 0 to 90 days after {start}, not {end}")
        require_type("granularity", granularity, str | None)
        days = {"startDate": start.isoformat(), "endDate": end.isoformat()}
        return await self._call(
            CREATE,
            unit_id=unit_id,
            categories=require_list("categories", categories, 1),
            date_range=days if granularity is None else {**days, "granularity": granularity},
            format="CSV",
            show_sub_units=show_sub_units,
            delivery_channel={"id": require_id("bucket_arn", bucket_arn), "type": "S3"},
        )
