"""`alexa-props demo`: the main job, through the public API, on a simulator in a child process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import anyio
import attrs
from anyio.streams.text import TextReceiveStream
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Figures

from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties, Stations, fleet
from alexa_props.cli.streams import write, writing
from alexa_props.errors import ConfigurationError, TransportError
from alexa_props.hooks import CallEnded, Event
from alexa_props.tables import Column, Table, plain, to_text

__all__ = ["run_demo"]

_STATION: Final = "IHR_JAZZ"
_ENDPOINTS_PER_ROOM: Final = 2
_OFFLINE: Final = 9
_FAILING: Final = 3
_STARTUP: Final = 15.0
"""Seconds for the simulator's process to report its address."""


@attrs.frozen
class _Failure:
    """A device that failed, or a room if none is named."""

    room: str
    path: str
    device: str
    code: str
    id: str

    def __str__(self) -> str:
        return f"{', '.join(filter(None, (self.room, self.path, self.device)))}: {self.code}"


@attrs.define
class _Tally:
    """Calls and failures, counted from the library's events."""

    calls: int = 0
    refused: int = 0
    failures: list[_Failure] = attrs.field(factory=list)

    def hook(self, event: Event) -> None:
        if isinstance(event, CallEnded):
            self.calls += 1
            self.refused += event.refused


class _Console(Console):
    """A console that raises on a closed pipe, as the command expects: rich would end the process."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls this in its `except` block


class _Reporter:
    """Progress bars on a terminal, plain lines elsewhere, only the figures with `--json`."""

    def __init__(self, *, quiet: bool) -> None:
        self.console = _Console(quiet=quiet)
        self._progress: Progress | None = None
        if self.console.is_terminal and not quiet:
            self._progress = Progress(
                TextColumn("{task.description:<42}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self.console,
            )

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def say(self, text: str) -> None:
        # A log is not wrapped: one event, one line.
        self.print(text, highlight=False, markup=False, soft_wrap=self._progress is None)

    def failed(self, failures: Sequence[_Failure]) -> None:
        """Print a table of failures."""
        if failures:
            names = [name for name in attrs.fields_dict(_Failure) if name != "id"]
            columns = [Column(name, [getattr(each, name) for each in failures]) for name in names]
            columns.append(Column("id", [each.id for each in failures], is_id=True))
            for line in ("", *to_text(Table("Devices that failed", columns), self.console.width), ""):
                self.print(line, highlight=False, markup=False, soft_wrap=True)

    def print(self, what: object, **options: Any) -> None:
        with writing():
            self.console.print(what, **options)

    async def step(
        self,
        title: str,
        call: Callable[[fleet.Room], Awaitable[object]],
        items: Sequence[fleet.Room],
        names: Mapping[str, str],
        failures: list[_Failure],
    ) -> None:
        """Call a function for every room, show progress, and add failures. `names` are those of the devices."""
        started = time.monotonic()
        bar = None if self._progress is None else self._progress.add_task(title, total=len(items))
        async with fleet.run(call, items) as run:
            async for outcome in run:
                if self._progress is not None and bar is not None:
                    self._progress.advance(bar)
                if isinstance(outcome.error, TransportError):
                    # The simulator is gone: every further call would fail.
                    raise outcome.error
                for failure in outcome.failures:
                    found = _failure(outcome.item, failure, names)
                    failures.append(found)
                    self.say(f"  failed: {plain(str(found))}")
        if self._progress is None:
            self.say(f"{title}: {len(items)} in {time.monotonic() - started:.1f} s")


def _failure(room: fleet.Room, failure: fleet.Failure, names: Mapping[str, str]) -> _Failure:
    device = failure.endpoint_id
    path = " / ".join(room.path)
    return _Failure(room.name or "", path, names.get(device or "", ""), failure.code, device or str(room))


async def run_demo(*, rooms: int, quota: float, seed: int, as_json: bool) -> None:
    """Run the job and print its figures. The arguments are the options of the command."""
    with _Reporter(quiet=as_json) as report:
        report.say(
            f"A simulated property: {rooms} rooms with {_ENDPOINTS_PER_ROOM} devices each, some of them offline; "
            f"the quota is {quota:g} calls per second for each operation."
        )
        async with _simulator(rooms=rooms, quota=quota, seed=seed) as facts:
            tally = _Tally()
            started = time.monotonic()
            found = await _job(facts, tally, report)
            seconds = time.monotonic() - started
    figures = {
        "rooms": found["rooms"],
        "endpoints": found["endpoints"],
        "calls": tally.calls,
        "refused": tally.refused,
        "per_second": round(tally.calls / seconds, 1),
        "failures": len(tally.failures),
        "seconds": round(seconds, 2),
        "failures_by_code": dict(Counter(failure.code for failure in tally.failures)),
        "devices_offline": found["devices_offline"],
        "events": found["events"],
    }
    if as_json:
        write(json.dumps(figures) + "\n")
    else:
        report.failed(tally.failures)
        report.print(_table(figures))


async def _job(facts: dict[str, str], tally: _Tally, report: _Reporter) -> dict[str, int]:
    auth = LoginWithAmazon(
        client_id=facts["client_id"],
        client_secret=facts["client_secret"],
        refresh_token=facts["refresh_token"],
        token_url=facts["token_url"],
    )
    keys = SigV4(access_key=facts["aws_access_key_id"], secret_key=facts["aws_secret_access_key"])
    async with (
        SmartProperties(auth=auth, base_url=facts["base_url"], hooks=[tally.hook]) as asp,
        AlexaForBusiness(auth=keys, region=facts["aws_region"], base_url=facts["base_url"], hooks=[tally.hook]) as a4b,
    ):
        rooms = [room async for room in fleet.walk_rooms(asp, facts["organization_id"])]
        floors = {room.parent_id for room in rooms}
        report.say(f"Walked the tree: {len(rooms)} rooms on {len(floors)} floors.")

        endpoints: dict[str, str] = {}

        async def list_endpoints(room: str) -> None:
            async for endpoint in asp.endpoints.list(unit_id=room, expand="all"):
                endpoints[endpoint.id] = endpoint.friendly_name or ""

        station = Stations.find(_STATION)
        assert station is not None  # noqa: S101 - it is a row of the table

        async def set_station(room: str) -> None:
            await asp.unit_settings.set_default_music_station(room, station.setting)

        for title, call in (
            ("Listing the devices of every room", list_endpoints),
            (f"Setting every room's station to {_STATION}", set_station),
            ("Deleting every room's alarms", asp.alerts.delete_alarms),
        ):
            await report.step(title, call, rooms, endpoints, tally.failures)

        offline = [
            device.device_arn
            async for device in a4b.devices.search(filters={"ConnectionStatus": ["OFFLINE"]}, sort=["DeviceName"])
        ]
        first = offline[0] if offline else (await a4b.devices.search(page_size=1)).items[0].device_arn
        events = [event async for event in a4b.devices.events(first or "", event_type="CONNECTION_STATUS")]
        report.say(f"Alexa for Business, a separate fleet: {len(offline)} devices are OFFLINE.")
        if events:
            newest = events[0]
            report.say(
                f"{len(events)} connection events of one device; the newest: {newest.value} "
                f"at {newest.timestamp:%Y-%m-%d %H:%M} UTC."
            )
    return {
        "rooms": len(rooms),
        "endpoints": len(endpoints),
        "devices_offline": len(offline),
        "events": len(events),
    }


@asynccontextmanager
async def _simulator(*, rooms: int, quota: float, seed: int) -> AsyncIterator[dict[str, str]]:
    """Run the simulator in a child process until the block ends. Yields the object of its JSON line."""
    options = {
        "port": 0,
        "rooms": rooms,
        "endpoints-per-room": _ENDPOINTS_PER_ROOM,
        "seed": seed,
        "quota": quota,
        # An eighth of a second's worth: a larger burst would hide the quota for a while.
        "burst": max(1, quota // 8),
        "latency": 0.01,
        "offline": _OFFLINE,
        "failing": _FAILING,
    }
    command = [sys.executable, "-m", "alexa_props.cli", "simulate", "--json", "--until-eof"]
    command += [f"--{name}={value}" for name, value in options.items()]
    # In a new session Ctrl-C reaches only this process, which then ends the child. Should this process be killed, its
    # end of the pipe closes, and the child exits at the end of its standard input.
    async with await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None, start_new_session=True) as process:
        try:
            yield await _first_line(process)
        finally:
            if process.returncode is None:
                process.terminate()
            with anyio.CancelScope(shield=True):
                await process.wait()


async def _first_line(process: Any) -> dict[str, str]:
    text = ""
    with anyio.move_on_after(_STARTUP):
        async for chunk in TextReceiveStream(process.stdout):
            text += chunk
            if "\n" in text:
                found: dict[str, str] = json.loads(text.partition("\n")[0])
                return found
    raise ConfigurationError(f"the simulator did not report its address within {_STARTUP:g} s: run it again")


def _table(figures: dict[str, Any]) -> Figures:
    table = Figures(title="Results", show_header=False)
    table.add_column("name")
    table.add_column("figure", justify="right")
    for name, label in (
        ("rooms", "rooms"),
        ("endpoints", "endpoints"),
        ("calls", "calls"),
        ("refused", "refused by the quota"),
        ("per_second", "calls per second, all operations"),
        ("failures", "devices that failed"),
    ):
        table.add_row(label, str(figures[name]))
    for code, count in sorted(figures["failures_by_code"].items()):
        table.add_row(f"  {code}", str(count))
    table.add_row("seconds", str(figures["seconds"]))
    return table
