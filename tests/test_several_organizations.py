"""Clients of several organizations in one process share nothing, and what they report says whose it is."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from alexa_props import SmartProperties, errors
from alexa_props.hooks import AttemptSent, CallEnded, Event
from alexa_props.simulator import Simulator
from tests.helpers import Service, gather, smart_properties

PAGE = Path(__file__).parents[1] / "docs" / "several-organizations.md"
BLOCKS = re.findall(r"^```python\n(# several organizations\n.+?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
async def both() -> AsyncIterator[tuple[Simulator, Simulator]]:
    async with Simulator(rooms=40, seed=1) as seaside, Simulator(rooms=40, seed=2) as alpine:
        yield seaside, alpine


def clients(both: tuple[Simulator, Simulator], **options: Any) -> tuple[SmartProperties, SmartProperties]:
    seaside, alpine = both
    return (
        seaside.smart_properties(name="seaside", region="NA", **options),
        alpine.smart_properties(name="alpine", region="EU", **options),
    )


@pytest.mark.apart
async def test_the_quota_of_one_slows_no_other(both: tuple[Simulator, Simulator]) -> None:
    seaside, alpine = clients(both)
    both[0].quota("units.get", 30, burst=1)
    calls = [
        partial(asp.units.get, room) for asp, sim in zip((seaside, alpine), both, strict=True) for room in sim.rooms
    ]
    units = await gather(*calls)
    assert [unit.id for unit in units] == both[0].rooms + both[1].rooms
    slowed, free = seaside.limits["units.get"], alpine.limits["units.get"]
    assert slowed.refused > 0
    assert slowed.ceiling is not None
    assert (free.refused, free.ceiling) == (0, None)
    assert (both[0].count("units.get", 429), both[1].count("units.get", 429)) == (slowed.refused, 0)


async def test_a_refused_token_of_one_refreshes_no_other(both: tuple[Simulator, Simulator]) -> None:
    seaside, alpine = clients(both)
    await gather(lambda: seaside.units.get(both[0].rooms[0]), lambda: alpine.units.get(both[1].rooms[0]))
    before = both[0].count("token"), both[1].count("token")
    both[0].expire_tokens()
    await gather(lambda: seaside.units.get(both[0].rooms[0]), lambda: alpine.units.get(both[1].rooms[0]))
    assert (both[0].count("units.get", 401), both[1].count("units.get", 401)) == (1, 0)
    assert (both[0].count("token"), both[1].count("token")) == (before[0] + 1, before[1])


async def test_events_and_log_records_name_the_client(
    both: tuple[Simulator, Simulator], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "alexa_props")
    events: list[Event] = []
    seaside, alpine = clients(both, hooks=[events.append])
    both[1].set_forbidden(both[1].rooms[0])
    alpine_view = alpine.with_options(deadline=30)
    done, refused = await gather(
        lambda: seaside.units.get(both[0].rooms[0]), lambda: alpine_view.units.get(both[1].rooms[0])
    )
    assert done.id == both[0].rooms[0]
    assert isinstance(refused, errors.Forbidden)
    async with httpx.AsyncClient(transport=seaside.pipeline, base_url=both[0].base_url) as http:
        await http.get(f"/v2/units/{both[0].rooms[0]}")
    ended = {(event.client, event.status) for event in events if isinstance(event, CallEnded)}
    assert ended == {("seaside", 200), ("alpine", 403)}
    assert {event.client for event in events if isinstance(event, AttemptSent)} == {"seaside", "alpine"}
    assert {event.client for event in events if event.operation.startswith("GET ")} == {"seaside"}
    (failed,) = [record for record in caplog.records if record.name == "alexa_props.failures"]
    assert vars(failed)["alexa_props"]["client"] == "alpine"
    assert failed.getMessage().startswith("call failed: client='alpine' operation='units.get' ")
    assert any("client='seaside'" in record.getMessage() for record in caplog.records)


def test_a_repr_names_the_client() -> None:
    client = smart_properties(Service(), name="Hôtel du Lac")
    assert repr(client) == "<SmartProperties 'Hôtel du Lac' https://api.amazonalexa.com>"
    assert repr(client.with_options(deadline=1)) == repr(client)


@pytest.mark.parametrize("name", ["", "a\nb", 7])
def test_refuses_a_name_that_cannot_be_in_a_line(name: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match=r'name must be printable text such as "seaside"'):
        smart_properties(Service(), name=name)


async def test_the_program_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = BLOCKS
    monkeypatch.chdir(tmp_path)
    async with AsyncExitStack() as stack:
        sims = {"seaside": Simulator(rooms=3, seed=1), "alpine": Simulator(rooms=5, seed=2)}
        accounts = {}
        for name, sim in sims.items():
            await stack.enter_async_context(sim.serve())
            login = {
                field: getattr(sim, field) for field in ("client_id", "client_secret", "refresh_token", "token_url")
            }
            accounts[name] = {"login": login, "region": "NA", "organization_id": sim.organization_id}
        await anyio.Path("accounts.json").write_text(json.dumps(accounts))
        # In place of the region's address, each name has that of its simulator.
        code = code.replace("name=name)", "name=name, base_url=sims[name].base_url)")
        await eval(compile(code, PAGE.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {"sims": sims})
        for sim in sims.values():
            assert not any(sim.alert_count("alarms", endpoint) for endpoint in sim.endpoints)
    assert capsys.readouterr().out == (
        "seaside {'done': 3, 'failed': 0, 'unknown': 0}\nalpine {'done': 5, 'failed': 0, 'unknown': 0}\n"
    )
