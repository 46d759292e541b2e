"""How well does a client follow a quota that changes under it, from 100 to 50 to 200 requests a second?

16 workers ask for GetDevice for as long as it takes; the server changes its quota after each phase without closing a
connection, and tells nobody. Accepted: requests that the log shows as 200 within the three phases, by what was
available: the sum of rate x length, plus the burst of 10 and the one on top with which each phase begins (so no client
can have more than 100 %). Refused: the share of requests that got a 429. Lost: items whose call ended in an exception.
Every client is at its own defaults: attempts in all are 4 for ours, 3 for the openai-style loop and for aiobotocore. A
worker that backs off asks for nothing meanwhile: a client that retries by sleeping is slowed down by that as well.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from benchmarks.bench import Bench, Table, ask, in_turn, samples
from benchmarks.goodput import OK, REFUSED
from benchmarks.server import BURST, Line, Server, serve

PHASES: Final = (100, 50, 200)
WORKERS: Final = 16
BIN: Final = 0.5
"""Seconds for which the picture adds up requests."""
_SUBJECTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "ours": ("ours_a4b", {"per_second": None}),
    "openai-style": ("openai_style", {}),
    "aiobotocore standard": ("aiobotocore", {"mode": "standard"}),
    "aiobotocore adaptive": ("aiobotocore", {"mode": "adaptive"}),
}
_QUICK: Final = ("ours", "aiobotocore adaptive")


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    if bench.quick:
        return [_table(bench, 2.0, _QUICK)]
    return [_table(bench, 10.0, tuple(_SUBJECTS)), _table(bench, 20.0, ("ours",))]


def _table(bench: Bench, phase: float, names: tuple[str, ...]) -> Table:
    with serve(bench.server, bench.python) as server:
        subjects = {
            name: partial(_follow, bench, server, phase, client, options)
            for name, (client, options) in _SUBJECTS.items()
            if name in names
        }
        found = in_turn(bench, subjects)
    keys = ("accepted", *map(str, PHASES), "refused", "lost")
    rows = {name: tuple(samples(rounds, key) for key in keys) for name, rounds in found.items()}
    columns = ("accepted %", *(f"at {rate} %" for rate in PHASES), "refused %", "lost items")
    return Table(f"Phases of {phase:g} s at {', '.join(map(str, PHASES))} a second", columns, rows, extra=found)


def _follow(bench: Bench, server: Server, phase: float, client: str, options: dict[str, Any]) -> dict[str, Any] | None:
    server.quota(PHASES[0])
    mark, seconds = server.mark(), phase * len(PHASES)
    load = {"url": server.url, "seconds": seconds, "workers": WORKERS, "options": options}
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(ask, bench, "goodput", "keep_asking", client=client, **load)
        # It begins when the server sees the first request.
        while server.mark() == mark and not asked.done():
            time.sleep(0.005)
        if asked.done():
            return asked.result()  # it failed, or there is no such peer
        start = server.seen(mark)[0].at
        ends = [start + phase * (number + 1) for number in range(len(PHASES))]
        for end, rate in zip(ends, PHASES[1:], strict=False):
            time.sleep(end - time.time())
            server.quota(rate)
        made = asked.result() or {}
    server.quota(None)
    time.sleep(0.1)  # the last lines of the log
    seen = [line for line in server.seen(mark) if line.at < ends[-1]]
    accepted = [sum(line.status == OK and end - phase <= line.at < end for line in seen) for end in ends]
    available = [rate * phase + BURST + 1 for rate in PHASES]
    return made | {
        "accepted": 100 * sum(accepted) / sum(available),
        "refused": 100 * sum(line.status == REFUSED for line in seen) / len(seen),
        **{str(rate): 100 * got / had for rate, got, had in zip(PHASES, accepted, available, strict=True)},
        "bin": BIN,
        "accepted_by_time": _binned(seen, OK, start, ends[-1]),
        "refused_by_time": _binned(seen, REFUSED, start, ends[-1]),
    }


def _binned(seen: list[Line], status: int, start: float, end: float) -> list[int]:
    """How many requests got a status, for each stretch of time."""
    found = Counter(int((line.at - start) / BIN) for line in seen if line.status == status)
    return [found[number] for number in range(round((end - start) / BIN))]
