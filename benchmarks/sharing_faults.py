"""How much of a quota is used while a process dies, or while Redis does?

Asked by name only. Four processes of 16 workers share 100 requests a second, which they do not know, for
18 s. 5 s after the beginning something fails, and unless it is a dead process, it ends at 10 s:

- *killed*: SIGKILL of one of the four processes.
- *Redis killed*: SIGKILL of the server; it starts again without its data.
- *Redis hangs*: SIGSTOP of the server: it accepts connections, and responds to nothing.
- *one cut off*: the connection of one of the four processes to Redis is a forwarder that is stopped.

Worst second: the lowest share of the quota that was accepted in one second, from the failure on. Used, refused, most /
least and lost are those of quota_shared; a killed process is not in the last two. Each process alone is measured in one
round.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from benchmarks import redis, sharing
from benchmarks.bench import Bench, Table, in_turn
from benchmarks.server import Server, serve

_COLUMNS: Final = {
    "worst second %": "worst",
    "used %": "used",
    "refused %": "refused",
    "most / least": "most / least",
    "lost": "lost",
}
_FAILS, _ENDS, _SECONDS = 5.0, 10.0, 18.0
_Happens = Callable[[redis.Program], None]
_SERVER_FAULTS: Final[dict[str, tuple[_Happens, _Happens]]] = {
    "Redis killed": (redis.Program.kill, redis.Program.start),
    "Redis hangs": (redis.Program.pause, redis.Program.resume),
}


def run(bench: Bench) -> list[Table]:
    """Ask the question."""
    with serve(bench.server, bench.python) as server:
        kinds, killed = sharing.stores(bench), partial(_killed, bench, server)
        subjects = {"shared: folder, no failure": partial(_killed, bench, server, sharing.FOLDER, dies=False)}
        subjects |= {f"{kind}, killed": partial(killed, kind) for kind in kinds}
        if sharing.REDIS in kinds:
            subjects |= {name: partial(_redis_fails, bench, server, *how) for name, how in _SERVER_FAULTS.items()}
            subjects["one cut off"] = partial(_cut_off, bench, server)
        alone = {f"{sharing.ALONE}, killed": partial(killed, sharing.ALONE)}
        found = ({} if bench.quick else in_turn(bench, alone, 1)) | in_turn(bench, subjects)
    return [sharing.table(f"4 processes of 16 workers, {_SECONDS * _scale(bench):g} s", _COLUMNS, found)]


def _killed(bench: Bench, server: Server, kind: str, *, dies: bool = True) -> dict[str, Any] | None:
    events: list[sharing.Event] = [(_FAILS, lambda group: group.kill(0))] if dies else []
    with sharing.store(kind) as store:
        return _measure(bench, server, sharing.bulk(4, 16), store.shared, events)


def _redis_fails(bench: Bench, server: Server, fails: _Happens, ends: _Happens) -> dict[str, Any] | None:
    with sharing.store(sharing.REDIS) as store:
        assert store.server is not None  # noqa: S101 - a store of Redis
        return _measure(bench, server, sharing.bulk(4, 16), store.shared, _between(store.server, fails, ends))


def _cut_off(bench: Bench, server: Server) -> dict[str, Any] | None:
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(sharing.store(sharing.REDIS))
        assert store.server is not None  # noqa: S101 - a store of Redis
        through = stack.enter_context(redis.forwarder(store.server.port))
        load = [*sharing.bulk(3, 16), *sharing.bulk(1, 16, shared=through.url)]
        return _measure(bench, server, load, store.shared, _between(through, *_SERVER_FAULTS["Redis hangs"]))


def _between(program: redis.Program, fails: _Happens, ends: _Happens) -> list[sharing.Event]:
    return [(_FAILS, lambda _: fails(program)), (_ENDS, lambda _: ends(program))]


def _measure(
    bench: Bench, server: Server, load: list[dict[str, Any]], shared: str | None, events: list[sharing.Event]
) -> dict[str, Any] | None:
    scale = _scale(bench)
    return sharing.measure(
        bench,
        server,
        load,
        shared,
        seconds=_SECONDS * scale,
        events=[(at * scale, happen) for at, happen in events],
        steady=_FAILS * scale,
    )


def _scale(bench: Bench) -> float:
    return 1 / 3 if bench.quick else 1.0
