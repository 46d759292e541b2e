"""How close does a client come to the best fixed pacing, for quotas of every shape, rate and latency?

The client does not know the quota and has a backlog: workers call GetDevice in the bulk lane with the default
`RetryPolicy`, for 60 s (20 s from 50 requests per second). The whole client runs in virtual time, on trio's clock that
jumps, with `transport=` in place of a service. A request takes half of the latency there and half of it back, each
half log-normal with sigma 0.25. Refusals are 429 without `Retry-After`.

Used: accepted requests, as a share of what the quota could have accepted. Best fixed pacing: what a sender would use
that paces requests evenly at the rate that is best for this quota and latency and of which at most 3 % are refused,
found by simulation; means of three seeds. Without a burst allowance, jitter makes some refusals unavoidable, so the
best is often less than 100 %. A cell is *within* if used is at least the best less 5 points, refusals are at most 3 %
of the requests plus 15, and no call is lost.
"""

from __future__ import annotations

import collections
import itertools
import json
import math
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple

from benchmarks.answers import ARN
from benchmarks.bench import Bench, Samples, Table, ask, say

RATES: Final = (0.5, 2.0, 10.0, 50.0, 200.0)
LATENCIES: Final = (0.02, 0.15, 0.5)
NEAR: Final = 5.0
"""Points below the best fixed pacing that are near enough."""
MOST_REFUSED: Final = 0.03
REFUSED_AT_START: Final = 15
_SIGMA: Final = 0.25
_SHORT: Final = (50.0, 20.0)
"""From this rate on, runs last so many seconds."""
_LONG: Final = 60.0
_SEEDS: Final = (1, 2, 3)
_PACINGS: Final = tuple(0.2 * 1.02**step for step in range(120))
"""Rates of fixed pacing that are tried, as shares of the quota."""
_PHASE: Final = 0.37
"""Share of a window of the service's clock that is over at the start."""
_HOSTS: Final = 4
_NAMED: Final = 20
"""Cells that are named at most because they are not within."""
_ROUNDING: Final = 1e-9
_KEYS: Final = ("used", "best", "difference", "refused", "refused_requests", "beyond", "lost")

Accepts = Callable[[float], bool]
"""Whether a request that arrives at a time is accepted. Times do not go back."""


class Quota(NamedTuple):
    """What decides on requests, and how many it accepts at most within the seconds of a run."""

    accepts: Accepts
    available: float


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    # The long runs first, so that processes end together.
    groups = [(shape, rate) for rate in (2.0, 10.0) if bench.quick for shape in SHAPES]
    groups = groups or [(shape, rate) for rate in reversed(RATES) for shape in SHAPES]
    latencies = LATENCIES[1:2] if bench.quick else LATENCIES
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = list(threads.map(lambda group: _group(bench, group[0], group[1], latencies), groups))
    order = {shape: number for number, shape in enumerate(SHAPES)}
    cells = sorted(itertools.chain(*found), key=lambda cell: (order[cell["shape"]], cell["rate"], cell["latency"]))
    rows: dict[str, tuple[Samples | None, ...]] = {
        _name(cell): tuple([round(float(cell[key]), 2)] for key in _KEYS) for cell in cells
    }
    columns = ("used %", "best fixed %", "difference", "refused %", "refused", "refused beyond", "lost calls")
    beyond = sorted((cell for cell in cells if not _is_within(cell)), key=lambda cell: cell["difference"])
    note = (
        f"Within: {len(cells) - len(beyond)} of {len(cells)} cells. "
        f"Worst difference: {min(cell['difference'] for cell in cells):.3g} points. "
        f"Lost calls: {sum(cell['lost'] for cell in cells)}."
    )
    if beyond:
        note += f" Not within, worst first: {'; '.join(map(_name, beyond[:_NAMED]))}."
    title = "Unknown quotas by shape, rate and latency, and the best fixed pacing"
    return [Table(title, columns, rows, note, extra={"ours": [{"cells": cells}]})]


def _name(cell: dict[str, Any]) -> str:
    return f"{cell['shape']}, {cell['rate']:g}/s, {1000 * cell['latency']:g} ms"


def _is_within(cell: dict[str, Any]) -> bool:
    return cell["difference"] >= -NEAR and cell["beyond"] <= 0 and not cell["lost"]


def _group(bench: Bench, shape: str, rate: float, latencies: tuple[float, ...]) -> list[dict[str, Any]]:
    found = ask(bench, "quota_shapes", "cells", shape=shape, rate=rate, latencies=latencies) or {"cells": []}
    for cell in found["cells"]:
        say(f"  {_name(cell)}: {json.dumps({key: round(cell[key], 2) for key in _KEYS})}")
    cells: list[dict[str, Any]] = found["cells"]
    return cells


def cells(shape: str, rate: float, latencies: list[float]) -> dict[str, Any]:
    """Run the client, and find the best fixed pacing, for each latency."""
    return {"cells": [_cell(shape, rate, latency) for latency in latencies]}


def _cell(shape: str, rate: float, latency: float) -> dict[str, Any]:
    seconds = duration(rate)
    accepted, refused, lost = client(shape, rate, latency, seconds)
    available = _available(shape, rate, seconds)
    best, pacing = best_fixed(shape, rate, latency)
    used = 100 * accepted / available
    requests = max(accepted + refused, 1)
    return {
        "shape": shape,
        "rate": rate,
        "latency": latency,
        "used": used,
        "best": 100 * best,
        "pacing": pacing,
        "difference": used - 100 * best,
        "refused": 100 * refused / requests,
        "refused_requests": refused,
        "beyond": max(refused - MOST_REFUSED * requests - REFUSED_AT_START, 0.0),
        "lost": lost,
    }


def duration(rate: float) -> float:
    """Return the seconds of a run."""
    return _SHORT[1] if rate >= _SHORT[0] else _LONG


def client(shape: str, rate: float, latency: float, seconds: float) -> tuple[int, int, int]:
    """Run the client in virtual time: accepted and refused requests, and calls that were lost."""
    import anyio
    import httpx
    import trio
    import trio.testing

    from alexa_props import AlexaForBusiness, SigV4, errors

    chance = seeded(7)
    # Waits before retries are random, too.
    random.seed(7)
    quota = SHAPES[shape](rate, seconds, chance)
    counted = collections.Counter[str]()
    begin = 0.0

    async def serve(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(half(latency, chance))
        accepted = quota.accepts(trio.current_time() - begin)
        counted["accepted" if accepted else "refused"] += 1
        await anyio.sleep(half(latency, chance))
        if accepted:
            return httpx.Response(200, json={"Device": {"DeviceArn": ARN}})
        return httpx.Response(429, json={"__type": "ThrottlingException"})

    async def work(a4b: AlexaForBusiness) -> None:
        while True:
            try:
                await a4b.devices.get(ARN)
            except errors.AlexaError:
                counted["lost"] += 1

    async def main() -> None:
        nonlocal begin
        auth = SigV4(access_key="AKIDEXAMPLE", secret_key="made-up")  # noqa: S106 - it is made up
        async with AlexaForBusiness(auth=auth, transport=httpx.MockTransport(serve)) as a4b:
            bulk = a4b.with_options(priority="bulk")
            begin = trio.current_time()
            with anyio.move_on_after(seconds):
                async with anyio.create_task_group() as tasks:
                    for _ in range(16 + math.ceil(4 * rate * max(latency, 0.1))):
                        tasks.start_soon(work, bulk)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return counted["accepted"], counted["refused"], counted["lost"]


def best_fixed(shape: str, rate: float, latency: float) -> tuple[float, float]:
    """Return the most of a quota that a fixed pacing uses if it is seldom refused, and its rate as a share of it."""
    seconds = duration(rate)
    found = [(0.0, 0.0)]
    for pacing in _PACINGS:
        runs = [_paced(shape, rate, latency, pacing, seeded(seed)) for seed in _SEEDS]
        used, refused = (sum(each) / len(_SEEDS) for each in zip(*runs, strict=True))
        if refused <= MOST_REFUSED:
            found.append((used, pacing))
        elif refused > 2 * MOST_REFUSED and pacing * rate * seconds > _available(shape, rate, seconds):
            break
    return max(found)


def _available(shape: str, rate: float, seconds: float) -> float:
    return SHAPES[shape](rate, seconds, seeded(0)).available


def _paced(shape: str, rate: float, latency: float, pacing: float, chance: random.Random) -> tuple[float, float]:
    """Return used and refused shares of a sender that paces evenly."""
    seconds = duration(rate)
    quota = SHAPES[shape](rate, seconds, chance)
    step = 1 / (pacing * rate)
    arrivals = sorted(number * step + half(latency, chance) for number in range(int(seconds / step) + 1))
    arrivals = [at for at in arrivals if at < seconds]
    accepted = sum(map(quota.accepts, arrivals))
    return accepted / quota.available, 1 - accepted / max(len(arrivals), 1)


def seeded(seed: int) -> random.Random:
    """Return a source of the same random numbers each time."""
    return random.Random(seed)  # noqa: S311 - jitter


def half(latency: float, chance: random.Random) -> float:
    """Return the seconds that a request takes one way."""
    return latency / 2 * chance.lognormvariate(0, _SIGMA)


def _bucket(burst: Callable[[float], float], rate: float, seconds: float, _: random.Random) -> Quota:
    """So many requests per second, and as many as fit the bucket after a while without requests."""
    size = burst(rate)
    return Quota(_bucket_of(rate, size), rate * seconds + size)


def _bucket_of(rate: float, size: float) -> Accepts:
    left, at = size, 0.0

    def accepts(time: float) -> bool:
        nonlocal left, at
        left, at = min(size, left + (time - at) * rate), time
        if left < 1 - _ROUNDING:
            return False
        left -= 1
        return True

    return accepts


def _windows(length: float, rate: float, seconds: float, _: random.Random) -> Quota:
    """So many requests in each window of the service's clock, at any time in it."""
    # A window has room for one request at least.
    length = max(length, 1 / rate)
    each = round(rate * length)
    used = collections.Counter[int]()

    def accepts(time: float) -> bool:
        window = math.floor(time / length + _PHASE)
        used[window] += 1
        return used[window] <= each

    return Quota(accepts, each * math.ceil(seconds / length + _PHASE))


def _sliding(rate: float, seconds: float, _: random.Random) -> Quota:
    """So many requests in any second."""
    length = max(1.0, 1 / rate)
    each = round(rate * length)
    recent: collections.deque[float] = collections.deque()

    def accepts(time: float) -> bool:
        while recent and recent[0] <= time - length:
            recent.popleft()
        if len(recent) >= each:
            return False
        recent.append(time)
        return True

    return Quota(accepts, each * math.ceil(seconds / length))


def _hosts(rate: float, seconds: float, chance: random.Random) -> Quota:
    """Hosts behind a load balancer that chooses at random, each with a bucket of its share of the quota."""
    share = rate / _HOSTS
    size = max(2.0, share)
    hosts = [_bucket_of(share, size) for _ in range(_HOSTS)]

    def accepts(time: float) -> bool:
        return chance.choice(hosts)(time)

    return Quota(accepts, rate * seconds + size * _HOSTS)


SHAPES: Final[dict[str, Callable[[float, float, random.Random], Quota]]] = {
    "bucket, burst = rate": partial(_bucket, lambda rate: max(2.0, rate)),
    "bucket, burst = rate / 10": partial(_bucket, lambda rate: max(2.0, rate / 10)),
    "bucket, burst = 10 x rate": partial(_bucket, lambda rate: 10 * rate),
    "windows of 1 s": partial(_windows, 1.0),
    "windows of 10 s": partial(_windows, 10.0),
    "sliding 1 s": _sliding,
    "4 hosts": _hosts,
}
