"""What does a client make of a quota that it does not know: how much gets through, is refused, and is lost?

2,000 GetDevice calls against 100 requests a second (`limit_req rate=100r/s burst=10 nodelay`; refusals are 429 with a
`ThrottlingException` and no `Retry-After`). All are handed in at once, or by 16 workers, as the row says.

Goodput: items done, by the seconds from the first call to the last answer, by 100; so 100 % is 2,000 items in 20 s
(the burst lets the ideal client have 100.5 %). The next column is the same once 5 s have passed since the first
request, by the server's log. Refused: the share of all requests that the server's log shows as 429. Lost: items whose
call ended in an exception (every client at its own defaults: attempts in all are 4 for ours, 3 for the openai-style
loop and for aiobotocore); a client that loses items sends less, so its goodput counts only what was done.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from benchmarks.bench import Bench, Table, in_turn, samples
from benchmarks.goodput import count
from benchmarks.server import serve

RATE: Final = 100
_SUBJECTS: Final[dict[str, tuple[str, int | None, dict[str, Any]]]] = {
    "ours, all at once": ("ours_a4b", None, {"per_second": None}),
    "ours, 16 workers": ("ours_a4b", 16, {"per_second": None}),
    "openai-style, 16 workers": ("openai_style", 16, {}),
    "openai-style, 10 retries, 16 workers": ("openai_style", 16, {"retries": 10}),
    "openai-style, all at once": ("openai_style", None, {}),
    "aiobotocore standard, 16 workers": ("aiobotocore", 16, {"mode": "standard"}),
    "aiobotocore adaptive, 16 workers": ("aiobotocore", 16, {"mode": "adaptive"}),
    "aiobotocore adaptive, all at once": ("aiobotocore", None, {"mode": "adaptive"}),
}
_QUICK: Final = (
    "ours, all at once",
    "openai-style, 16 workers",
    "aiobotocore standard, 16 workers",
    "aiobotocore adaptive, 16 workers",
)


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    calls, learned_after = (300, 1.0) if bench.quick else (2000, 5.0)
    with serve(bench.server, bench.python) as server:
        subjects = {
            name: partial(
                count, bench, server, RATE, learned_after, calls=calls, client=client, workers=workers, options=options
            )
            for name, (client, workers, options) in _SUBJECTS.items()
            if not bench.quick or name in _QUICK
        }
        found = in_turn(bench, subjects)
    columns = ("goodput %", f"after {learned_after:g} s %", "refused %", "lost items")
    keys = ("goodput", "learned", "refused", "lost")
    rows = {name: tuple(samples(rounds, key) for key in keys) for name, rounds in found.items()}
    return [Table(f"{calls:,} calls at an unknown quota of {RATE} a second", columns, rows, extra=found)]
