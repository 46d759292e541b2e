"""What do the names of `alexa_props` add to the packages that they need, and do they pull in what they should not?

Fresh interpreters in turn: one imports `httpx, attrs, cattrs, anyio`, one the public names of `alexa_props`, which
imports those too, and one also the client of a generated package with 200 more operations, whose groups are attached as
ours are (`many_groups.py`). The figure is CPU time of the imports (`time.process_time`), with the files in the page
cache and compiled; the difference is what this library adds: it must stay within 60 ms however many groups there are.
The second table shows what is paid when groups of that package are first used. Heavy packages that only some users need
must not be there afterwards.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import many_groups
from benchmarks.bench import Bench, Samples, Table, ask, in_turn, ratios, samples

_NEEDED: Final = ("httpx", "attrs", "cattrs", "anyio")
HEAVY: Final = ("aiohttp", "pandas", "starlette", "botocore")
# The package itself imports nothing before a name is asked for.
_OURS: Final = ("alexa_props.auth.login_with_amazon", "alexa_props.smart_properties")
_MORE: Final = f"alexa_props, {many_groups.GROUPS * many_groups.OPERATIONS} more operations"
_SUBJECTS: Final = {
    "alexa_props": _OURS,
    _MORE: (*_OURS, f"{many_groups.PACKAGE}.client"),
    ", ".join(_NEEDED): _NEEDED,
    "aiohttp": ("aiohttp",),
    "aiobotocore": ("aiobotocore.session",),
}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    with tempfile.TemporaryDirectory(prefix="alexa-props-bench-") as name:
        many_groups.write(Path(name))
        subjects = {
            subject: partial(ask, bench, "imports", "take", names=names, path=name)
            for subject, names in _SUBJECTS.items()
        }
        using = {"first use": partial(ask, bench, "imports", "use", path=name)}
        for compiled in (*subjects.values(), *using.values()):
            compiled()
        found = in_turn(bench, subjects, bench.cpu_rounds)
        used = in_turn(bench, using, bench.cpu_rounds)["first use"]
    needed = samples(found[", ".join(_NEEDED)], "ms") or []
    rows: dict[str, tuple[Samples | None, ...]] = {}
    for name in ("alexa_props", _MORE):
        ours = samples(found[name], "ms") or []
        added = [a - b for a, b in zip(ours, needed, strict=True)]
        rows[f"{name}: above what it needs"] = (added, ratios(ours, needed), samples(found[name], "heavy"))
    for name, rounds in found.items():
        times = samples(rounds, "ms")
        rows[name] = (times, ratios(times, needed), samples(rounds, "heavy"))
    columns = ("ms", "times what it needs", "heavy packages")
    uses: dict[str, tuple[Samples | None, ...]] = {
        f"the first of {many_groups.GROUPS} groups, {many_groups.OPERATIONS} operations": (samples(used, "first"),),
        "each further group": (samples(used, "further"),),
    }
    return [
        Table("Importing", columns, rows, f"Heavy: {', '.join(HEAVY)}.", extra=found),
        Table("Using a group for the first time", ("ms",), uses),
    ]


def take(names: Sequence[str], path: str) -> dict[str, Any]:
    """Milliseconds that the imports took, and what heavy packages came with them."""
    sys.path.append(path)
    before = set(sys.modules)
    began = time.process_time()
    for name in names:
        importlib.import_module(name)
    took = (time.process_time() - began) * 1000
    came = [name for name in HEAVY if name in sys.modules and name not in before]
    groups = [name for name in sys.modules if name.startswith(f"{many_groups.PACKAGE}.group")]
    return {"ms": took, "heavy": len(came), "came": came, "groups": len(groups)}


def use(path: str) -> dict[str, Any]:
    """Milliseconds that the first access to a group takes, and on average to each of the others."""
    sys.path.append(path)
    httpx = importlib.import_module("httpx")  # not on top: that is what `take` measures
    module = importlib.import_module(f"{many_groups.PACKAGE}.client")
    client = module.Client(auth=httpx.Auth(), transport=httpx.AsyncHTTPTransport())
    times: list[float] = []
    for number in range(many_groups.GROUPS):
        began = time.process_time()
        getattr(client, f"group{number}")
        times.append((time.process_time() - began) * 1000)
    return {"first": times[0], "further": sum(times[1:]) / (len(times) - 1)}
