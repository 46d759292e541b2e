"""`alexa-props fleet run`: the same thing for all rooms of a list, or of a tree."""

from __future__ import annotations

import functools
import json
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import anyio
import attrs
import typer

from alexa_props import SmartProperties, fleet
from alexa_props.cli import limits_file
from alexa_props.cli.credentials import CredentialsFile, find, smart_properties
from alexa_props.cli.exit import Exit, OutputLost, after_echo, note, on_signals, run, write
from alexa_props.cli.output import AsJson, Rows
from alexa_props.cli.room import (
    EXIT,
    DistanceUnits,
    DoNotDisturb,
    Locales,
    StationName,
    TemperatureUnit,
    TimeZone,
    Volume,
    WakeWord,
    defaults_of,
)
from alexa_props.cli.room_list import read_rooms
from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.smart_properties.notifications import NotificationKind

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Many rooms at once.")

Job = Literal["alarms", "timers", "reminders", "notifications", "station", "reset"]
Call = Callable[[str], Awaitable[object]]

_SAMPLE: Final = 20
"""Rooms whose devices a dry run counts, to say how many there may be in all."""
_COLUMNS: Final = ("unit_id", "status", "endpoint_id", "code", "description")


@app.callback()
def group() -> None:
    """Keep `run` a command of its own: a group of one would be left out."""


def _stop_on(text: str | None) -> float | int | None:
    if text is None:
        return None
    number = text.removesuffix("%")
    try:
        share = text.endswith("%")
        stop_on = float(number) / 100 if share else int(number)
        if not (0 <= stop_on < 1 if share else stop_on >= 1):
            raise ValueError
    except ValueError:
        raise typer.BadParameter("give a share such as 5%, or a number of rooms of at least 1") from None
    return stop_on


@app.command("run")
def run_fleet(
    *,
    job: Annotated[
        Job,
        typer.Argument(
            metavar="JOB",
            help="alarms, timers, reminders, notifications: deleted; station: set where it is another one; "
            "reset: as `room reset`.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="CSV with a column unit_id, one id a line, or what `units` prints, with --json too; - reads standard "
            "input. # starts a comment.",
            show_default=False,
        ),
    ] = None,
    under: Annotated[
        str | None, typer.Option(metavar="UNIT_ID", help="All rooms below this unit.", show_default=False)
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Remembers what was done: the same again goes on there.", show_default=False),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Repeat what the journal says has failed.", show_default=False)
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print how many calls it would make, and change nothing.", show_default=False),
    ] = False,
    stop_on: Annotated[
        str | None,
        typer.Option(metavar="N|SHARE%", help="Begin no more rooms when so many are not done.", show_default=False),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="At most so many rooms at once.", show_default=False)
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Stores the learned rates for the next run. A file that is missing or empty holds none yet.",
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
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """Do the same for many rooms; a row for each room, on a terminal for each failure.

    Ctrl-C once begins no further rooms, waits for those in flight, and reports; twice cuts them off. SIGTERM and SIGHUP
    do the same, unless they were ignored at the start (nohup). So does a standard output that cannot be written.

    Status: 0 all done, 1 an error or a full disk, 3 some failed, 4 some unknown; 130 after Ctrl-C, 143 after SIGTERM,
    129 after SIGHUP, 141 if the reader of standard output left first. Without standard error the run continues.
    """
    told = {
        "--volume": volume,
        "--do-not-disturb": do_not_disturb,
        "--locale": locales or None,
        "--wake-word": wake_word,
        "--time-zone": time_zone,
        "--temperature-unit": temperature_unit,
        "--distance-units": distance_units,
    }
    for option, value in {**told, "--station": station if job != "station" else None}.items():
        if value is not None and job != "reset":
            raise typer.BadParameter(f"{option} is for reset, not for {job}")
    if job == "station" and station is None:
        raise typer.BadParameter("say which: --station")
    if (source is None) == (under is None):
        raise typer.BadParameter("say which rooms: --from a file, or --under a unit")
    if retry_failed and journal is None:
        raise typer.BadParameter("--retry-failed is about a journal: --journal")
    defaults = defaults_of(
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
        "stop_on": _stop_on(stop_on),
        "concurrency": concurrency,
        "job": _name(job, defaults),
    }
    make = functools.partial(_call, job, defaults)
    where = under if under is not None else _read(str(source))
    run(_main(make, where, options, credentials, limits, dry_run=dry_run, as_json=as_json), writes=True)


def _name(job: Job, defaults: fleet.RoomDefaults) -> str:
    """The job's name in the journal: with other defaults it is another job."""
    if job not in ("station", "reset"):
        return job
    told = attrs.asdict(defaults, filter=lambda field, value: value is not None and field.name != "settings")
    return f"{job} {json.dumps(told if job == 'reset' else told['station'], sort_keys=True)}"


def _call(job: Job, defaults: fleet.RoomDefaults, asp: SmartProperties) -> Call:
    if job == "reset":
        return functools.partial(fleet.reset_room, asp, defaults=defaults)
    if job == "notifications":
        return functools.partial(_delete_notifications, asp)
    if defaults.station is not None:
        return functools.partial(fleet.ensure_default_music_station, asp, station=defaults.station)
    deletions: dict[str, Call] = {
        "alarms": asp.alerts.delete_alarms,
        "timers": asp.alerts.delete_timers,
        "reminders": asp.alerts.delete_reminders,
    }
    return deletions[job]


@fleet.recipe(lambda asp, unit_id: [fleet.CallEstimate("notifications.delete_many", per_item=1)])  # noqa: ARG005 - the recipe's own
async def _delete_notifications(asp: SmartProperties, unit_id: str) -> None:
    await asp.notifications.delete_many([unit_id], list(NotificationKind))


def _read(source: str) -> list[fleet.Room]:
    found = read_rooms(source)
    note(str(found))
    return found.rooms


async def _main(
    make: Callable[[SmartProperties], Call],
    where: list[fleet.Room] | str,
    options: dict[str, Any],
    credentials: Path | None,
    limits: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    async with smart_properties(find(credentials), limits=limits_file.load(limits)) as asp:
        call = make(asp)
        if dry_run:
            with _busy("listing rooms"):
                rooms = [room async for room in _below(asp, where)] if isinstance(where, str) else where
                plan = await _plan(asp, call, rooms)
            _print_plan(plan, as_json=as_json)
            return Exit.DONE
        try:
            items = _below(asp, where) if isinstance(where, str) else where
            return await _run(call, items, options, as_json=as_json)
        finally:
            limits_file.save(limits, asp.limits)


async def _below(asp: SmartProperties, unit_id: str) -> AsyncGenerator[fleet.Room, None]:
    none = True
    async with aclosing(fleet.walk_rooms(asp, unit_id)) as rooms:
        async for room in rooms:
            none = False
            yield room
    if none:
        note(f"there are no rooms below {unit_id}")


@contextmanager
def _busy(text: str) -> Iterator[None]:
    """Show on a terminal that something takes its time."""
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
        # It depends on the devices: some rooms say how many there are in each.
        sample = rooms[:: max(1, len(rooms) // _SAMPLE)][:_SAMPLE]
        counted = [len([each async for each in asp.endpoints.list(unit_id=room)]) for room in sample]
        return fleet.plan(call, len(rooms), endpoints=round(sum(counted) / max(1, len(sample)) * len(rooms)))


def _print_plan(plan: fleet.Plan, *, as_json: bool) -> None:
    write((json.dumps(attrs.asdict(plan)) if as_json else str(plan)) + "\n")
    if plan.endpoints is not None and plan.items > _SAMPLE:
        note(f"the number of devices is reckoned from {_SAMPLE} of the rooms")


async def _run(call: Call, items: Any, options: dict[str, Any], *, as_json: bool) -> int:
    shown = _Shown(as_json=as_json)
    broken: AlexaError | None = None
    bar = True if sys.stderr.isatty() else None
    async with fleet.run(call, items, progress=bar, **options) as this:
        with anyio.CancelScope() as scope, on_signals(lambda: _stop(this, signals[0]), scope.cancel) as signals:
            try:
                async for outcome in this:
                    shown.add(outcome)
                    if shown.lost is not None and this.stopped is None:
                        this.stop(str(shown.lost))
                        note(f"{shown.lost}: {_waiting(this)}")
            except AlexaError as error:
                # What was done is reported all the same.
                broken = error
    for outcome in this.in_flight:
        shown.add(outcome)
    shown.end()
    now = this.progress
    cut_off = len([each for each in this.in_flight if each.status == "unknown"])
    told = f"{now.done} done, {now.failed} failed, {now.unknown + cut_off} unknown, {now.skipped} done before or twice"
    note(told if this.stopped is None else f"{told}; stopped: {this.stopped}")
    if broken is not None:
        raise broken
    if signals:
        # Before the lost output: the same Ctrl-C ended its reader.
        return 128 + signals[0]
    if shown.lost is not None:
        raise shown.lost
    return EXIT["unknown"] if now.unknown else EXIT["failed"] if now.failed else EXIT["done"]


def _stop(this: fleet.Run[Any, Any], number: int) -> None:
    this.stop("interrupted")
    if number == signal.SIGINT:
        after_echo()
    note(f"{_waiting(this)}; once more cuts them off")


def _waiting(this: fleet.Run[Any, Any]) -> str:
    return f"waiting for {this.progress.in_flight} room(s) in flight"


class _Shown:
    """Outcomes on standard output: a line each as they come, or on a terminal a table of failures at the end.

    Attributes:
        lost: why nothing is written any more; None while that is not so.

    """

    def __init__(self, *, as_json: bool) -> None:
        self.lost: OutputLost | None = None
        self._as_json = as_json
        self._rows = Rows(_COLUMNS, as_json=as_json)
        self._failures: list[dict[str, Any]] | None = [] if sys.stdout.isatty() and not as_json else None

    def add(self, outcome: fleet.Outcome[str, object]) -> None:
        """One outcome more."""
        if self._failures is not None:
            # People look for what is not done.
            self._failures.extend(_rows(outcome) if outcome.failures else ())
            return
        self._print([_object(outcome)] if self._as_json else _rows(outcome))

    def end(self) -> None:
        """There are no more."""
        if self._failures:
            self._print(self._failures)

    def _print(self, rows: list[dict[str, Any]]) -> None:
        if self.lost is not None:
            return
        try:
            with self._rows:
                for row in rows:
                    self._rows.add(row)
            write()
        except OutputLost as error:
            # What it stops is up to the run: the rooms in flight are waited for.
            self.lost = error


def _object(outcome: fleet.Outcome[str, object]) -> dict[str, Any]:
    told = {name: getattr(outcome.item, name, None) for name in ("name", "property_id", "property_name")}
    return {
        "unit_id": outcome.key,
        **told,
        "status": outcome.status,
        "attempts": outcome.attempts,
        "elapsed": round(outcome.elapsed, 3),
        "failures": [attrs.asdict(failure) for failure in outcome.failures],
    }


def _rows(outcome: fleet.Outcome[str, object]) -> list[dict[str, Any]]:
    """One row where there is nothing to say, else one for each failure."""
    row = {"unit_id": outcome.key, "status": outcome.status}
    return [{**row, **attrs.asdict(failure), "status": outcome.status} for failure in outcome.failures] or [row]
