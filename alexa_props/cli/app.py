"""The commands of `alexa-props`. Each subject has a file, which is imported when its command is used."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import typer

from alexa_props.cli import verbosity
from alexa_props.cli.exit import run
from alexa_props.cli.late import Late, LateCommands

__all__ = ["app"]


class _Commands(LateCommands):
    """The commands by section of the help, in order. Those without a file are defined below."""

    sections: ClassVar = {
        "Try it and log in": {
            "demo": None,
            "simulate": None,
            "login": Late("login", "login", "Log in with the browser."),
            "logout": Late("logins", "logout", "Delete a stored login, with its access token."),
            "profiles": Late("logins", "profiles", "List the stored logins."),
            "whoami": Late("whoami", "whoami", "Show which login and organization are in use."),
        },
        "Look around": {
            "units": Late("units", "units", "List the units below a unit."),
            "endpoints": Late("endpoints", "endpoints", "List devices: all, those in a room, or those below a unit."),
            "find": Late("find", "find", "Find units and devices by part of a name, serial number or id."),
            "watch": Late("watch", "watch", "Watch devices go offline and come back."),
            "export": Late("export", "export", "Export rooms and devices."),
        },
        "Change a room or a device": {
            "room": Late("room", "room", "Reset a room."),
            "station": Late("station", "station", "Show or set the default music station."),
            "settings": Late("settings", "settings", "Show or change settings of devices, such as the time zone."),
            "volume": Late("volume", "volume", "Show or set the volume of devices."),
            "alarms": Late("alerts", "alarms", "Delete alarms."),
            "timers": Late("alerts", "timers", "Delete timers."),
            "reminders": Late("alerts", "reminders", "Delete reminders."),
        },
        "Change many rooms": {
            "fleet": Late("fleet", "app", "Run a job for many rooms."),
            "journal": Late("journal", "journal", "Show the journal of a fleet run."),
        },
        "Other services": {
            "a4b": Late("for_business", "a4b", "Show devices and users of Alexa for Business."),
        },
    }


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Rich's tables cut off names and addresses in a terminal of 80 columns.
    rich_markup_mode=None,
    help="Manage the Alexa devices of hotels and other buildings.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from alexa_props.version import installed_version  # most commands do without

        typer.echo(installed_version())
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Manage the Alexa devices of hotels and other buildings."""
    # Those without -v show warnings too.
    context.with_resource(verbosity.log_shown(0))


@app.command()
def simulate(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8765,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    rooms: Annotated[int, typer.Option(metavar="N", min=1, help="Number of rooms.")] = 60,
    endpoints_per_room: Annotated[int, typer.Option(metavar="N", min=1, help="Endpoints per room.")] = 2,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same fleet.")] = 7,
    quota: Annotated[
        float | None,
        typer.Option(metavar="RATE", min=0.1, help="Calls per second for each operation; no limit by default."),
    ] = None,
    burst: Annotated[
        float | None,
        typer.Option(metavar="N", min=1, help="Calls allowed in a burst; defaults to the quota of a second."),
    ] = None,
    latency: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="Delay of each call.")] = 0.0,
    effect_delay: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Delay until a change takes effect, such as an enabled skill."),
    ] = 0.0,
    offline: Annotated[int, typer.Option(metavar="N", min=0, help="Number of offline endpoints.")] = 0,
    failing: Annotated[
        int, typer.Option(metavar="N", min=0, help="Number of endpoints that fail with an internal error.")
    ] = 0,
    unassigned_endpoints: Annotated[
        int, typer.Option(metavar="N", min=0, help="Number of endpoints outside all units.")
    ] = 0,
    caller_scope: Annotated[
        Literal["all", "unassigned"],
        typer.Option(
            metavar="all|unassigned",
            help="Endpoints that owner=~caller lists; `unassigned` for Amazon's command-line tool.",
        ),
    ] = "all",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print addresses and credentials as one line of JSON.")
    ] = False,
    as_environment: Annotated[
        bool, typer.Option("--env", help="Print them as `export` lines to paste into a shell.")
    ] = False,
    until_eof: Annotated[
        bool,
        typer.Option(
            "--until-eof",
            help="Also stop at the end of standard input.",
        ),
    ] = False,
) -> None:
    """Serve a simulator of Smart Properties, Login with Amazon and Alexa for Business.

    Prints its address and credentials, and serves until Ctrl-C or SIGTERM. Log in from another shell, then run any
    other command:

    alexa-props login --simulator http://127.0.0.1:8765
    """
    if as_json and as_environment:
        raise typer.BadParameter("give --json or --env, not both")
    # Late, as in `demo`: the simulator takes a while to import, and most commands do without.
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
            effect_delay=effect_delay,
            offline=offline,
            failing=failing,
            unassigned_endpoints=unassigned_endpoints,
            caller_scope=caller_scope,
            as_json=as_json,
            as_environment=as_environment,
            until_eof=until_eof,
        )
    )


@app.command()
def demo(
    rooms: Annotated[int, typer.Option(metavar="N", min=1, help="Number of rooms.")] = 300,
    quota: Annotated[
        float, typer.Option(metavar="RATE", min=5, help="Calls per second that the service allows for each operation.")
    ] = 100,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same fleet.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
) -> None:
    """Change a fleet of rooms on a simulator, and show how fast it goes."""
    from alexa_props.cli.demo import run_demo

    run(run_demo(rooms=rooms, quota=quota, seed=seed, as_json=as_json))
