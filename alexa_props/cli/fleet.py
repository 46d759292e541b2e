"""`alexa-props fleet run`: one job for all rooms of a list, or below a unit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from alexa_props.cli.completion import complete_unit
from alexa_props.cli.exit import run
from alexa_props.cli.room_defaults import (
    DistanceUnits,
    DoNotDisturb,
    Locales,
    StationName,
    TemperatureUnit,
    TimeZone,
    Volume,
    WakeWord,
    room_defaults,
)
from alexa_props.cli.shared import Access, with_shared_options

__all__ = ["JobName", "app"]

JobName: TypeAlias = Literal["alarms", "timers", "reminders", "notifications", "station", "reset"]

app = typer.Typer(no_args_is_help=True, help="Run a job for many rooms.")


@app.command("run")
@with_shared_options()
def run_fleet(
    *,
    job: Annotated[
        JobName,
        typer.Argument(
            metavar="JOB",
            help="alarms, timers, reminders or notifications: delete them. station: set it where it differs. reset: "
            "the same as `room reset`.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="List of rooms: one name, path, number, serial number of a device, or id per line; CSV with a column "
            "`room`, and optionally `property` and `floor`; or the output of a command. - reads standard input; # "
            "starts a comment.",
            show_default=False,
        ),
    ] = None,
    under: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT",
            help="All rooms below this unit: its name, path or id.",
            show_default=False,
            autocompletion=complete_unit,
        ),
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="List of rooms to leave out, as for --from.", show_default=False),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Only N rooms, spread over properties and floors, for a trial run.",
            show_default=False,
        ),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Record what is done in this file, or in postgresql://user@host/database#name. Run the same job again "
            "to resume.",
            show_default=False,
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Repeat what failed according to the journal.", show_default=False)
    ] = False,
    wait_for_journal: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="Wait this long for another run to release the journal. By default the command fails.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the settings that would change in each room, and change nothing.",
            show_default=False,
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Do not ask. Required for two rooms or more without a terminal.", show_default=False
        ),
    ] = False,
    by_step: Annotated[
        bool,
        typer.Option(
            "--by-step",
            help="Print a row per failed step, not per device; with --dry-run, per setting.",
            show_default=False,
        ),
    ] = False,
    stop_on: Annotated[
        str | None,
        typer.Option(
            metavar="N|SHARE%",
            help="Stop after N rooms, or SHARE % of recent rooms, failed or are unknown.",
            show_default=False,
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Maximum number of rooms in flight.", show_default=False)
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Load and store the learned rates in this file, not in the cache folder. It may be missing or empty "
            "at first.",
            show_default=False,
        ),
    ] = None,
    station: StationName = None,
    volume: Volume = None,
    do_not_disturb: DoNotDisturb = None,
    locales: Locales = None,
    wake_word: WakeWord = None,
    time_zone: TimeZone = None,
    temperature_unit: TemperatureUnit = None,
    distance_units: DistanceUnits = None,
    access: Access,
) -> None:
    """Run a job for many rooms.

    Finds all rooms first, shows a summary, and asks before it begins. Stops early if the service is down. Prints a row
    per room or failed device; a terminal shows only what failed.

    The first Ctrl-C starts no more rooms, waits for those in flight, and reports; the second cancels them. SIGTERM and
    SIGHUP do the same, unless ignored at the start (nohup). So does a lost standard output, but no lost standard error.

    Exit status: 0 all done, 1 an error, a full disk or no to the question, 2 an unknown room, 3 some failed, 4 some
    unknown, 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP, 141 if the reader of standard output is gone.

    Example: alexa-props fleet run reset --under "Seaside 1" --volume 30
    """
    reset_options = {
        "--volume": volume,
        "--do-not-disturb": do_not_disturb,
        "--locale": locales or None,
        "--wake-word": wake_word,
        "--time-zone": time_zone,
        "--temperature-unit": temperature_unit,
        "--distance-units": distance_units,
        "--station": station if job != "station" else None,
    }
    for option, value in reset_options.items():
        if value is not None and job != "reset":
            raise typer.BadParameter(f"{option} is for reset, not for {job}")
    if job == "station" and station is None:
        raise typer.BadParameter("name the station with --station")
    if (source is None) == (under is None):
        raise typer.BadParameter("name the rooms either with --from a file, or with --under a unit")
    if source == exclude == "-":
        raise typer.BadParameter("only one of --from and --exclude can read standard input")
    if retry_failed and journal is None:
        raise typer.BadParameter("--retry-failed needs --journal")
    if wait_for_journal is not None and journal is None:
        raise typer.BadParameter("--wait-for-journal needs --journal")
    defaults = room_defaults(
        station=station,
        volume=volume,
        do_not_disturb=do_not_disturb,
        locales=locales,
        wake_word=wake_word,
        time_zone=time_zone,
        temperature_unit=temperature_unit,
        distance_units=distance_units,
    )
    stop = [] if stop_on is None else [_stop_on(stop_on)]
    # Late: help and completion do without.
    from alexa_props.cli.fleet_jobs import Job
    from alexa_props.cli.fleet_rooms import Choice
    from alexa_props.cli.fleet_run import Request, fleet_run
    from alexa_props.cli.room_list import read_rooms
    from alexa_props.fleet import ServiceDown
    from alexa_props.fleet.journal import conceal

    request = Request(
        job=Job(job, defaults),
        choice=Choice(
            under=under,
            listed=None if source is None else read_rooms(source),
            excluded=None if exclude is None else read_rooms(exclude),
            sample=sample,
        ),
        access=access,
        limits=limits,
        journal=conceal(journal),
        retry_failed=retry_failed,
        wait_for_journal=wait_for_journal,
        dry_run=dry_run,
        yes=yes,
        # Standard input may be the list itself. In a script it is a file or a pipe.
        may_ask="-" in (source, exclude) or (sys.stdin is not None and sys.stdin.isatty()),
        by_step=by_step,
        options={"stop_on": [ServiceDown(), *stop], "concurrency": concurrency, "progress": True},
    )
    run(fleet_run(request))


def _stop_on(text: str) -> float | int:
    number = text.removesuffix("%")
    try:
        is_share = text.endswith("%")
        stop_on = float(number) / 100 if is_share else int(number)
        if not (0 <= stop_on < 1 if is_share else stop_on >= 1):
            raise ValueError
    except ValueError:
        raise typer.BadParameter(
            f"--stop-on {text}: give a share such as 5%, or a number of rooms of at least 1"
        ) from None
    return stop_on
