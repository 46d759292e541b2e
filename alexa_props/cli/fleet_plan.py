"""What `fleet run` would do: for `--dry-run` room by room, and in a few lines for the question before a run."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

import attrs

from alexa_props import SmartProperties, fleet
from alexa_props.cli.exit import Exit
from alexa_props.cli.fleet_changes import Changes, in_words, read_changes
from alexa_props.cli.fleet_jobs import Job, shown_value
from alexa_props.cli.fleet_rows import FleetRows, place_of
from alexa_props.cli.shared import Access
from alexa_props.cli.streams import note
from alexa_props.concurrency import gather
from alexa_props.limits import ScopeLimits

__all__ = ["count_of", "print_changes", "summary_lines"]

_COLUMNS: Final = ("room", "path", "change", "unit_id")
_STEP_COLUMNS: Final = (
    *("room", "path", "device", "step", "current", "new", "code", "description"),
    *("unit_id", "endpoint_id"),
)
_OF_STEP: Final = ("device", "step", "current", "new", "code", "description", "endpoint_id")
_SAMPLE: Final = 20
"""Rooms whose devices are counted, to estimate the total."""
_PROPERTIES: Final = 3
"""Properties that a summary names."""


def count_of(rooms: Sequence[fleet.Room]) -> str:
    """Return how many rooms there are, or which one it is."""
    return (rooms[0].name or rooms[0]) if len(rooms) == 1 else _rooms(len(rooms))


async def summary_lines(asp: SmartProperties, job: Job, rooms: Sequence[fleet.Room], journal: str) -> list[str]:
    """Return the summary that comes before the question.

    Args:
        asp: The client.
        job: The job.
        rooms: The rooms that it would change.
        journal: The line about the journal.

    """
    properties: defaultdict[str, list[Sequence[str]]] = defaultdict(list)
    for room in rooms:
        properties[room.property_name or "an unknown property"].append(room.path)
    ranked = sorted(properties.items(), key=lambda each: -len(each[1]))
    # "Seaside 1 / Floor 3" if they are all there.
    most = [f"{len(paths):,} in {' / '.join(_common(paths)) or name}" for name, paths in ranked[:_PROPERTIES]]
    more = [f"others in {len(properties) - _PROPERTIES:,} more properties"] if len(properties) > _PROPERTIES else []
    plan = await _plan(asp, job, rooms)
    lines = {
        "rooms": ", ".join((*most, *more)),
        "delete": job.deletes and f"all {job.deletes}",
        "set": job.sets,
        "calls": _calls(plan, asp.limits),
        "journal": journal,
    }
    return [f"  {name + ':':9}{text}" for name, text in lines.items() if text]


def _common(paths: Sequence[Sequence[str]]) -> list[str]:
    """Return the names that all paths begin with."""
    return [names[0] for names in takewhile(lambda names: len(set(names)) == 1, zip(*paths, strict=False))]


def _rooms(count: int) -> str:
    return f"{count:,} room{'' if count == 1 else 's'}"


async def _plan(asp: SmartProperties, job: Job, rooms: Sequence[fleet.Room]) -> fleet.Plan:
    call = job.call(asp)
    if job.name != "reset":
        return fleet.plan(call, len(rooms))
    sample = rooms[:: max(1, len(rooms) // _SAMPLE)][:_SAMPLE]
    counts = await gather(functools.partial(_count_devices, asp, room) for room in sample)
    return fleet.plan(call, len(rooms), endpoints=round(sum(counts) / len(sample) * len(rooms)))


async def _count_devices(asp: SmartProperties, room: fleet.Room) -> int:
    return len(room.endpoints) or len([each async for each in asp.endpoints.list(unit_id=room)])


def _calls(plan: fleet.Plan, limits: Mapping[str, ScopeLimits]) -> str:
    low, high = (sum(span[end] for span in plan.calls.values()) for end in (0, 1))
    calls = f"{'about ' if plan.endpoints is not None else ''}{f'{low:,} to ' if low < high else ''}{high:,}"
    rates = [scope.ceiling for scope in limits.values() if scope.ceiling is not None]
    if plan.seconds is not None:
        return f"{calls}; {_duration(plan.seconds[1])} at the learned rates"
    if rates:
        # Each operation has its own quota, but they are often the same.
        seconds = max(most for _, most in plan.calls.values()) / min(rates)
        return f"{calls}; {_duration(seconds)} or more, going by the rate of other calls ({min(rates):.0f}/s)"
    return f"{calls}; duration unknown (no rates are learned yet)"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:  # noqa: PLR2004 - then seconds say more
        return f"about {max(1, round(seconds))} s"
    return f"about {minutes} min" if minutes < 120 else f"about {seconds / 3600:.1f} h"  # noqa: PLR2004 - then hours do


# A dry run.


async def print_changes(
    asp: SmartProperties,
    job: Job,
    rooms: Sequence[fleet.Room],
    access: Access,
    *,
    by_step: bool,
    options: Mapping[str, Any],
) -> Exit:
    """Print what would change in each room, and return the exit status. Only reads."""
    rows = FleetRows(_STEP_COLUMNS if by_step else _COLUMNS, access)
    make_rows = _step_rows if by_step else _room_rows
    devices, kinds = 0, Counter[str]()
    try:
        async with fleet.run(
            functools.partial(read_changes, asp, job), rooms, ordered=True, title="reading", **options
        ) as this:
            async for outcome in this:
                found = outcome.value or Changes(outcome.key, ())
                devices += len(found.devices)
                kinds["failed" if outcome.failures else "changed" if found.changes else "same"] += 1
                if found.changes or outcome.failures or not job.sets:
                    rows.add(make_rows(job, outcome.item, found, outcome.failures, as_text=not rows.is_whole))
                if rows.lost is not None:
                    raise rows.lost
    finally:
        rows.end()
    if rows.lost is not None:
        raise rows.lost
    endpoints = devices if job.name == "reset" else None
    note(_summary(job, rooms, kinds, this.stopped))
    note(f"calls: {_calls(fleet.plan(job.call(asp), len(rooms), endpoints=endpoints), asp.limits)}")
    return Exit.FAILED if kinds["failed"] or this.stopped else Exit.DONE


def _summary(job: Job, rooms: Sequence[fleet.Room], kinds: Mapping[str, int], stopped: str | None) -> str:
    parts = [f"would delete all {job.deletes} of {count_of(rooms)}"] if job.deletes else []
    if job.sets:
        counts = {"to change": kinds["changed"], "with these values": kinds["same"], "not read": kinds["failed"]}
        shown = ", ".join(f"{_rooms(count)} {kind}" for kind, count in counts.items() if count)
        parts.append(f"would set {job.sets}" + (f" ({shown})" if shown else ""))
    return f"{job.name}: {'; '.join(parts)}" + ("" if stopped is None else f"; stopped: {stopped}")


def _room_rows(
    job: Job, room: fleet.Room, found: Changes, failures: Sequence[fleet.Failure], *, as_text: bool
) -> Iterator[dict[str, Any]]:
    texts = list(in_words(found.changes)) if job.sets else [f"all {job.deletes} deleted"]
    texts += [f"{_what(failure, found)} cannot be read: {failure.code}" for failure in failures]
    steps = _step_rows(job, room, found, failures, as_text=as_text)
    changes = [{name: value for name, value in step.items() if name in _OF_STEP} for step in steps]
    yield {**place_of(room), "change": "; ".join(texts), "changes": changes, "unit_id": str(room)}


def _step_rows(
    job: Job, room: fleet.Room, found: Changes, failures: Sequence[fleet.Failure], *, as_text: bool
) -> Iterator[dict[str, Any]]:
    show = shown_value if as_text else _plain_value
    empty = dict.fromkeys(_STEP_COLUMNS)
    place = {**empty, **place_of(room), "unit_id": str(room)}
    if not job.sets:
        yield {**place, "step": job.deletes, "new": show(None)}
    for change in found.changes:
        device = change.device
        names = {"device": device and device.friendly_name, "endpoint_id": device and device.id}
        values = {"current": show(change.current), "new": show(change.new)}
        yield {**place, **names, "step": change.step, **values}
    for failure in failures:
        names = {"device": found.device_name(failure.endpoint_id), "endpoint_id": failure.endpoint_id}
        yield {**place, **names, "step": failure.step, "code": failure.code, "description": failure.description}


def _plain_value(value: Any) -> Any:
    return attrs.asdict(value) if attrs.has(type(value)) else value


def _what(failure: fleet.Failure, found: Changes) -> str:
    device = found.device_name(failure.endpoint_id) or failure.endpoint_id
    return f"{failure.step or 'the room'}{f' of {device}' if device else ''}"
