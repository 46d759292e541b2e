"""Commands and options of `alexa-props`; what they do is in a file each."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from typing import Annotated, Any

import typer

from alexa_props.cli.demo import run_demo
from alexa_props.cli.simulate import simulate as run_simulator
from alexa_props.errors import AlexaError

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Alexa devices in buildings."
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("alexa-props"))
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Alexa devices in buildings."""


@app.command()
def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    rooms: Annotated[int, typer.Option(min=1, help="Rooms.")] = 60,
    endpoints_per_room: Annotated[int, typer.Option(min=1, help="Endpoints in each room.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 7,
    quota: Annotated[
        float | None, typer.Option(min=0.1, help="Calls a second of each operation; none unless set.")
    ] = None,
    burst: Annotated[
        float | None, typer.Option(min=1, help="Calls at once after a pause; one second's worth unless set.")
    ] = None,
    latency: Annotated[float, typer.Option(min=0, help="Seconds that each call takes.")] = 0.0,
    offline: Annotated[int, typer.Option(min=0, help="Endpoints that are offline, spread over the rooms.")] = 0,
    failing: Annotated[int, typer.Option(min=0, help="Endpoints that fail for another reason, likewise.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line: addresses and credentials.")] = False,
    until_eof: Annotated[bool, typer.Option("--until-eof", help="End when standard input ends, too.")] = False,
) -> None:
    """Serve a simulated Smart Properties, Login with Amazon and Alexa for Business on one port, until SIGTERM."""
    _run(
        run_simulator(
            host=host,
            port=port,
            rooms=rooms,
            endpoints_per_room=endpoints_per_room,
            seed=seed,
            quota=quota,
            burst=burst,
            latency=latency,
            offline=offline,
            failing=failing,
            as_json=as_json,
            until_eof=until_eof,
        )
    )


@app.command()
def demo(
    rooms: Annotated[int, typer.Option(min=1, help="Rooms of the fleet.")] = 300,
    quota: Annotated[
        float, typer.Option(min=5, help="Calls a second that the service allows of each operation.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Change a whole fleet of rooms on a simulator in a process of its own, through the public API."""
    _run(run_demo(rooms=rooms, quota=quota, seed=seed, as_json=as_json))


def _run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command; what goes wrong is one line, not a traceback."""
    try:
        asyncio.run(command)
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except (AlexaError, OSError, ExceptionGroup) as error:
        cause: Exception = error
        while isinstance(cause, ExceptionGroup):
            cause = cause.exceptions[0]
        if not isinstance(cause, AlexaError | OSError):
            raise
        typer.echo(f"alexa-props: {cause}", err=True)
        if isinstance(cause, OSError):
            # What could not be written would be tried once more at the end, with a complaint and a status of its own.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
