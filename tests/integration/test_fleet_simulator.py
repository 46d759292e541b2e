"""10,000 rooms over a socket, with a quota, unreachable devices, and faults of every kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import httpx
import pytest

from alexa_props import LoginWithAmazon, SmartProperties, errors, fleet
from alexa_props.fleet import FleetReport
from alexa_props.pipeline.pool import Pool
from alexa_props.simulator import KINDS

DELETE = "alerts.delete_alarms"
ROOMS = 10_000
CUT = ("drop_before", "drop_after", "cut_body")
EACH = 6
"""Rooms per fault that does not pass."""

SERVER = f"""
import json, sys
import anyio, anyio.to_thread
from alexa_props.simulator import Simulator

async def main():
    async with Simulator(rooms={ROOMS}, endpoints_per_room=2, seed=11) as sim, sim.serve() as base_url:
        print(json.dumps([base_url, sim.token_url]), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        print(json.dumps([each for each in sim.endpoints if sim.alert_count("alarms", each)]), flush=True)

anyio.run(main)
"""


@contextmanager
def served() -> Iterator[tuple[subprocess.Popen[str], httpx.Client, str]]:
    """Start a simulator in a process. Yield the process, a client to script it, and the token URL."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            base_url, token_url = json.loads(process.stdout.readline())
            with httpx.Client(base_url=base_url, timeout=60) as admin:
                yield process, admin, token_url
        finally:
            process.kill()


@attrs.frozen
class Script:
    """The faults of the rooms."""

    endpoints: dict[str, tuple[str, str]]
    """The endpoints of each room."""
    offline: set[str]
    """Endpoints that are offline."""
    doomed: dict[str, tuple[str, type[Exception]]]
    """Rooms whose fault does not pass, and their outcome: status and type of the error."""

    def named(self, room: str) -> set[str]:
        """Return the devices of a room that the report has to name."""
        return set() if room in self.doomed else self.offline.intersection(self.endpoints[room])


def script(admin: httpx.Client, world: dict[str, Any]) -> Script:
    def post(path: str, **values: Any) -> None:
        answer = admin.post(f"/_simulator{path}", json=values)
        assert answer.status_code == 200, answer.text

    rooms, devices = world["rooms"], world["endpoints"]
    endpoints = {room: (devices[2 * number], devices[2 * number + 1]) for number, room in enumerate(rooms)}
    post("/quota", operation="*", rate=1000, burst=20)
    # 2 % of the devices, and in some rooms both.
    offline = set(devices[::100]) | set(devices[1::100])
    post("/offline", ids=sorted(offline))
    # Faults in 0.5 % of the calls, of every kind in turn.
    for number in range(ROOMS // 200):
        post(
            "/faults",
            operation=DELETE,
            kind=KINDS[number % len(KINDS)],
            unit_id=rooms[200 * number + 2 * (number % 2)],
            delay=0.01,
        )
    # Even if the machine is too slow to reach the quota.
    for number in (1000, 5000):
        post("/faults", operation=DELETE, kind="status", status=429, unit_id=rooms[number + 3])
    # Faults of every attempt.
    never_passes: list[tuple[dict[str, Any], str, type[Exception]]] = [
        ({"kind": "drop_before"}, "unknown", errors.TransportError),
        ({"kind": "drop_after"}, "unknown", errors.TransportError),
        ({"kind": "cut_body"}, "unknown", errors.TransportError),
        ({"kind": "status", "status": 500}, "failed", errors.ServerError),
        ({"kind": "status", "status": 400}, "failed", errors.BadRequest),
        ({"kind": "html", "status": 502}, "failed", errors.ServerError),
    ]
    healthy = (rooms[number] for number in range(1, ROOMS, 50) if offline.isdisjoint(endpoints[rooms[number]]))
    doomed: dict[str, tuple[str, type[Exception]]] = {}
    for fault, status, kind in never_passes:
        for room in (next(healthy) for _ in range(EACH)):
            doomed[room] = status, kind
            post("/faults", operation=DELETE, unit_id=room, times=None, **fault)
    forbidden = [next(healthy) for _ in range(EACH)]
    doomed |= dict.fromkeys(forbidden, ("failed", errors.Forbidden))
    post("/forbidden", unit_ids=forbidden)
    return Script(endpoints, offline, doomed)


@pytest.mark.apart
async def test_ten_thousand_rooms() -> None:
    with served() as (process, admin, token_url):
        world = admin.get("/_simulator").json()
        this = script(admin, world)
        auth = LoginWithAmazon(
            client_id=world["client_id"],
            client_secret=world["client_secret"],
            refresh_token=world["refresh_token"],
            token_url=token_url,
        )
        pool = Pool()
        async with SmartProperties(auth=auth, base_url=str(admin.base_url), transport=pool) as asp:
            refused = 0

            def count(now: fleet.Progress) -> None:
                nonlocal refused
                refused = now.refused

            report = await fleet.collect(asp.alerts.delete_alarms, world["rooms"], progress=count)
            assert (asp.limits[DELETE].waiting, asp.limits[DELETE].in_flight) == (0, 0)
        calls = admin.get("/_simulator/calls", params={"operation": DELETE, "limit": 100_000}).json()["calls"]
        faults = admin.get("/_simulator/faults").json()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        left = set(json.loads(process.stdout.readline()))

    check_outcomes(report, this, world["rooms"])
    check_named_devices(report, this)
    check_log_of_the_service(report, calls, refused=refused, repeated=pool.repeated)
    check_remaining_alarms(report, this, calls, left)
    # There were faults of every kind.
    hits = Counter(fault["kind"] for fault in faults if fault["times"] == 1 and fault["hits"])
    assert set(hits) == set(KINDS)
    assert sum(hits.values()) == ROOMS // 200 + 2
    assert refused >= 2


def check_outcomes(report: FleetReport[Any, Any], this: Script, rooms: list[str]) -> None:
    assert Counter(outcome.key for outcome in report) == dict.fromkeys(rooms, 1)
    assert (report.stopped, report.skipped) == (None, 0)
    for outcome in report:
        if outcome.key in this.doomed:
            status, kind = this.doomed[outcome.key]
            assert (outcome.status, type(outcome.error)) == (status, kind), outcome
        elif this.named(outcome.key):
            assert (outcome.status, type(outcome.error)) == ("failed", errors.EndpointFailures), outcome
        else:
            assert (outcome.status, outcome.error) == ("done", None), outcome


def check_named_devices(report: FleetReport[Any, Any], this: Script) -> None:
    named = {(failure.key, failure.endpoint_id) for failure in report.failures if failure.endpoint_id}
    assert named == {(room, device) for room in this.endpoints for device in this.named(room)}
    assert len(named) > 0.019 * 2 * ROOMS
    assert len(report.failures_by_code["DEVICE_NOT_REACHABLE"]) == len(named)
    # Other failures name their room, once.
    others = [failure.key for failure in report.failures if failure.endpoint_id is None]
    assert sorted(others) == sorted(this.doomed)


def check_log_of_the_service(
    report: FleetReport[Any, Any], calls: list[dict[str, Any]], *, refused: int, repeated: int
) -> None:
    of_room: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in calls:
        of_room[call["unit_id"]].append(call)
    # Every request is an attempt of a room, except those that the connection pool repeats.
    assert len(calls) == sum(outcome.attempts for outcome in report) + repeated
    assert sum(call["status"] == 429 for call in calls) == refused
    for outcome in report:
        seen = of_room[outcome.key]
        dropped = sum(call["fault"] in CUT for call in seen)
        assert outcome.attempts <= len(seen) <= outcome.attempts + dropped
        if outcome.status == "unknown":
            assert seen[-1]["fault"] in CUT
        else:
            # The last response is the outcome.
            assert seen[-1]["status"] == (204 if outcome.error is None else getattr(outcome.error, "status", None))


def check_remaining_alarms(
    report: FleetReport[Any, Any], this: Script, calls: list[dict[str, Any]], left: set[str]
) -> None:
    handled = {call["unit_id"] for call in calls if call["fault"] in ("drop_after", "cut_body")}
    for outcome in report:
        alarms = left.intersection(this.endpoints[outcome.key])
        if outcome.status == "done":
            assert not alarms
        elif isinstance(outcome.error, errors.EndpointFailures):
            assert alarms == {failure.endpoint_id for failure in outcome.failures}
        elif outcome.status == "failed":
            # The service refused it, and did nothing.
            assert len(alarms) == 2
        else:
            # It may have been done, and in some rooms it was.
            assert len(alarms) == (0 if outcome.key in handled else 2)
