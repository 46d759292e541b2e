"""`alexa-props fleet run`: one job for all rooms of a list, or below a unit."""

from __future__ import annotations

import functools
import json
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import anyio
import attrs
import typer

from alexa_props import SmartProperties, fleet
from alexa_props.cli import limits_file
from alexa_props.cli.exit import STATUS, Exit, run
from alexa_props.cli.fleet_jobs import Call, Job, call_for, journal_name
from alexa_props.cli.fleet_outcomes import Outcomes
from alexa_props.cli.output import Output
from alexa_props.cli.progress_lines import progress_lines
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
from alexa_props.cli.room_list import read_rooms
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access, with_shared_options
from alexa_props.cli.signals import on_signals
from alexa_props.cli.streams import end_echoed_line, note, write
from alexa_props.errors import AlexaError, ConfigurationError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Many rooms in one run.")

_SAMPLE: Final = 20
"""Rooms whose devices a dry run counts, to estimate the total."""


@app.command("run")
@with_shared_options
def run_fleet(
    *,
    job: Annotated[
        Job,
        typer.Argument(
            metavar="JOB",
            help="alarms, timers, reminders or notifications: delete them. station: set it unless it is set already. "
            "reset: as `room reset`.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="CSV with a column unit_id, one id per line, or the output of `units` or `units --json`. "
            "- reads standard input; # starts a comment.",
            show_default=False,
        ),
    ] = None,
    under: Annotated[
        str | None, typer.Option(metavar="UNIT_ID", help="All rooms below this unit.", show_default=False)
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Records what was done: run the same job again to resume.", show_default=False
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Repeat what failed according to the journal.", show_default=False)
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the number of calls, and change nothing.", show_default=False),
    ] = False,
    stop_on: Annotated[
        str | None,
        typer.Option(
            metavar="N|SHARE%", help="Start no more rooms after so many failed or unknown ones.", show_default=False
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="The most rooms to work on at a time.", show_default=False)
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Stores the learned rates for the next run. The file may be missing or empty at first.",
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
    """Run a job for many rooms. Prints a row per room, or on a terminal per failure.

    The first Ctrl-C starts no more rooms, waits for those in flight, and reports. The second cancels them. SIGTERM and
    SIGHUP do the same, unless they were ignored at the start (nohup). A lost standard output stops the run in the same
    way; a lost standard error does not.

    Status: 0 all done, 1 an error or a full disk, 3 some failed, 4 some unknown, 130 after Ctrl-C, 143 after SIGTERM,
    129 after SIGHUP, 141 if the reader of standard output left first.
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
    if retry_failed and journal is None:
        raise typer.BadParameter("--retry-failed needs --journal")
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
    options = {
        "journal": journal,
        "retry_failed": retry_failed,
        "stop_on": [fleet.ServiceDown(), *_stop_on(stop_on)],
        "concurrency": concurrency,
        "job": journal_name(job, defaults),
        "title": job if job in ("station", "reset") else f"delete {job}",
    }
    make_call = functools.partial(call_for, job, defaults)
    rooms = under if under is not None else _read(str(source))
    run(_main(make_call, rooms, options, access, limits, dry_run=dry_run), writes=True)


def _stop_on(text: str | None) -> list[float | int]:
    if text is None:
        return []
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
    return [stop_on]


def _read(source: str) -> list[fleet.Room]:
    found = read_rooms(source)
    note(str(found))
    return found.rooms


async def _main(
    make_call: Callable[[SmartProperties], Call],
    where: list[fleet.Room] | str,
    options: dict[str, Any],
    access: Access,
    limits: Path | None,
    *,
    dry_run: bool,
) -> int:
    async with session(access, limits=limits_file.load(limits)) as opened:
        asp = opened.asp
        call = make_call(asp)
        if dry_run:
            with _spinner("listing rooms"):
                rooms = [room async for room in _below(asp, where)] if isinstance(where, str) else where
                plan = await _plan(asp, call, rooms)
            _print_plan(plan, as_json=access.format in (Output.JSON, Output.JSONL))
            return Exit.DONE
        try:
            items = _below(asp, where) if isinstance(where, str) else where
            with progress_lines():
                return await _run(call, items, options, access)
        finally:
            limits_file.save(limits, asp.limits)


async def _below(asp: SmartProperties, unit_id: str) -> AsyncGenerator[fleet.Room, None]:
    empty = True
    async with aclosing(fleet.walk_rooms(asp, unit_id)) as rooms:
        async for room in rooms:
            empty = False
            yield room
    if empty:
        note(f"there are no rooms below {unit_id}")


# A dry run.


@contextmanager
def _spinner(text: str) -> Iterator[None]:
    """Show on a terminal that the block takes a while."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # most commands do without

    with Console(stderr=True).status(text):
        yield


async def _plan(asp: SmartProperties, call: Call, rooms: list[fleet.Room]) -> fleet.Plan:
    try:
        return fleet.plan(call, len(rooms))
    except ConfigurationError:
        # The plan depends on the number of devices: estimate it from a sample of the rooms.
        sample = rooms[:: max(1, len(rooms) // _SAMPLE)][:_SAMPLE]
        counted = [len([each async for each in asp.endpoints.list(unit_id=room)]) for room in sample]
        return fleet.plan(call, len(rooms), endpoints=round(sum(counted) / max(1, len(sample)) * len(rooms)))


def _print_plan(plan: fleet.Plan, *, as_json: bool) -> None:
    write((json.dumps(attrs.asdict(plan)) if as_json else str(plan)) + "\n")
    if plan.endpoints is not None and plan.items > _SAMPLE:
        note(f"the number of devices is estimated from {_SAMPLE} of the rooms")


# A run.


async def _run(call: Call, items: Any, options: dict[str, Any], access: Access) -> int:
    outcomes = Outcomes(access)
    failure: AlexaError | None = None
    async with fleet.run(call, items, progress=True, **options) as this:
        with anyio.CancelScope() as scope, on_signals(lambda: _stop(this, signals[0]), scope.cancel) as signals:
            try:
                async for outcome in this:
                    outcomes.add(outcome)
                    if outcomes.lost is not None and this.stopped is None:
                        this.stop(str(outcomes.lost))
                        note(f"{outcomes.lost}: {_waiting(this)}")
            except AlexaError as error:
                # Raised later: what was done is reported first.
                failure = error
    for outcome in this.in_flight:
        outcomes.add(outcome)
    outcomes.end()
    note(_summary(this))
    if failure is not None:
        raise failure
    if signals:
        # Before the lost output: the same Ctrl-C ended its reader.
        return 128 + signals[0]
    if outcomes.lost is not None:
        raise outcomes.lost
    return STATUS["unknown" if this.progress.unknown else "failed" if this.progress.failed else "done"]


def _summary(this: fleet.Run[Any, Any]) -> str:
    now = this.progress
    unknown = now.unknown + len([each for each in this.in_flight if each.status == "unknown"])
    text = (
        f"{now.done} done, {now.failed} failed, {unknown} unknown, {now.skipped} skipped (done before, or duplicates)"
    )
    return text if this.stopped is None else f"{text}; stopped: {this.stopped}"


def _stop(this: fleet.Run[Any, Any], number: int) -> None:
    this.stop("interrupted")
    if number == signal.SIGINT:
        end_echoed_line()
    note(f"{_waiting(this)}; interrupt again to cancel them")


def _waiting(this: fleet.Run[Any, Any]) -> str:
    return f"waiting for {this.progress.in_flight} room(s) in flight"
