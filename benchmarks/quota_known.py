"""How much of a quota that is known gets through, and is any of it refused?

GetDevice calls, all handed in at once, against 100 requests a second with a burst of 10 that no client is told of. Ours
is told `RateLimit(per_second=100)`; aiolimiter is used as its documentation shows, `AsyncLimiter(100, 1)`, and in the
form that spaces requests evenly, `AsyncLimiter(1, 0.01)`. Goodput is items done, by the seconds from the first call to
the last answer, by 100. aiolimiter repeats nothing, so what is refused is lost.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from benchmarks.bench import Bench, Table, in_turn, samples
from benchmarks.goodput import count
from benchmarks.server import serve

RATE: Final = 100
_SUBJECTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "ours": ("ours_a4b", {"per_second": RATE}),
    "aiolimiter (100, 1)": ("aiolimiter", {"rate": RATE, "period": 1}),
    "aiolimiter (1, 0.01)": ("aiolimiter", {"rate": 1, "period": 1 / RATE}),
}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    calls = 200 if bench.quick else 1000
    with serve(bench.server, bench.python) as server:
        subjects = {
            name: partial(count, bench, server, RATE, 0.0, calls=calls, client=client, workers=None, options=options)
            for name, (client, options) in list(_SUBJECTS.items())[: 2 if bench.quick else None]
        }
        found = in_turn(bench, subjects)
    keys = ("goodput", "refused", "lost")
    rows = {name: tuple(samples(rounds, key) for key in keys) for name, rounds in found.items()}
    columns = ("goodput %", "refused %", "lost items")
    return [Table(f"{calls:,} calls at a known quota of {RATE} a second", columns, rows, extra=found)]
