"""Users of the organization in the simulator."""

from __future__ import annotations

import pytest

from alexa_props import errors
from alexa_props.simulator import Simulator
from tests.wire import ONCE


async def test_users_are_created_listed_and_deleted(sim: Simulator) -> None:
    # Amazon's page has another form of the organization's id than its samples.
    of_page = sim.organization_id.replace(".unit.", ".org.")
    async with sim, sim.smart_properties(retry=ONCE) as asp:
        before = [user.user_id async for user in asp.users.list(sim.organization_id)]
        user = await asp.users.create(of_page)
        assert user.access_token.reveal().startswith("Atza|")
        assert [each.user_id async for each in asp.users.list(of_page)] == [*before, user.user_id]
        await asp.users.delete(user)
        assert [each.user_id async for each in asp.users.list(of_page)] == before
        with pytest.raises(errors.NotFound):
            await asp.users.delete(user)
        for unknown in (sim.rooms[0], "amzn1.alexa.org.did.other"):
            with pytest.raises(errors.BadRequest, match="organization"):
                await asp.users.create(unknown)
        assert (await asp.request("GET", "/v1/auth/users")).status_code == 400
        sim.set_forbidden(sim.organization_id)
        with pytest.raises(errors.Forbidden):
            await asp.users.create(of_page)
