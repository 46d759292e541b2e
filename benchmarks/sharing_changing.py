"""How well do four processes follow a quota that changes, compared with one process alone?

Asked by name only. GetDevice against 100, then 50, then 200 requests a second; the server changes its
quota without closing a connection or reporting it. *One process* has 64 workers, the others are four processes of 16.
Used: accepted requests, by the sum of rate x time + burst + 1 of the three phases, in all and in each phase. Refused:
the share of requests that got a 429. Most / least: items done by the luckiest process, by those of the unluckiest.
Lost: calls that ended in an exception. Each process alone is measured in one round.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from benchmarks import sharing
from benchmarks.bench import Bench, Table, in_turn
from benchmarks.quota_changing import PHASES
from benchmarks.server import Server, serve

_ONE: Final = "one process"


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    phase = 2.0 if bench.quick else 10.0
    with serve(bench.server, bench.python) as server:
        subject = partial(_subject, bench, server, phase)
        alone = {} if bench.quick else in_turn(bench, {sharing.ALONE: partial(subject, sharing.ALONE, 4)}, 1)
        subjects = {_ONE: partial(subject, sharing.ALONE, 1)}
        found = alone | in_turn(bench, subjects | {kind: partial(subject, kind, 4) for kind in sharing.stores(bench)})
    columns = {"used %": "used"} | {f"at {rate} %": f"used at {rate}" for rate in PHASES}
    columns |= {"refused %": "refused", "most / least": "most / least", "lost": "lost"}
    return [sharing.table(f"Phases of {phase:g} s at {', '.join(map(str, PHASES))} a second", columns, found)]


def _subject(bench: Bench, server: Server, phase: float, kind: str, number: int) -> dict[str, Any] | None:
    load = sharing.bulk(number, 64 // number)
    with sharing.store(kind) as store:
        return sharing.measure(bench, server, load, store.shared, seconds=phase * len(PHASES), rates=PHASES)
