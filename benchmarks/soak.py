"""Does a client grow while it works for minutes against a service that fails?

Not part of a run of everything: `python -m benchmarks soak --minutes 10`. The simulator is a process of its own: a
quota for each operation that goes up and down, seven kinds of faults at random, endpoints that go offline, access
tokens that live for three seconds or are withdrawn before, and refresh tokens that are good once. In one client process
24 workers share a client of each service: reads, writes, deletions awaited and iterated, searches read to the end and
left early, runs of a fleet with a journal that are cut off and go on, and clients that live for one call. A third of
all that is cancelled or runs out of time at a random moment, and so is everything at the end of each minute. Then, with
no call under way and after a garbage collection, the process is counted. *before* is before the first call, *start* the
end of the first minute, *closed* after the clients were closed.

It ends with status 1 if a task or a descriptor is left (at rest there may be a kept-alive connection for each place of
the pools, after closing none), if the memory grew by more than 16 MiB from the first minute to the last, or if a
refresh token was lost. Linux only: what is counted is in `/proc`.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.bench import ROOT, Bench, Samples, Table, ask, say

if TYPE_CHECKING:
    from alexa_props import AlexaForBusiness, SmartProperties
    from alexa_props.simulator import Simulator

MAY_GROW: Final = 16.0
"""MiB from the first minute to the last: what the allocator may keep, and far less than a leak of minutes."""
_CONNECTIONS: Final = 16
_WORKERS: Final = 24
_ROOMS: Final = 60
_TOKEN_LIFETIME: Final = 3
_COUNTED: Final = ("RSS, MiB", "descriptors", "tasks", "threads", "live objects", "calls")

Sample = dict[str, Any]


def run(bench: Bench, minutes: float = 10.0) -> list[Table]:
    """Ask the question. The extra of the first table has the samples, and under "grown" what grew."""
    with _server(bench) as where:
        found = ask(bench, "soak", "work", where=where, seconds=minutes * 60) or {}
    samples, ends = found["samples"], found["ends"]
    wrong = grown(samples, ends)
    rows: dict[str, tuple[Samples | None, ...]] = {
        sample["when"]: tuple([float(sample[name])] for name in _COUNTED) for sample in samples
    }
    note = f"Grew: {'; '.join(wrong)}." if wrong else "Nothing grew."
    counts: dict[str, tuple[Samples | None, ...]] = {
        name: ([float(count)],) for name, count in sorted(ends.items(), key=lambda item: -item[1])
    }
    return [
        Table(f"A client process, {minutes:g} minutes", _COUNTED, rows, note, extra=found | {"grown": wrong}),
        Table("How it ended", ("times",), counts, "Each is a call, a search, or a run of several rooms."),
    ]


def grown(samples: Sequence[Sample], ends: dict[str, int]) -> list[str]:
    """What grew, or was lost, that must not: nothing if all is well."""
    before, start, *_, last, closed = samples
    found = []
    for sample in samples[1:]:
        if sample["tasks"] > before["tasks"]:
            found.append(f"{sample['when']}: {sample['tasks']} tasks, {before['tasks']} before")
        kept = 0 if sample is closed else 2 * _CONNECTIONS
        if sample["descriptors"] > before["descriptors"] + kept:
            found.append(f"{sample['when']}: {sample['descriptors']} descriptors, {before['descriptors']} before")
    more = last["RSS, MiB"] - start["RSS, MiB"]
    if more > MAY_GROW:
        found.append(f"{more:.1f} MiB more from {start['when']} to {last['when']}")
    if ends.get("AuthenticationError"):
        found.append("a refresh token was lost")
    if not ends.get("done"):
        found.append("no call succeeded")
    return found


@contextmanager
def _server(bench: Bench) -> Iterator[dict[str, Any]]:
    command = [bench.python, "-m", "benchmarks.subject", "soak", "serve", "{}"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            where = json.loads((process.stdout and process.stdout.readline()) or "{}")
            if "missing" in where:
                raise RuntimeError(f'the soak needs {where["missing"]}: pip install -e ".[simulator]"')
            if "base_url" not in where:
                raise RuntimeError("the simulator did not start")
            yield where
        finally:
            # It ends with its standard input, which this closes.
            process.communicate()


async def serve() -> None:
    """The simulator in its moods, until standard input ends; prints where it is as one line of JSON."""
    import anyio

    from alexa_props.simulator import Simulator

    sim = Simulator(rooms=_ROOMS, token_lifetime=_TOKEN_LIFETIME, rotate_refresh_tokens=True, kept_calls=1000)
    async with sim.serve() as base_url, anyio.create_task_group() as tasks:
        where = {
            "base_url": base_url,
            "token_url": sim.token_url,
            "client_id": sim.client_id,
            "client_secret": sim.client_secret,
            "refresh_token": sim.refresh_token,
            "access_key": sim.aws_access_key_id,
            "secret_key": sim.aws_secret_access_key,
            "organization_id": sim.organization_id,
            "rooms": sim.rooms,
            "devices": sim.devices,
        }
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        tasks.start_soon(_spoil, sim, random.Random(1))  # noqa: S311 - the same faults in every run
        await anyio.wait_readable(sys.stdin.fileno())
        tasks.cancel_scope.cancel()


async def _spoil(sim: Simulator, dice: random.Random) -> None:
    import anyio

    from alexa_props.simulator import KINDS

    for turn in range(sys.maxsize):
        sim.clear_faults()
        sim.fail("*", dice.choice(KINDS), times=2, after=dice.randrange(10))
        # Not `drop_after`: a refresh token that was replaced by an answer that got lost cannot be had again.
        sim.fail("token", dice.choice(("drop_before", "status", "slow")), times=1, after=1)
        if turn % 10 == 0:
            sim.quota("*", dice.choice((100, 200, 400)), 10, retry_after=dice.choice((None, 1)))
            ill = dice.sample(sim.endpoints, 5)
            sim.set_offline(*sim.endpoints, offline=False)
            sim.set_offline(*ill)
        if turn % 7 == 0:
            sim.expire_tokens()
        await anyio.sleep(0.2)


async def work(where: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The client process: samples at rest, and how often calls ended in which way."""
    from alexa_props import AlexaForBusiness, LoginWithAmazon, SigV4, SmartProperties

    rounds = max(3, round(seconds / 60))
    calls: Counter[str] = Counter()
    samples = [_sample("before", calls)]
    auth = LoginWithAmazon(
        client_id=where["client_id"],
        client_secret=where["client_secret"],
        refresh_token=where["refresh_token"],
        token_url=where["token_url"],
        token_store=_Memory(),
    )
    options: dict[str, Any] = {"base_url": where["base_url"], "max_connections": _CONNECTIONS}
    options["hooks"] = [lambda event: calls.update((type(event).__name__,))]
    keys = SigV4(access_key=where["access_key"], secret_key=where["secret_key"])
    another = functools.partial(SmartProperties, auth=auth, **options)
    with tempfile.TemporaryDirectory(prefix="alexa-props-soak-") as folder:
        async with another() as asp, AlexaForBusiness(auth=keys, **options) as a4b:
            load = _Load(asp, a4b, another, where, Path(folder))
            for number in range(1, rounds + 1):
                await load.round(seconds / rounds)
                name = {1: "start", rounds: "end"}.get(number, f"{number}/{rounds}")
                samples.append(_sample(name, calls))
    samples.append(_sample("closed", calls))
    return {"samples": samples, "ends": dict(load.ends), "events": dict(calls)}


def _sample(when: str, calls: Counter[str]) -> Sample:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    counted: Sample = {
        "when": when,
        "RSS, MiB": round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "live objects": len(gc.get_objects()),
        "calls": calls["CallEnded"],
    }
    say("  " + ", ".join(f"{name} {value}" for name, value in counted.items()))
    return counted


class _Memory:
    """A token store that keeps what it is given, after a while."""

    def __init__(self) -> None:
        self._kept: str | None = None

    async def load(self) -> str | None:
        return self._kept

    async def save(self, refresh_token: str) -> None:
        await asyncio.sleep(0.005)
        self._kept = refresh_token


class _Load:
    """Workers that make one call after another, and their outcomes."""

    def __init__(
        self,
        asp: SmartProperties,
        a4b: AlexaForBusiness,
        another: Callable[[], SmartProperties],
        where: dict[str, Any],
        folder: Path,
    ) -> None:
        self._asp, self._a4b, self._another = asp, a4b, another
        self._rooms, self._devices, self._top = where["rooms"], where["devices"], where["organization_id"]
        self._folder = folder
        self._dice = random.Random(2)  # noqa: S311 - no secret
        self.ends: Counter[str] = Counter()

    async def round(self, seconds: float) -> None:
        """Work for so long, then cancel all that is under way."""
        import anyio

        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as tasks:
                for number in range(_WORKERS):
                    tasks.start_soon(self._worker, number)

    async def _worker(self, number: int) -> None:
        import anyio

        from alexa_props import errors

        journal = self._folder / f"{number}.journal"
        usual = [self._read, self._write, self._delete, self._search, self._one_call] * 4
        actions: list[Callable[[], Coroutine[Any, Any, None]]] = [
            *usual,
            self._stream,
            functools.partial(self._fleet, journal),
        ]
        while True:
            action = self._dice.choice(actions)
            limit = self._dice.uniform(0, 0.2) if self._dice.random() < 0.2 else None  # noqa: PLR2004 - a fifth
            with anyio.move_on_after(limit) as scope:
                try:
                    await action()
                    self.ends["done"] += 1
                except errors.AlexaError as error:
                    self.ends[type(error).__name__] += 1
            self.ends["cancelled"] += scope.cancelled_caught

    def _room(self) -> str:
        return str(self._dice.choice(self._rooms))

    def _client(self) -> SmartProperties:
        """The client, or a view of it that is in a hurry."""
        if self._dice.random() < 0.15:  # noqa: PLR2004 - a share
            return self._asp.with_options(deadline=self._dice.uniform(0.001, 0.3), max_wait=0.2, priority="interactive")
        return self._asp

    async def _read(self) -> None:
        await self._client().unit_settings.get_default_music_station(self._room())
        await self._a4b.devices.get(self._dice.choice(self._devices))

    async def _write(self) -> None:
        from alexa_props import DefaultStation

        station = DefaultStation(provider_id="I_HEART_RADIO", station_id="4802")
        await self._client().unit_settings.set_default_music_station(self._room(), station)

    async def _delete(self) -> None:
        await self._client().alerts.delete_alarms(self._room())

    async def _stream(self) -> None:
        async for _ in self._client().alerts.delete_timers(self._room()):
            break

    async def _search(self) -> None:
        async with self._a4b.devices.search(page_size=10).prefetch() as devices:
            async for _ in devices:
                if self._dice.random() < 0.01:  # noqa: PLR2004 - left early, as a rule on some later page
                    break
        async for _ in self._client().units.list(self._top, depth="all"):
            pass

    async def _one_call(self) -> None:
        async with self._another() as asp:
            await asp.request("GET", f"/v2/units/{self._room()}")

    async def _fleet(self, journal: Path) -> None:
        """A run over some rooms; the next one goes on where this one was cut off."""
        import anyio

        from alexa_props import fleet

        reset = functools.partial(fleet.reset_room, self._asp, defaults=fleet.RoomDefaults(volume=30))
        async with fleet.run(reset, self._rooms[:8], concurrency=4, journal=journal, retry_failed=True) as run:
            async for _ in run:
                if self._dice.random() < 0.05:  # noqa: PLR2004 - left early
                    return
        await anyio.Path(journal).unlink()
