"""How many items a second go through a run, and does its memory grow with their number?

A call that does nothing, for items from a generator, their outcomes taken as they come: what is left is the runner's
own work. Each figure is of a fresh process. MiB: its peak of resident memory, interpreter and imports included, with
the few items and with the many; what one more item takes is their difference by the difference in items. The journal is
a file in the temporary folder; every item is written twice, and on the disk before it goes on. Peers have 100 items at
once, and fewer in all where they would fill the memory: a task for each item behind a semaphore, as it is often written
by hand, with outcomes over a stream; aiometer's `amap`, which wants a list; aiostream's `map`, whose tasks are bounded.
They end with the first exception, and remember nothing.
"""

from __future__ import annotations

import resource
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import Bench, Samples, Table, ask, in_turn, samples

AT_ONCE: Final = 100
FEW: Final = 10_000
_MANY: Final = 1_000_000
_ROUNDS: Final = 3
_SUBJECTS: Final[dict[str, tuple[str, bool, int]]] = {
    "ours": ("ours", False, _MANY),
    "ours, in order": ("ours_in_order", False, _MANY),
    "ours, with a journal": ("ours", True, _MANY),
    "anyio, a task for each item": ("tasks", False, _MANY // 10),
    "aiometer.amap": ("aiometer", False, _MANY // 10),
    "aiostream's map": ("aiostream", False, _MANY // 10),
}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    share = 50 if bench.quick else 1
    subjects = {
        name: partial(_subject, bench, which, FEW // share, many // share, journal)
        for name, (which, journal, many) in _SUBJECTS.items()
    }
    found = in_turn(bench, subjects, min(bench.rounds, _ROUNDS))
    keys = ("items", "per second", "few MiB", "many MiB", "bytes")
    rows: dict[str, tuple[Samples | None, ...]] = {
        name: tuple(samples(rounds, key) for key in keys) for name, rounds in found.items()
    }
    columns = ("many items", "items a second", "MiB, few", "MiB, many", "bytes an item more")
    few = next(iter(found.values()))[0]["few"]
    return [Table("A call that does nothing", columns, rows, f"Few items are {few:,}.", extra=found)]


def _subject(bench: Bench, which: str, few: int, many: int, journal: bool) -> dict[str, Any] | None:  # noqa: FBT001 - data
    small, large = (ask(bench, "fleet", "take", which=which, items=count, journal=journal) for count in (few, many))
    if small is None or large is None:
        return None
    more = large["peak"] - small["peak"]
    return {
        "few": few,
        "many": many,
        "items": large["items"],
        "recorded": large["recorded"],
        "per second": large["items"] / large["seconds"],
        "few MiB": small["peak"],
        "many MiB": large["peak"],
        "bytes": more * 2**20 / (many - few),
    }


async def take(which: str, items: int, *, journal: bool) -> dict[str, Any]:
    """How many outcomes came, the seconds that took, and the peak of memory in MiB."""
    subject: Callable[..., Any] = globals()[which]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db" if journal else None
        began, count = time.monotonic(), 0
        async with subject(map(str, range(items)), path) as outcomes:
            async for _ in outcomes:
                count += 1
        seconds = time.monotonic() - began
        # Before anything else is done: what is counted below is no part of it.
        return {"items": count, "seconds": seconds, "peak": _peak(), "recorded": _recorded(path)}


def _peak() -> float:
    """The peak of resident memory of this process, in MiB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # On Linux the other figure is at least what the parent had when it began this process.
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def _recorded(path: Path | None) -> int:
    if path is None:
        return 0
    db = sqlite3.connect(path)
    try:
        return int(db.execute("SELECT count(*) FROM items WHERE status = 'done'").fetchone()[0])
    finally:
        db.close()


async def nothing(item: str) -> bool:
    """The call."""
    return bool(item)


@asynccontextmanager
async def ours(items: Iterator[str], journal: Path | None, *, ordered: bool = False) -> AsyncIterator[Any]:
    """Ours, as it comes."""
    from alexa_props import fleet

    async with fleet.run(nothing, items, journal=journal, ordered=ordered) as run:
        yield run


def ours_in_order(items: Iterator[str], journal: Path | None) -> Any:
    """Ours, outcomes in the order of the items."""
    return ours(items, journal, ordered=True)


@asynccontextmanager
async def tasks(items: Iterator[str], _: Path | None) -> AsyncIterator[Any]:
    """A task for each item, so many of them at once."""
    import anyio

    limit = anyio.Semaphore(AT_ONCE)
    send, receive = anyio.create_memory_object_stream[Any](AT_ONCE)

    async def one(item: str) -> None:
        async with limit:
            await send.send((item, await nothing(item)))

    async def all_of_them() -> None:
        async with send, anyio.create_task_group() as group:
            for item in items:
                group.start_soon(one, item)

    async with anyio.create_task_group() as group, receive:
        group.start_soon(all_of_them)
        yield receive


@asynccontextmanager
async def aiometer(items: Iterator[str], _: Path | None) -> AsyncIterator[Any]:
    """The streaming form of aiometer."""
    import aiometer

    async with aiometer.amap(nothing, list(items), max_at_once=AT_ONCE) as results:
        yield results


@asynccontextmanager
async def aiostream(items: Iterator[str], _: Path | None) -> AsyncIterator[Any]:
    """The concurrent map of aiostream, results as they come."""
    from aiostream import stream

    mapped = stream.map(stream.iterate(items), nothing, ordered=False, task_limit=AT_ONCE)
    async with mapped.stream() as results:
        yield results
