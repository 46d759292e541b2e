"""Amazon's command-line tool for Smart Properties: its requests byte for byte, over a socket.

It runs on Node with axios and qs. The headers, their order, how a form is encoded, and what is left unencoded are those
of axios 1.6.5 and qs 6.12.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import anyio
import anyio.abc
import attrs
import h11
import pytest

from alexa_props.simulator import Simulator

FORM = "application/x-www-form-urlencoded"
# The two ways to log in, by their names in its configuration: headers, and the scopes in the form.
LOGINS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "oauthLocal": (
        {"Content-Type": FORM, "Authorization": "", "Asp-Cli": ""},
        {
            "scope[0]": "alexa::enterprise:management",
            "scope[1]": "credential_locker::wifi_management",
            "scope[2]": "profile",
        },
    ),
    "secretsManager": (
        {"Accept": FORM, "Content-Type": f"{FORM};charset=utf-8"},
        {"scope": "alexa::enterprise:management"},
    ),
}


@attrs.define
class Tool:
    """The configured tool, on one keep-alive connection."""

    sim: Simulator
    stream: anyio.abc.SocketStream
    host: str
    connection: h11.Connection = attrs.field(factory=lambda: h11.Connection(h11.CLIENT))
    token: str = ""

    async def send(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, Any]:
        """Send a request with its headers in axios's order, and return the JSON of the response."""
        first = {"Accept": "application/json, text/plain, */*"}
        for name in ("Accept", "Content-Type", "Authorization", "Asp-Cli"):
            if name in headers:
                first[name] = headers[name]
        length = {} if body is None else {"Content-Length": str(len(body))}
        if body is None and method == "POST":
            length = {"Content-Length": "0"}
        agent = {"User-Agent": "axios/1.6.5", **length, "Accept-Encoding": "gzip, compress, deflate, br"}
        lines = {**first, **agent, "Host": headers.get("Host", self.host), "Connection": "keep-alive"}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        # h11 only parses the responses, for which it must know the requests. The bytes are sent as they are here.
        self.connection.send(h11.Request(method=method, target="/", headers=[("Host", self.host), *length.items()]))
        self.connection.send(h11.Data(data=body or b""))
        self.connection.send(h11.EndOfMessage())
        await self.stream.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + (body or b""))
        status, content = await self._received()
        self.connection.start_next_cycle()
        return status, json.loads(content) if content else None

    async def _received(self) -> tuple[int, bytes]:
        status, content = 0, b""
        while True:
            event = self.connection.next_event()
            if event is h11.NEED_DATA:
                self.connection.receive_data(await self.stream.receive())
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, content

    async def log_in(self, headers: dict[str, str], scopes: dict[str, str]) -> None:
        grant = {
            "grant_type": "refresh_token",
            "refresh_token": self.sim.refresh_token,
            "client_id": self.sim.client_id,
            "client_secret": self.sim.client_secret,
            **scopes,
        }
        body = urlencode(grant, quote_via=quote, safe="").encode()
        status, granted = await self.send("POST", "/auth/o2/token", headers, body)
        assert status == 200, granted
        self.token = granted["access_token"]

    async def call(self, method: str, target: str, body: object = None, **headers: str) -> Any:
        content = None if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        if method in ("POST", "PUT"):
            headers["Content-Type"] = "application/json"
        proof = {"Authorization": f"Bearer {self.token}", "Asp-Cli": "v1.0.0"}
        status, result = await self.send(method, target, {**headers, **proof}, content)
        assert status < 300, (method, target, result)
        return result

    async def all_pages(self, target: str, member: str = "results") -> list[Any]:
        """Return all pages of a list. The token goes into the query without encoding."""
        found: list[Any] = []
        token = None
        while True:
            page = await self.call("GET", f"{target}&nextToken={token}" if token else target)
            found += page[member]
            token = page.get("paginationContext", {}).get("nextToken")
            if not token:
                return found

    async def units(self, parent_id: str, depth: object = 1) -> list[Any]:
        return await self.all_pages(f"/v2/units?maxResults=50&parentId={parent_id}&expand=all&queryDepth={depth}")

    async def endpoints(self, unit_id: str | None = None) -> list[Any]:
        whose = f"associatedUnits.id={unit_id}" if unit_id else "owner=~caller"
        return await self.all_pages(f"/v2/endpoints?{whose}&expand=all")


@asynccontextmanager
async def tool_on(sim: Simulator) -> AsyncIterator[Tool]:
    """The tool, logged in."""
    async with sim.serve() as base_url:
        address = urlsplit(base_url)
        async with await anyio.connect_tcp("127.0.0.1", address.port or 0) as stream:
            tool = Tool(sim, stream, address.netloc)
            await tool.log_in(*LOGINS["oauthLocal"])
            yield tool


@pytest.mark.parametrize("login", LOGINS)
async def test_logs_in(login: str) -> None:
    async with tool_on(Simulator(rooms=1)) as tool:
        tool.token = ""
        await tool.log_in(*LOGINS[login])
        assert await tool.call("GET", f"/v2/units/{tool.sim.rooms[0]}")


async def walk(endpoints: int, seeds: range) -> None:
    for seed in seeds:
        sim = Simulator(rooms=endpoints // 2, endpoints_per_room=2, seed=seed, users=0)
        async with tool_on(sim) as tool:
            units = [unit["id"] for unit in await tool.units(sim.organization_id, "all")]
            assert sorted(units) == sorted(sim.units[1:]), f"seed {seed}"
            assert [each["id"] for each in await tool.endpoints()] == sim.endpoints, f"seed {seed}"


async def test_walks_the_whole_account() -> None:
    for endpoints, seeds in ((60, range(8)), (120, range(8, 11)), (600, range(11, 12))):
        await walk(endpoints, seeds)


@pytest.mark.apart
@pytest.mark.parametrize("endpoints", [60, 120, 600])
async def test_walks_the_whole_account_of_every_seed(endpoints: int) -> None:
    await walk(endpoints, range(40))


async def test_caches_a_property_and_the_unassigned_endpoints() -> None:
    sim = Simulator(rooms=6, endpoints_per_room=25, seed=7, unassigned_endpoints=45, caller_scope="unassigned")
    async with tool_on(sim) as tool:
        found: list[str] = []

        async def cache(unit_id: str) -> None:
            found.extend(each["id"] for each in await tool.endpoints(unit_id))
            for unit in await tool.units(unit_id):
                await cache(unit["id"])

        await cache((await tool.call("GET", f"/v2/units/{sim.units[1]}"))["id"])
        assert found == sim.endpoints[:150]
        unassigned = await tool.endpoints()
        assert [each["id"] for each in unassigned] == sim.endpoints[150:]
        assert [each["associatedUnits"] for each in unassigned] == [[]] * 45


async def test_a_session_of_single_commands() -> None:
    sim = Simulator(rooms=12, endpoints_per_room=2, seed=7)
    async with tool_on(sim) as tool:
        room, endpoint = sim.rooms[0], sim.endpoints[0]

        # The endpoints of several units: the first query has an empty context, the others a size and a token.
        query: dict[str, Any] = {
            "query": {"or": [{"match": {"associatedUnits.id": each}} for each in sim.rooms]},
            "expand": ["all", "feature:connectivity"],
            "paginationContext": {},
        }
        found: list[Any] = []
        while True:
            page = await tool.call("POST", "/v2/endpointQuery", query)
            found += page["results"]
            token = page.get("paginationContext", {}).get("nextToken")
            if not token:
                break
            query["paginationContext"] = {"maxResults": 10, "nextToken": token}
        assert [each["id"] for each in found] == sim.endpoints
        assert found[0]["features"][0]["properties"][0]["value"]["value"] == "OK"

        # Settings, and an address whose Host header names a host of Amazon's.
        settings = "Alexa.DoNotDisturb.doNotDisturb,System.locales"
        path = f"/v2/endpoints/{endpoint}/settings"
        assert await tool.all_pages(f"{path}?keys={settings}", "settings")
        for key, value in (("System.timeZone", "America/New_York"), ("Alexa.DoNotDisturb.doNotDisturb", True)):
            await tool.call("PUT", f"{path}/{key}", value)
            assert sim.settings(endpoint)[key] == value
        await tool.call("POST", f"{path}/address", {"address": {"city": "Köln"}}, Host="api.amazonalexa.com")
        address = await tool.call("GET", f"{path}/address", Accept="application/json", Host="api.amazonalexa.com")
        assert address == {"address": {"city": "Köln"}}

        # The music of a room, its alerts and notifications, and the Bluetooth of a device.
        station = {"providerId": "TUNEIN", "stationId": "s16492"}
        setting = f"/v2/units/{room}/settings/MusicExperience.defaultStationPreferences"
        await tool.call("PUT", setting, station)
        assert await tool.call("GET", setting) == station
        for kind in ("alarms", "reminders", "timers"):
            await tool.call("DELETE", f"/v1/alerts/{kind}?unitId={room}")
        assert (sim.alert_count("alarms", room), sim.alert_count("timers", room)) == (0, 0)
        await tool.call("POST", f"/v2/endpoints/{endpoint}/features/bluetooth/unpair")
        assert sim.bluetooth(endpoint) == ()
        for kind, recipient in (("Unit", room), ("Endpoint", endpoint)):
            sim.notify(recipient, "DeviceNotification")
            body = {"notificationTypes": ["DeviceNotification"], "recipients": [{"type": kind, "id": recipient}]}
            await tool.call("POST", "/v3/notifications/delete", body, Accept="application/json")
            assert sim.notifications(recipient)["DeviceNotification"] == 0
    assert {call.status for call in sim.calls} <= {200, 202, 204}
    assert "unknown" not in {call.operation for call in sim.calls}
