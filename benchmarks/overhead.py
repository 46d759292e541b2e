"""How much CPU does one call take, from the method to the model, and does that grow with concurrency?

The server answers at once and has no quota; our limiter is told that the quota is a million a second, so it does its
work but holds nothing back. Each subject runs in a process of its own, rounds in turn (A B C A B C); every client may
have 100 connections, and is warmed up first. The figure is the CPU time of the client's process for a call
(`time.process_time`), with 1, 16, 64 and 300 workers that call one after the other.

Two operations: GetDevice of Alexa for Business (a POST: signed and decoded by us and by aiobotocore; bare aiohttp sends
it unsigned and does `json.loads`), and reading a room's music station (a GET with a token; bare aiohttp and
`httpx.AsyncClient` send a constant one). A ratio says how many times the peer's CPU ours takes: 2 against bare aiohttp
means that everything the library does costs as much again as the bare request.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

from benchmarks.bench import Bench, Samples, Table, ask, in_turn, ratios, samples
from benchmarks.clients import CLIENTS, SIDE_BY_SIDE, drive
from benchmarks.server import serve

_RATIOS: Final = (
    ("ours, Alexa for Business", "aiobotocore"),
    ("ours, Alexa for Business", "bare aiohttp, POST"),
    ("ours, Smart Properties", "bare aiohttp, GET"),
    ("ours, Smart Properties", "httpx.AsyncClient"),
)
_WORKERS: Final = (1, 16, 64, 300)
_WARM_UP: Final = 300


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    # At least three for each worker: a ramp up and down is not what is asked for.
    calls = 300 if bench.quick else 900
    with serve(bench.server, bench.python) as server:
        subjects = {
            name: partial(ask, bench, "overhead", "cpu", client=client, url=server.url, calls=calls)
            for name, client in SIDE_BY_SIDE.items()
        }
        found = in_turn(bench, subjects, bench.cpu_rounds)
    times = {name: [samples(rounds, str(workers)) for workers in _WORKERS] for name, rounds in found.items()}
    columns = (*(f"{workers} workers" for workers in _WORKERS), "300 / 1")
    table = Table("CPU per call, µs", columns, {name: _row(cells) for name, cells in times.items()})
    compared = {
        f"{ours} / {peer}": tuple(map(ratios, times[ours], times[peer]))
        for ours, peer in _RATIOS
        if ours in times and peer in times
    }
    return [Table("CPU per call, ratios", columns[:-1], compared), table]


def _row(cells: list[Samples | None]) -> tuple[Samples | None, ...]:
    return (*cells, ratios(cells[-1], cells[0]))


async def cpu(client: str, url: str, calls: int) -> dict[str, Any]:
    """Microseconds of CPU for a call, by number of workers."""
    found: dict[str, Any] = {}
    async with CLIENTS[client](url) as call:
        await call()  # one that fails is an error here, not a fast subject
        await drive(call, _WARM_UP, max(_WORKERS))
        for workers in _WORKERS:
            await drive(call, workers, workers)
            began = time.process_time()
            lost = await drive(call, calls, workers)
            found[str(workers)] = (time.process_time() - began) / calls * 1e6
            if lost:
                raise RuntimeError(f"{client} lost {lost} calls")
    return found
