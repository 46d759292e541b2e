"""Groups that need a scope in addition to that of the API: a refusal may mean that it is missing."""

from __future__ import annotations

import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from tests.wire import CALLS, OPERATIONS, clients

SCOPES = {
    "service_providers.get": "amazon_communication::service_provider",
    "network_mappings.get": "amazon_communication::service_provider",
    "account_associations.query": "amazon_communication::service_provider",
    "certificate_authorities.list": "credential_locker::wifi_management",
    "analytics_reports.create": None,
    "units.get": None,
}


@pytest.mark.parametrize(("status", "kind"), [(401, errors.Unauthorized), (403, errors.Forbidden)])
@pytest.mark.parametrize("name", SCOPES)
async def test_a_refusal_names_the_additional_scope_of_its_group(
    name: str, status: int, kind: type[errors.ApiError]
) -> None:
    async with Simulator(rooms=1) as sim:
        # Also after the one refresh of the token that a 401 leads to.
        fault = sim.fail(name, "status", status=status, times=None)
        with pytest.raises(kind) as caught:
            await CALLS[name](clients(sim))
    assert fault.hits == (2 if status == 401 else 1)
    scope = SCOPES[name]
    assert OPERATIONS[name].scope == scope
    assert ("scope" in str(caught.value)) == (scope is not None)
    assert scope is None or f"it also needs the scope {scope}" in str(caught.value)
