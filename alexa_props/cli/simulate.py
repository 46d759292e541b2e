"""`alexa-props simulate`: the simulator as a process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import json
import os
import sys
from contextlib import AsyncExitStack

import anyio
import anyio.lowlevel

from alexa_props.cli.exit import on_signals, write
from alexa_props.simulator import CallerScope, Simulator

__all__ = ["simulate"]


async def simulate(
    *,
    host: str,
    port: int,
    rooms: int,
    endpoints_per_room: int,
    seed: int,
    quota: float | None,
    burst: float | None,
    latency: float,
    offline: int,
    failing: int,
    unassigned_endpoints: int,
    caller_scope: CallerScope,
    as_json: bool,
    until_eof: bool,
) -> None:
    """Serve until a signal comes; the arguments are the options of the command."""
    with anyio.CancelScope() as scope, on_signals(scope.cancel, scope.cancel):
        async with Simulator(
            rooms=rooms,
            endpoints_per_room=endpoints_per_room,
            seed=seed,
            unassigned_endpoints=unassigned_endpoints,
            caller_scope=caller_scope,
        ) as sim:
            if quota is not None:
                sim.quota("*", quota, burst)
            if latency:
                sim.latency(latency)
            ill = _spread(sim.endpoints, offline + failing)
            sim.set_offline(*ill[:offline])
            sim.set_failing(*ill[offline:])
            async with AsyncExitStack() as stack:
                try:
                    base_url = await stack.enter_async_context(sim.serve(host=host, port=port))
                except OSError as error:
                    sys.exit(f"alexa-props: cannot listen on {host}:{port}: {error.strerror or error}")
                _tell(sim, base_url, as_json=as_json)
                await (_end_of_input() if until_eof else anyio.sleep_forever())


async def _end_of_input() -> None:
    """Wait for the end of standard input, which comes with the end of the process at its other end."""
    if sys.stdin is None:  # closed at the start; its number may be another file's by now
        return
    handle = sys.stdin.fileno()
    pollable = True
    while True:
        if pollable:
            try:
                await anyio.wait_readable(handle)
            except OSError:  # epoll takes no files, kqueue no /dev/null; reading these never waits
                pollable = False
        try:
            if not os.read(handle, 65536):
                return
        except OSError:  # a terminal that is gone
            return
        await anyio.lowlevel.checkpoint()


def _spread(endpoints: list[str], count: int) -> list[str]:
    """`count` of the endpoints, as far apart as they can be, those with an even place in the choice first."""
    count = min(count, len(endpoints))
    chosen = [endpoints[place * len(endpoints) // count] for place in range(count)]
    return chosen[::2] + chosen[1::2]


def _tell(sim: Simulator, base_url: str, *, as_json: bool) -> None:
    facts = {
        "base_url": base_url,
        "token_url": sim.token_url,
        "client_id": sim.client_id,
        "client_secret": sim.client_secret,
        "refresh_token": sim.refresh_token,
        "aws_access_key_id": sim.aws_access_key_id,
        "aws_secret_access_key": sim.aws_secret_access_key,
        "aws_region": sim.aws_region,
        "organization_id": sim.organization_id,
    }
    if as_json:
        write(json.dumps(facts) + "\n")
        return
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    write("\n".join([*lines, "", "These credentials are made up and good here only. Ctrl-C ends."]) + "\n")
