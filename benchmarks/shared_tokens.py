"""How many token requests do 40 clients make that share one login, and how many of their calls fail?

Asked by name only. Ten processes of four clients read a room's music station, five calls of each client
together: 200 calls. The token endpoint accepts only the refresh token that it issued last, and takes 0.3 s.

- *Cold*: no token but the refresh token that all were given.
- *Later*: another ten processes begin, on the same store.
- *Revoked*: the service refuses all access tokens with 401, and all clients make their calls again.
- *Lost*: the service has rotated the refresh token, and nobody has the new one, as after a process died at the wrong
  moment. All clients make a call each second for so many seconds; all must fail.

*TokenStore* is the example of docs/credentials.md, a file with the refresh token. *On ten hosts*: the same, but no
process sees the locks of the others; a network file system is such a store. *SharedTokens* is on a folder and on Redis.
Granted and refused token requests are counted in the server's log. Slowest: seconds of the slowest call. TokenStore is
measured in one round.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import processes, sharing
from benchmarks.answers import TOKEN_PATH, UNIT
from benchmarks.bench import Bench, Table, in_turn
from benchmarks.clients import UNPACED, fails
from benchmarks.goodput import OK
from benchmarks.processes import Barrier, Processes
from benchmarks.server import Server, serve_login

_PROCESSES, _CLIENTS, _CALLS = 10, 4, 5
_FILE: Final = "TokenStore"
_HOSTS: Final = "TokenStore, on ten hosts"
_TITLES: Final = {"cold": "Cold", "later": "Later", "revoked": "Revoked", "lost": "Lost"}
_COLUMNS: Final = {
    "granted": "granted",
    "refused": "refused",
    "failed calls": "failed",
    "calls": "calls",
    "slowest, s": "slowest",
}
_LIMIT: Final = 150.0


def run(bench: Bench) -> list[Table]:
    """Ask the question."""

    def subjects(*kinds: str) -> dict[str, Callable[[], dict[str, Any] | None]]:
        return {kind: partial(_subject, bench, kind, 3.0 if bench.quick else 8.0) for kind in kinds}

    unshared = {} if bench.quick else in_turn(bench, subjects(_FILE, _HOSTS), 1)
    found = unshared | in_turn(bench, subjects(*sharing.stores(bench)))
    tables = []
    for part, title in _TITLES.items():
        rounds = {kind: [each[part] for each in every] for kind, every in found.items()}
        tables.append(sharing.table(title, _COLUMNS, rounds))
    return tables


def _subject(bench: Bench, kind: str, seconds: float) -> dict[str, Any] | None:
    with contextlib.ExitStack() as stack:
        server, token_url = stack.enter_context(serve_login(bench.python))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alexa-props-bench-")))
        store: dict[str, Any] = {"file": str(folder / "refresh-token")}
        if kind in (sharing.FOLDER, sharing.REDIS):
            shared = stack.enter_context(sharing.store(kind)).shared
            key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
            store = {"shared": shared, "key": key if kind == sharing.REDIS else None}
        # What is a host to the library: the locks are in the user's cache.
        caches = [
            str(folder / f"cache-{number if kind in (_HOSTS, sharing.REDIS) else 0}") for number in range(_PROCESSES)
        ]
        each = {"url": server.url, "token_url": token_url, "store": store}
        begin = partial(_begin, bench, [each | {"cache": cache} for cache in caches])
        try:
            with begin([0.0]) as group:
                found = {"cold": _step(server, group)}
            with begin([0.0, 0.0, seconds]) as group:
                found["later"] = _step(server, group)
                (server.folder / "revoke").touch()
                found["revoked"] = _step(server, group)
                (server.folder / "lose").touch()
                (server.folder / "revoke").touch()
                found["lost"] = _step(server, group)
        except processes.MissingError as error:
            if bench.may_miss:
                return None
            raise RuntimeError(f"{error} is not installed") from None
        return found


def _begin(
    bench: Bench, arguments: list[dict[str, Any]], steps: list[float]
) -> contextlib.AbstractContextManager[Processes]:
    each = [one | {"steps": steps} for one in arguments]
    return processes.start(bench, "shared_tokens", each, seconds=_LIMIT)


def _step(server: Server, group: Processes) -> dict[str, Any]:
    mark = server.mark()
    group.go()
    results = group.results()
    time.sleep(0.1)  # the last lines of the log
    statuses = [line.status for line in server.seen(mark) if line.path == TOKEN_PATH]
    granted = sum(status == OK for status in statuses)
    return {
        "granted": granted,
        "refused": len(statuses) - granted,
        "failed": sum(result["failed"] for result in results),
        "calls": sum(result["calls"] for result in results),
        "slowest": max(result["slowest"] for result in results),
    }


async def warm(*, url: str, token_url: str, store: dict[str, Any], **_: Any) -> None:
    """Import what a process needs, without a token."""
    await sharing.warm(url=url, shared=store.get("shared"))
    async with _client(url, token_url, store) as asp:
        _ = asp.unit_settings


async def work(
    *, barrier: Barrier, url: str, token_url: str, store: dict[str, Any], cache: str, steps: list[float]
) -> None:
    """Be one of the processes: make the calls of each step, once or for so many seconds."""
    os.environ["XDG_CACHE_HOME"] = cache
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_client(url, token_url, store)) for _ in range(_CLIENTS)]
        await barrier({})
        for seconds in steps:
            calls = failed = 0
            slowest = 0.0

            async def call(client: Any) -> None:
                nonlocal calls, failed, slowest
                began = time.monotonic()
                raised = await fails(lambda: client.unit_settings.get_default_music_station(UNIT))
                calls, failed, slowest = calls + 1, failed + raised, max(slowest, time.monotonic() - began)

            until = time.monotonic() + seconds
            if not seconds:
                await asyncio.gather(*(call(client) for client in clients for _ in range(_CALLS)))
            while time.monotonic() < until:
                await asyncio.gather(*map(call, clients))
                await asyncio.sleep(1)
            await barrier({"calls": calls, "failed": failed, "slowest": slowest})


@contextlib.asynccontextmanager
async def _client(url: str, token_url: str, store: dict[str, Any]) -> AsyncIterator[Any]:
    from alexa_props import LoginWithAmazon, RateLimit, SmartProperties

    auth = LoginWithAmazon(client_id="made-up", client_secret="made-up", refresh_token="Atzr|made-up",  # noqa: S106
                           token_url=token_url, token_store=_token_store(store))  # fmt: skip
    async with SmartProperties(auth=auth, base_url=url, rate_limit=RateLimit(per_second=UNPACED)) as asp:
        yield asp


def _token_store(store: dict[str, Any]) -> Any:
    if "file" in store:
        return _FileStore(Path(store["file"]))
    from alexa_props import HostShared, SharedTokens

    shared = sharing.opened(store["shared"])
    return SharedTokens(HostShared(shared) if isinstance(shared, str) else shared, key=store["key"])


class _FileStore:
    """The example of docs/credentials.md."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> str | None:
        return self._path.read_text() if self._path.exists() else None

    async def save(self, refresh_token: str) -> None:
        self._path.write_text(refresh_token)
