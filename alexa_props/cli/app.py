"""The commands of `alexa-props`, each subject in a file of its own."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from alexa_props.cli.exit import run
from alexa_props.cli.fleet import app as fleet
from alexa_props.cli.for_business import a4b
from alexa_props.cli.login import login, whoami
from alexa_props.cli.room import room
from alexa_props.cli.rooms import alerts, endpoints, station, units
from alexa_props.options import installed_version

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Alexa devices in buildings.")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(installed_version())
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
    unassigned_endpoints: Annotated[int, typer.Option(min=0, help="Endpoints that belong to no unit.")] = 0,
    caller_scope: Annotated[
        Literal["all", "unassigned"],
        typer.Option(help="Endpoints that owner=~caller lists; Amazon's command-line tool expects the unassigned."),
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line: addresses and credentials.")] = False,
    until_eof: Annotated[
        bool,
        typer.Option(
            "--until-eof",
            help="End at the end of standard input, too; /dev/null, a file and a closed input end immediately.",
        ),
    ] = False,
) -> None:
    """Serve a simulated Smart Properties, Login with Amazon and Alexa for Business on one port, until SIGTERM."""
    # Late, as in `demo`: the simulator's server takes a while to import, and most commands do without.
    from alexa_props.cli.simulate import simulate as run_simulator

    run(
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
            unassigned_endpoints=unassigned_endpoints,
            caller_scope=caller_scope,
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
    from alexa_props.cli.demo import run_demo

    run(run_demo(rooms=rooms, quota=quota, seed=seed, as_json=as_json))


for command in (login, whoami, units, endpoints):
    app.command()(command)
app.add_typer(station, name="station")
app.add_typer(alerts("alarms"), name="alarms")
app.add_typer(alerts("timers"), name="timers")
app.add_typer(alerts("reminders"), name="reminders")
app.add_typer(room, name="room")
app.add_typer(fleet, name="fleet")
app.add_typer(a4b, name="a4b")
