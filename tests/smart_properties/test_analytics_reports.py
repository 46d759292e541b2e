"""Reports: which days can be asked for, and what the response may be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from alexa_props import errors
from alexa_props.smart_properties.analytics_reports import Category
from tests.helpers import Service, answer, smart_properties

DAY = dt.date(2025, 6, 1)
BUCKET = "arn:aws:s3:::example-bucket"
VALID: dict[str, Any] = {
    "categories": [Category.DEVICE],
    "bucket_arn": BUCKET,
    "start_date": DAY,
    "end_date": DAY,
}


async def test_days_are_sent_as_dates() -> None:
    service = Service(204)
    reports = smart_properties(service).analytics_reports
    for end in (DAY, DAY + dt.timedelta(days=90)):
        assert await reports.create("u", **{**VALID, "end_date": end}) is None
        sent = service.seen[-1].json["dateRange"]
        assert sent == {"startDate": "2025-06-01", "endDate": end.isoformat(), "granularity": "DAILY"}


async def test_the_response_is_kept() -> None:
    service = Service(answer(202, {"jobs": [1]}))
    report = await smart_properties(service).analytics_reports.create("u", **VALID)
    assert report is not None
    assert report.raw == {"jobs": [1]}


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("start_date must be a datetime.date, without a time", {"start_date": dt.datetime(2025, 6, 1, tzinfo=dt.UTC)}),
        ("end_date must be a datetime.date, without a time", {"end_date": dt.datetime(2025, 6, 1)}),  # noqa: DTZ001
        ("start_date must be a datetime.date", {"start_date": "2025-06-01"}),
        ("end_date must be 0 to 90 days after 2025-06-01, not 2025-05-31", {"end_date": dt.date(2025, 5, 31)}),
        ("end_date must be 0 to 90 days after 2025-06-01, not 2025-08-31", {"end_date": dt.date(2025, 8, 31)}),
        ("categories must be a list of at least 1 item", {"categories": []}),
        ("categories must be a list, not 'DEVICE'", {"categories": "DEVICE"}),
        ("bucket_arn must be an id", {"bucket_arn": ""}),
    ],
)
async def test_rejects_invalid_arguments(message: str, changes: dict[str, Any]) -> None:
    service = Service(204)
    with pytest.raises(errors.ConfigurationError, match=message):
        await smart_properties(service).analytics_reports.create("u", **{**VALID, **changes})
    assert service.seen == []


async def test_a_request_for_a_report_is_never_sent_twice() -> None:
    service = Service(503)
    with pytest.raises(errors.ServerError):
        await smart_properties(service).analytics_reports.create("u", **VALID)
    assert len(service.seen) == 1
