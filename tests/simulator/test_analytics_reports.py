"""Requests for reports are checked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alexa_props.simulator import Simulator

VALID = {
    "categories": ["DEVICE"],
    "dateRange": {"startDate": "2025-06-01", "endDate": "2025-06-07"},
    "deliveryChannel": {"id": "arn:aws:s3:::example-bucket", "type": "S3"},
}


async def request(api: httpx.AsyncClient, sim: Simulator, **changes: Any) -> int:
    body = {"unitId": sim.organization_id, **VALID, **changes}
    return (await api.post("/v1/enterprise/analytics/reports", json=body)).status_code


async def test_a_report_of_any_unit_is_accepted(api: httpx.AsyncClient, sim: Simulator) -> None:
    assert await request(api, sim) == 202
    sim.set_forbidden(sim.rooms[0])
    assert await request(api, sim, unitId=sim.rooms[0]) == 403
    assert await request(api, sim, unitId="unknown") == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"categories": []},
        {"categories": "DEVICE"},
        {"dateRange": {"startDate": "2025-06-01"}},
        {"dateRange": [{"startDate": "2025-06-01", "endDate": "2025-06-07"}]},
        {"dateRange": {"startDate": "2025-06-08", "endDate": "2025-06-07"}},
        {"dateRange": {"startDate": "2025-01-01", "endDate": "2025-06-07"}},
        {"dateRange": {"startDate": "2025-06-01T00:00:00Z", "endDate": "2025-06-07T00:00:00Z"}},
        {"format": "XML"},
        {"showSubUnits": "yes"},
        {"deliveryChannel": {"id": "example-bucket", "type": "S3"}},
        {"deliveryChannel": {"id": "arn:aws:sns:::topic", "type": "SNS"}},
    ],
)
async def test_rejects_invalid_requests(api: httpx.AsyncClient, sim: Simulator, changes: dict[str, Any]) -> None:
    assert await request(api, sim, **changes) == 400
