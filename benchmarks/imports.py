"""What do the names of `alexa_props` add to the packages that they need, and do they pull in what they should not?

Fresh interpreters in turn: one imports `httpx, attrs, cattrs, anyio`, one the public names of `alexa_props`, which
imports those too. The figure is CPU time of the imports (`time.process_time`), with the files in the page cache and
compiled; the difference is what this library adds. Heavy packages that only some users need must not be there
afterwards.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from benchmarks.bench import Bench, Samples, Table, ask, in_turn, samples

_NEEDED: Final = ("httpx", "attrs", "cattrs", "anyio")
HEAVY: Final = ("aiohttp", "pandas", "starlette", "botocore")
_SUBJECTS: Final = {
    # The package itself imports nothing before a name is asked for.
    "alexa_props": ("alexa_props.auth.login_with_amazon", "alexa_props.smart_properties"),
    ", ".join(_NEEDED): _NEEDED,
    "aiohttp": ("aiohttp",),
    "aiobotocore": ("aiobotocore.session",),
}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    subjects = {name: partial(ask, bench, "imports", "take", names=names) for name, names in _SUBJECTS.items()}
    for compiled in subjects.values():
        compiled()
    found = in_turn(bench, subjects, bench.cpu_rounds)
    cells = {name: (samples(rounds, "ms"), samples(rounds, "heavy")) for name, rounds in found.items()}
    ours, needed = (samples(found[name], "ms") or [] for name in list(_SUBJECTS)[:2])
    added = [a - b for a, b in zip(ours, needed, strict=True)]
    rows: dict[str, tuple[Samples | None, ...]] = {
        "alexa_props above what it needs": (added, cells["alexa_props"][1]),
        **cells,
    }
    return [Table("Importing", ("ms", "heavy packages"), rows, f"Heavy: {', '.join(HEAVY)}.", extra=found)]


def take(names: Sequence[str]) -> dict[str, Any]:
    """Milliseconds that the imports took, and what heavy packages came with them."""
    before = set(sys.modules)
    began = time.process_time()
    for name in names:
        importlib.import_module(name)
    took = (time.process_time() - began) * 1000
    came = [name for name in HEAVY if name in sys.modules and name not in before]
    return {"ms": took, "heavy": len(came), "came": came}
