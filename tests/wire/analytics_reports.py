"""The wire of reports."""

from __future__ import annotations

import datetime as dt
from typing import Any

from alexa_props.smart_properties.analytics_reports import AnalyticsReport, Category
from tests.wire.row import Clients, Wire

BUCKET = "arn:aws:s3:::example-bucket"
BODY = {
    "unitId": "room-1",
    "categories": ["DEVICE", "SOMETHING_NEW"],
    "dateRange": {"startDate": "2025-06-01", "endDate": "2025-06-07", "granularity": "DAILY"},
    "format": "CSV",
    "showSubUnits": False,
    "deliveryChannel": {"id": "arn:aws:s3:::example-bucket", "type": "S3"},
}


def create(on: Clients, **more: Any) -> Any:
    return on.asp.analytics_reports.create(
        on.room,
        [Category.DEVICE, "SOMETHING_NEW"],
        BUCKET,
        start_date=dt.date(2025, 6, 1),
        end_date=dt.date(2025, 6, 7),
        **more,
    )


WIRE = {
    "analytics_reports.create": Wire(
        create,
        "POST /v1/enterprise/analytics/reports",
        idempotent=False,
        body=BODY,
        response={"reportId": "r"},
        result=AnalyticsReport(),
    ),
    "analytics_reports.create, with every argument": Wire(
        lambda on: create(on, show_sub_units=True, granularity=None),
        "POST /v1/enterprise/analytics/reports",
        idempotent=False,
        body={
            **BODY,
            "dateRange": {"startDate": "2025-06-01", "endDate": "2025-06-07"},
            "showSubUnits": True,
        },
    ),
}
