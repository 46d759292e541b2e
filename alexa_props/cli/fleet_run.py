"""A fleet command after its options: rooms, question, run and summary."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import attrs
import typer

from alexa_props import SmartProperties, fleet
from alexa_props.cli.exit import STATUS, Exit
from alexa_props.cli.fleet_jobs import Job
from alexa_props.cli.fleet_outcomes import DeviceNames, Outcomes
from alexa_props.cli.fleet_plan import count_of, print_changes, summary_lines
from alexa_props.cli.fleet_rooms import Choice, choose_rooms
from alexa_props.cli.progress_lines import progress_lines
from alexa_props.cli.question import confirm, has_terminal
from alexa_props.cli.session import session
from alexa_props.cli.shared import Access
from alexa_props.cli.signals import on_signals
from alexa_props.cli.streams import end_echoed_line, note
from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.fleet.journal import JournalAt, place_of

__all__ = ["Request", "fleet_run"]


@attrs.frozen(kw_only=True)
class Request:
    """The options."""

    job: Job
    choice: Choice
    access: Access
    limits: Path | None
    journal: JournalAt | None
    retry_failed: bool
    wait_for_journal: float | None
    dry_run: bool
    yes: bool
    """Whether not to ask."""
    may_ask: bool
    """Whether a terminal, if there is one, may be asked."""
    by_step: bool
    options: Mapping[str, Any]
    """Options of `fleet.run` for reading and for the run."""


async def fleet_run(request: Request) -> int:
    """Run a fleet command and return its exit status."""
    job, access, by_step = request.job, request.access, request.by_step
    async with session(access, changes=True, limits=request.limits) as opened:
        asp = opened.asp
        rooms = await choose_rooms(opened, request.choice, job.name)
        if not rooms:
            return Exit.DONE
        if request.dry_run:
            left, journal = _left(request, rooms)
            if len(left) < len(rooms):
                note(f"journal: {journal}")
            if not left:
                return Exit.DONE
            with progress_lines():
                return await print_changes(asp, job, left, access, by_step=by_step, options=request.options)
        if not request.yes:
            refused = await _ask(asp, request, rooms)
            if refused is not None:
                return refused
        with progress_lines():
            return await _run(asp, request, rooms)


async def _ask(asp: SmartProperties, request: Request, rooms: Sequence[fleet.Room]) -> int | None:
    """Return None to go ahead, else the exit status."""
    if request.may_ask and has_terminal():
        left, journal = _left(request, rooms)
        if not left:
            return None  # the run reports what the journal says
        lines = await summary_lines(asp, request.job, left, journal)
        return await confirm([f"{request.job.name}:", *lines], request.job.question(count_of(left)))
    if len(rooms) > 1:
        raise typer.BadParameter(
            f"this changes {count_of(rooms)}, and there is no terminal to ask on: add --yes; --dry-run shows what "
            "would change"
        )
    return None


def _left(request: Request, rooms: Sequence[fleet.Room]) -> tuple[Sequence[fleet.Room], str]:
    """Return the rooms that the run would call, and the line about the journal."""
    if request.journal is None:
        return rooms, "none: the run cannot be resumed (--journal FILE)"
    place = place_of(request.journal)
    name = place.name
    try:
        content = place.read()
    except ConfigurationError:
        return rooms, name  # missing, or damaged, which the run reports
    if content.job != request.job.in_journal:
        return rooms, name
    ended = ("done",) if request.retry_failed else ("done", "failed")
    keys = {record.key for record in content.records if record.status in ended}
    left = [room for room in rooms if room not in keys]
    before = len(rooms) - len(left)
    return left, f"{name} ({before:,} more rooms are {' or '.join(ended)})" if before else name


async def _run(asp: SmartProperties, request: Request, rooms: Sequence[fleet.Room]) -> int:
    job = request.job
    options = {
        **request.options,
        "journal": request.journal,
        "retry_failed": request.retry_failed,
        "wait_for_journal": request.wait_for_journal,
        "job": job.in_journal,
        "title": job.name,
    }
    outcomes = Outcomes(request.access, by_step=request.by_step)
    names = DeviceNames(asp)
    failure: AlexaError | None = None
    async with fleet.run(job.call(asp), rooms, **options) as this:
        with anyio.CancelScope() as scope, on_signals(lambda: _stop(this, signals[0]), scope.cancel) as signals:
            try:
                async for outcome in this:
                    devices: dict[str, str] = {}
                    try:
                        devices = await names.of(outcome)
                    finally:
                        outcomes.add(outcome, devices)
                    if outcomes.lost is not None and this.stopped is None:
                        this.stop(str(outcomes.lost))
                        note(f"{outcomes.lost}: {_waiting(this)}")
            except AlexaError as error:
                # Raised later: what was done is reported first.
                failure = error
    for outcome in this.in_flight:
        outcomes.add(outcome, {})
    outcomes.end()
    for line in _summary(job, this, outcomes, has_journal=request.journal is not None):
        note(line)
    if failure is not None:
        raise failure
    if signals:
        # Before the lost output: the same Ctrl-C ended its reader.
        return 128 + signals[0]
    if outcomes.lost is not None:
        raise outcomes.lost
    return STATUS["unknown" if this.progress.unknown else "failed" if this.progress.failed else "done"]


def _summary(job: Job, this: fleet.Run[Any, Any], outcomes: Outcomes, *, has_journal: bool) -> Iterator[str]:
    """Yield the summary of outcomes, and the next step."""
    now = this.progress
    interrupted = len([each for each in this.in_flight if each.status == "unknown"])
    unknown = now.unknown + interrupted
    counts = {"done": now.done, "failed": now.failed, "unknown": unknown}
    parts = [f"{count:,} {status}{outcomes.names_of(status)}" for status, count in counts.items() if count]
    if now.skipped:
        parts.append(f"{now.skipped:,} done before")
    yield f"{job.name}: {', '.join(parts) or 'nothing done'}" + (
        "" if this.stopped is None else f"; stopped: {this.stopped}"
    )
    if this.stopped is not None and (left := (now.total or 0) - now.ended - interrupted) > 0:
        yield f"{left:,} rooms were not begun: " + (
            "the same command resumes" if has_journal else "with --journal FILE, a run can be resumed"
        )
    if now.failed:
        yield (
            "the same command with --retry-failed repeats what failed"
            if has_journal
            else "with --journal FILE, --retry-failed can repeat only what failed"
        )


def _stop(this: fleet.Run[Any, Any], number: int) -> None:
    this.stop("interrupted")
    if number == signal.SIGINT:
        end_echoed_line()
    note(f"{_waiting(this)}; interrupt again to cancel them")


def _waiting(this: fleet.Run[Any, Any]) -> str:
    return f"waiting for {this.progress.in_flight} room(s) in flight"
