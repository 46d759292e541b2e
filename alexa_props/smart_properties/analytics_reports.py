"""Reports about the use of devices and skills, which the service writes to a bucket of yours."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from typing import Any, Final, Literal

import attrs

from alexa_props.arguments import require_id, require_limits, require_list
from alexa_props.client import Resource
from alexa_props.codec import raw_field
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "AnalyticsReport", "AnalyticsReports", "Category", "DeliveryChannel"]

_MOST_DAYS: Final = 90


class Category(enum.StrEnum):
    """What a report is about. These are the categories that Amazon's own tool names; there may be others."""

    PROPERTY_SKILL = "PROPERTY_SKILL"
    PROACTIVE_CAMPAIGN = "PROACTIVE_CAMPAIGN"
    DOMAIN_ENGAGEMENT = "DOMAIN_ENGAGEMENT"
    COMMUNICATION = "COMMUNICATION"
    DEVICE = "DEVICE"


@attrs.frozen
class DeliveryChannel:
    """Where a report is written."""

    id: str
    """ARN of a bucket whose policy lets the service write, such as "arn:aws:s3:::example-bucket"."""
    type: str = "S3"
    """"S3" is the only documented type."""


@attrs.frozen
class AnalyticsReport:
    """The response to a request for a report. Whether it has an id is not documented."""

    raw: dict[str, Any] = raw_field()
    """The JSON object as it was received."""


_api: Final = Group("analytics_reports", "analytics-api.html")
CREATE: Final = _api.post(
    "create", "/v1/enterprise/analytics/reports", AnalyticsReport, nullable=True, required=("unit_id",)
)
OPERATIONS: Final = _api.operations


def _date(argument: str, value: dt.date) -> dt.date:
    # A datetime is a date too, but of which day depends on a zone that is not documented.
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise ConfigurationError(f"{argument} must be a datetime.date, without a time, not {value!r:.80}")
    return value


class AnalyticsReports(Resource):
    """Request reports about the use of devices and skills.

        bucket = DeliveryChannel("arn:aws:s3:::example-bucket")
        days = {"start_date": dt.date(2025, 6, 1), "end_date": dt.date(2025, 6, 7)}
        await asp.analytics_reports.create(unit_id, [Category.DEVICE], bucket, **days)

    They are written to the bucket, and cover the past 90 days. No call shows their progress.
    """

    async def create(
        self,
        unit_id: UnitId,
        categories: Iterable[Category | str],
        delivery_channel: DeliveryChannel,
        *,
        start_date: dt.date,
        end_date: dt.date,
        show_sub_units: bool = False,
        granularity: str = "DAILY",
        format: Literal["CSV"] = "CSV",  # noqa: A002 - the service's name
    ) -> AnalyticsReport | None:
        """Request a report. Each request starts another one.

        Args:
            unit_id: A unit, or the organization.
            categories: What the report is about, at least one.
            delivery_channel: The bucket.
            start_date: The first day, at most 90 days ago. Its time zone is not documented.
            end_date: The last day.
            show_sub_units: Whether to include the units below.
            granularity: "DAILY" is the only documented one.
            format: "CSV" is the only one.

        Returns:
            The response; None if it has no body.

        Raises:
            ConfigurationError: Also if `end_date` is before `start_date`, or more than 90 days after it.
        """
        start, end = _date("start_date", start_date), _date("end_date", end_date)
        if not 0 <= (end - start).days <= _MOST_DAYS:
            raise ConfigurationError(f"end_date must be 0 to {_MOST_DAYS} days after {start}, not {end}")
        named: tuple[str, ...] = require_list("categories", categories)
        require_limits("categories", named, 1, None)
        require_id("delivery_channel", delivery_channel.id)
        return await self._call(
            CREATE,
            unit_id=unit_id,
            categories=named,
            date_range={"startDate": start.isoformat(), "endDate": end.isoformat(), "granularity": granularity},
            format=format,
            show_sub_units=show_sub_units,
            delivery_channel=delivery_channel,
        )
