"""`alexa-props simulate`: the simulator as a process, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import AsyncExitStack

import anyio
import anyio.lowlevel

from alexa_props.cli.signals import on_signals
from alexa_props.cli.streams import write
from alexa_props.errors import ConfigurationError
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
    effect_delay: float,
    offline: int,
    failing: int,
    unassigned_endpoints: int,
    caller_scope: CallerScope,
    as_json: bool,
    as_environment: bool,
    until_eof: bool,
) -> None:
    """Serve until a signal is received. The arguments are the options of the command."""
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
            if effect_delay:
                sim.delay_effect(effect_delay)
            faulty = _spread(sim.endpoints, offline + failing)
            sim.set_offline(*faulty[:offline])
            sim.set_failing(*faulty[offline:])
            async with AsyncExitStack() as stack:
                try:
                    base_url = await stack.enter_async_context(sim.serve(host=host, port=port))
                except OSError as error:
                    raise ConfigurationError(
                        f"cannot listen on {host}:{port}: {error.strerror or error}: choose another --port"
                    ) from None
                _print_facts(sim, base_url, as_json=as_json, as_environment=as_environment)
                await (_end_of_input() if until_eof else anyio.sleep_forever())


async def _end_of_input() -> None:
    """Wait for the end of standard input, which comes when the process at its other end exits."""
    if sys.stdin is None:  # closed at the start; its descriptor may be another file's by now
        return
    handle = sys.stdin.fileno()
    pollable = True
    while True:
        if pollable:
            try:
                await anyio.wait_readable(handle)
            except OSError:  # epoll refuses files, kqueue /dev/null; reading these never blocks
                pollable = False
        try:
            if not os.read(handle, 65536):
                return
        except OSError:  # the terminal is gone
            return
        await anyio.lowlevel.checkpoint()


def _spread(endpoints: list[str], count: int) -> list[str]:
    """Return `count` endpoints, spread evenly. Every other one comes first, so that both halves are spread too."""
    count = min(count, len(endpoints))
    chosen = [endpoints[place * len(endpoints) // count] for place in range(count)]
    return chosen[::2] + chosen[1::2]


def _print_facts(sim: Simulator, base_url: str, *, as_json: bool, as_environment: bool) -> None:
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
    if as_environment:
        exports = [f"export {name}={shlex.quote(value)}" for name, value in sim.env().items()]
        write("\n".join(["# Paste this into a shell, while the simulator runs here:", *exports]) + "\n")
        return
    width = max(map(len, facts))
    lines = [f"{name:<{width}}  {value}" for name, value in facts.items()]
    log_in = f"Log in to it from another shell: alexa-props login --simulator {base_url}"
    stop = "These credentials are invented and valid only here. Press Ctrl-C to stop."
    write("\n".join([*lines, "", log_in, stop]) + "\n")
