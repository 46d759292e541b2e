"""How fast does an inventory load at a quota, how much memory does it take, and how long does it take to find a name?

The simulator is a process of its own, with a quota of 100 requests a second and a burst of 10 for each operation. The
client is told the quota, or has to find it. `load` is the seconds that `Inventory.load` takes, by those that its calls
take at the quota: the calls of the operation with the most of them, by 100. Calls should be one per 50 units and one
per 10 devices; two more rows have a latency of 300 ms, and all rooms in one property. MiB is the growth of resident
memory from before the load to after it, with everything that names are found by. The times of `find` are medians: a
path, a room number below a property, and a misspelled path, which is answered with suggestions.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import ROOT, Bench, Table, ask, in_turn, samples

RATE: Final = 100
_BURST: Final = 10
_LATENCY: Final = 0.3
_ROUNDS: Final = 3
_SUBJECTS: Final[dict[str, dict[str, Any]]] = {
    "quota known": {"per_second": RATE},
    "quota unknown": {"per_second": None},
    "quota known, 300 ms": {"per_second": RATE, "latency": _LATENCY},
    "quota unknown, 300 ms, one property": {"per_second": None, "latency": _LATENCY, "properties": 1},
}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    rooms = 500 if bench.quick else 10_000
    subjects = {
        name: partial(_subject, bench, rooms, **options)
        for name, options in list(_SUBJECTS.items())[: 2 if bench.quick else None]
    }
    found = in_turn(bench, subjects, min(bench.rounds, _ROUNDS))
    keys = ("load", "units.list", "endpoints.query", "refused", "MiB", "path", "number", "misspelled")
    rows = {name: tuple(samples(rounds, key) for key in keys) for name, rounds in found.items()}
    columns = ("load / quota", *keys[1:5], "find a path, ms", "a number, ms", "a misspelled path, ms")
    title = f"{rooms:,} rooms with two devices each at a quota of {RATE} a second"
    return [Table(title, columns, rows, extra=found)]


def _subject(
    bench: Bench, rooms: int, *, per_second: int | None, latency: float = 0.0, properties: int = 10
) -> dict[str, Any] | None:
    with _server(bench, rooms=rooms, latency=latency, properties=properties) as where:
        return where if "missing" in where else ask(bench, "inventory", "load", where=where, per_second=per_second)


@contextmanager
def _server(bench: Bench, **shape: Any) -> Iterator[dict[str, Any]]:
    command = [bench.python, "-m", "benchmarks.subject", "inventory", "serve", json.dumps(shape)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            where: dict[str, Any] = json.loads((process.stdout and process.stdout.readline()) or "{}")
            if "base_url" not in where:
                raise RuntimeError(f"the simulator did not start: {where}")
            yield where
        finally:
            # It ends with its standard input, which this closes.
            process.communicate()


async def serve(rooms: int, latency: float, properties: int) -> None:
    """The simulator, until standard input ends; prints where it is as one line of JSON."""
    import anyio

    from alexa_props.simulator import Simulator

    sim = Simulator(rooms=rooms, endpoints_per_room=2, properties=properties, kept_calls=0)
    sim.quota("*", RATE, _BURST)
    sim.latency(latency)
    async with sim.serve() as base_url:
        names = ("token_url", "client_id", "client_secret", "refresh_token", "organization_id")
        where = {"base_url": base_url, **{name: getattr(sim, name) for name in names}}
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        await anyio.wait_readable(sys.stdin.fileno())


async def load(where: dict[str, Any], per_second: int | None) -> dict[str, Any]:
    """Load an inventory, and measure."""
    from alexa_props import Inventory, LoginWithAmazon, RateLimit, SmartProperties
    from alexa_props.hooks import AttemptThrottled, CallEnded

    calls: Counter[str] = Counter()
    refused: Counter[str] = Counter()

    def count(event: object) -> None:
        if isinstance(event, CallEnded):
            calls[event.operation] += 1
        elif isinstance(event, AttemptThrottled):
            refused[event.operation] += 1

    names = ("client_id", "client_secret", "refresh_token", "token_url")
    auth = LoginWithAmazon(**{name: where[name] for name in names})
    limit = RateLimit(per_second=per_second)
    async with SmartProperties(auth=auth, base_url=where["base_url"], rate_limit=limit, hooks=[count]) as asp:
        # The token, the connection and the imports are not the inventory's.
        await asp.units.get(where["organization_id"])
        await anext(aiter(asp.endpoints.query(unit_ids=[where["organization_id"]])), None)
        calls.clear()
        gc.collect()
        before, began = _memory(), time.monotonic()
        inventory = await Inventory.load(asp, where["organization_id"])
        seconds = time.monotonic() - began
    room = inventory.rooms()[-1]
    path, number = inventory.path_of(room), f"{room.property_name}/{(room.name or '').split()[-1]}"
    found = {
        "path": _milliseconds(partial(inventory.find, path)),
        "number": _milliseconds(partial(inventory.find, number)),
        "misspelled": _milliseconds(partial(inventory.find, path.replace("o", "u", 1)), 5),
    }
    gc.collect()
    return {
        "load": seconds / (max(calls.values()) / RATE),
        "seconds": seconds,
        "rooms": len(inventory),
        "devices": len(inventory.devices),
        "units.list": calls["units.list"],
        "endpoints.query": calls["endpoints.query"],
        "refused": sum(refused.values()),
        "MiB": _memory() - before,
        **found,
    }


def _milliseconds(find: Callable[[], object], times: int = 101) -> float:
    from alexa_props.errors import NameNotFound

    taken = []
    for _ in range(times):
        began = time.perf_counter()
        try:
            find()
        except NameNotFound as error:
            if not error.suggestions:
                raise
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)


def _memory() -> float:
    """The resident memory of this process, in MiB; Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
