"""Units and devices read concurrently, as fast as the rate limiter allows."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

import anyio
import attrs

from alexa_props.concurrency import Tasks, call_foreign, flattening_task_group, gather
from alexa_props.errors import AlexaError, Forbidden, NotFound
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from alexa_props.fleet.rooms import PAGE, refuse_rings
from alexa_props.item import Item, current_item
from alexa_props.paging import Page, Pager
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["Progress", "read"]

T = TypeVar("T")

Progress = Callable[[int, int], object]

_MOST_QUERIED: Final = 50
"""Units whose devices are queried together."""
_FEWEST_QUERIED: Final = 10
"""The same once all units are listed, so that the last queries end together."""
_SLOW: Final = 0.05
"""Seconds that a page of units must take for branches to be split. Faster pages outpace the queries of devices."""
_BUSY: Final = 8
"""Branches that are read concurrently, from which on none is split: their pages use up the rate."""
_EARLY: Final = 3
"""Pages of a branch after which it is no longer split: they would be read twice."""
_LEVELS: Final = 15
"""Levels of the hierarchy."""
_SAMPLE: Final = 3
"""Branches of a branch that show whether splitting it is worthwhile."""
_WORTHWHILE: Final = 12
"""Units that each branch of a branch must have on average to split it: each takes a call at least."""


async def read(
    asp: SmartProperties, root: str, *, endpoints: bool, progress: Progress | None
) -> tuple[Unit, list[Unit], list[Endpoint]]:
    """Return a unit, the units below it, and the devices in all of them."""
    reading = _Reading(asp, root, endpoints, progress)
    raised: Exception | None = None
    try:
        async with flattening_task_group(cancelled=False) as tasks:
            reading.start(tasks)
    except ExceptionGroup as several:
        # Several calls failed in the same moment, as when the client is closed. The first one explains the others.
        raised = several.exceptions[0]
    if raised is not None:
        raise raised
    return reading.found()


class _Lists:
    """Lists that are read concurrently: as many as keep the queue of the rate limiter from running empty."""

    def __init__(self) -> None:
        self._concurrency = AdaptiveConcurrency(None)
        self.busy = 0
        self.latency = 0.0

    @property
    def has_room(self) -> bool:
        """Whether to read another list."""
        return self.busy < self.most

    @property
    def most(self) -> int:
        """How many lists to read."""
        return self._concurrency.now

    async def pages(self, pager: Pager[T]) -> AsyncGenerator[Page[T], None]:
        """Yield the pages of a list, and learn from each how many lists to read."""
        outer = current_item.get()
        async with aclosing(pager.pages()) as pages:
            while True:
                # As an item of a run, so that calls that somebody waits for overtake it.
                calls, started = Item(outer=outer), anyio.current_time()
                before = current_item.set(calls)
                try:
                    page = await anext(pages, None)
                finally:
                    current_item.reset(before)
                if page is None:
                    return
                self.latency = calls.called - calls.waited
                self._concurrency.ended(
                    elapsed=anyio.current_time() - started,
                    called=calls.called,
                    waited=calls.waited,
                    connections=calls.connections,
                )
                yield page

    async def first(self, pager: Pager[T]) -> Page[T]:
        """Return the first page of a list."""
        async with aclosing(self.pages(pager)) as pages:
            return await anext(pages)


@attrs.frozen
class _Branch:
    """A unit below which units are to be read."""

    unit_id: str
    sample: Page[Unit] | None
    """The first page of them, if it was read before."""


@attrs.define(eq=False)
class _Reading:
    """What was read so far, and what is being read."""

    asp: SmartProperties
    root: str
    with_endpoints: bool
    progress: Progress | None
    _top: Unit | None = None
    _units: dict[str, Unit] = attrs.field(factory=dict)
    _devices: dict[str, Endpoint] = attrs.field(factory=dict)
    _gone: set[str] = attrs.field(factory=set)
    """Units that were deleted while they were read."""
    _branches: deque[_Branch] = attrs.field(factory=deque)
    """Branches whose units are to be read."""
    _started: set[str] = attrs.field(factory=set)
    """All branches so far."""
    _unread: deque[str] = attrs.field(factory=deque)
    """Units whose devices are to be read."""
    _lists: _Lists = attrs.field(factory=_Lists)
    _queries: _Lists = attrs.field(factory=_Lists)
    _ids: dict[object, str] = attrs.field(factory=dict)
    """The id of each device by what stays the same if it is moved."""
    _request_id: str | None = None
    _tasks: Tasks = attrs.field(init=False)

    def start(self, tasks: Tasks) -> None:
        """Start reading in a task group."""
        self._tasks = tasks
        self._unread.append(self.root)
        self._add_branch(self.root, None)
        tasks.start_soon(self._read_top)
        self._advance()

    def found(self) -> tuple[Unit, list[Unit], list[Endpoint]]:
        """Return the unit, the units below it that still exist, and the devices."""
        top = self._top
        assert top is not None  # noqa: S101 - else there was an error
        refuse_rings(top, list(self._units.values()), self._request_id)
        exists = dict.fromkeys(self._gone, False)
        for unit in self._units.values():
            climbed: list[str] = []
            step: Unit | None = unit
            while step is not None and step.id not in exists:
                climbed.append(step.id)
                step = self._units.get(step.parent_id or "")
            exists |= dict.fromkeys(climbed, step is None or exists[step.id])
        # A device of a deleted unit was read before it was deleted.
        devices = [
            device
            for device in self._devices.values()
            if not device.associated_units or any(exists.get(ref.id, True) for ref in device.associated_units)
        ]
        return top, [unit for unit in self._units.values() if exists[unit.id]], devices

    async def _read_top(self) -> None:
        self._top = await self.asp.units.get(self.root)

    def _advance(self) -> None:
        """Start to read what there is to read, if the rate limiter has room for it."""
        while self._branches and self._lists.has_room:
            self._lists.busy += 1
            self._tasks.start_soon(self._read_branch, self._branches.popleft())
        while self.with_endpoints and self._unread and self._queries.has_room:
            size = _MOST_QUERIED
            if not self._lists.busy:
                # All units are listed. Pages come one after the other: shorter lists end sooner.
                size = min(max(len(self._unread) // (2 * self._queries.most), _FEWEST_QUERIED), _MOST_QUERIED)
            elif len(self._unread) < size:
                return
            self._queries.busy += 1
            unit_ids = [self._unread.popleft() for _ in range(min(size, len(self._unread)))]
            self._tasks.start_soon(self._read_devices, unit_ids)

    # Units.

    def _add_branch(self, unit_id: str, sample: Page[Unit] | None) -> None:
        # A unit may be listed below itself.
        if unit_id not in self._started:
            self._started.add(unit_id)
            self._branches.append(_Branch(unit_id, sample))

    async def _read_branch(self, branch: _Branch) -> None:
        try:
            await self._read_below(branch)
        except (NotFound, Forbidden):
            if not await self._is_deleted(branch.unit_id):
                raise
        self._lists.busy -= 1
        self._advance()

    async def _read_below(self, branch: _Branch) -> None:
        """Read the units below a unit, or start to read them in branches."""
        pager, number, tried = _below(self.asp, branch.unit_id), 0, False
        if branch.sample is not None:
            if branch.sample.next_token is None:
                return
            pager, number = pager.resume(branch.sample.next_token), 1
        async with aclosing(self._lists.pages(pager)) as pages:
            async for page in pages:
                number += 1
                self._add_units(page)
                if page.next_token is None or tried or number > _EARLY or not self._may_split():
                    continue
                tried = True
                if await self._split(branch.unit_id):
                    return

    def _may_split(self) -> bool:
        return self._lists.latency > _SLOW and self._lists.busy + len(self._branches) < _BUSY

    async def _split(self, unit_id: str) -> bool:
        """Start to read what is directly below a unit as branches, unless most of them would be small.

        Pages come one after the other: a single list of a large property would take longer than all queries of devices.
        """
        children = await self._children(unit_id)
        for _ in range(_LEVELS):
            if len(children) != 1 or children.next_token is not None:
                break
            unit_id = children.items[0].id
            children = await self._children(unit_id)
        sampled = children.items[:: max(1, len(children) // _SAMPLE)][:_SAMPLE]
        pages = await gather(functools.partial(self._sample, child.id) for child in sampled)
        samples = {child.id: page for child, page in zip(sampled, pages, strict=True) if page is not None}
        units = sum(len(page) + (PAGE if page.next_token else 0) for page in samples.values())
        if not sampled or units < _WORTHWHILE * len(sampled):
            return False
        for child in children:
            self._add_branch(child.id, samples.get(child.id))
        if children.next_token is not None:
            rest = self.asp.units.list(unit_id, expand="all", page_size=PAGE).resume(children.next_token)
            async with aclosing(self._lists.pages(rest)) as more:
                async for page in more:
                    for child in page.items:
                        self._add_branch(child.id, None)
                    self._add_units(page)
        return True

    async def _children(self, unit_id: str) -> Page[Unit]:
        page = await self._lists.first(self.asp.units.list(unit_id, expand="all", page_size=PAGE))
        self._add_units(page)
        return page

    async def _sample(self, unit_id: str) -> Page[Unit] | None:
        """Return the first page below a unit; None if it was deleted meanwhile: the list above goes on without it."""
        try:
            page = await self._lists.first(_below(self.asp, unit_id))
        except (NotFound, Forbidden):
            return None
        self._add_units(page)
        return page

    def _add_units(self, page: Page[Unit]) -> None:
        self._request_id = self._request_id or page.request_id
        for unit in page.items:
            if unit.id not in self._units and unit.id != self.root:
                self._units[unit.id] = unit
                self._unread.append(unit.id)
        self._report()
        self._advance()

    async def _is_deleted(self, unit_id: str) -> bool:
        """Return whether a unit that cannot be read was deleted, and record it. Its parent shows that, if it can."""
        unit = self._units.get(unit_id)
        if unit is None:
            return False
        parent = self.asp.units.list(unit.parent_id or self.root, page_size=PAGE)
        try:
            async with aclosing(self._lists.pages(parent)) as pages:
                async for page in pages:
                    if any(each.id == unit_id for each in page.items):
                        return False
        except AlexaError:
            return False
        self._gone.add(unit_id)
        return True

    # Devices.

    async def _read_devices(self, unit_ids: Sequence[str]) -> None:
        await self._query(unit_ids)
        self._queries.busy -= 1
        self._advance()

    async def _query(self, unit_ids: Sequence[str]) -> None:
        """Read the devices of units. If one of them was deleted, those of the others."""
        pager = self.asp.endpoints.query(unit_ids=unit_ids, expand=("all", "feature:connectivity"))
        try:
            async with aclosing(self._queries.pages(pager)) as pages:
                async for page in pages:
                    for device in page.items:
                        self._add_device(device)
                    self._report()
                    self._advance()
        except (NotFound, Forbidden):
            if len(unit_ids) > 1:
                half = len(unit_ids) // 2
                # One after the other: if all are refused, the first one ends the reading.
                await self._query(unit_ids[:half])
                await self._query(unit_ids[half:])
            elif not await self._is_deleted(unit_ids[0]):
                raise

    def _add_device(self, device: Endpoint) -> None:
        """Add a device. One that was moved meanwhile may come twice, the second time with another id."""
        macs = tuple(sorted(each.mac_address for each in device.connections if each.mac_address))
        if device.serial_number and macs:
            # Serial numbers alone may be placeholders.
            before = self._ids.setdefault((device.serial_number, macs), device.id)
            if before != device.id:
                self._devices.pop(before, None)
                self._ids[(device.serial_number, macs)] = device.id
        self._devices[device.id] = device

    def _report(self) -> None:
        if self.progress is not None:
            call_foreign("progress=", self.progress, len(self._units), len(self._devices))


def _below(asp: SmartProperties, unit_id: str) -> Pager[Unit]:
    return asp.units.list(unit_id, depth="all", expand="all", page_size=PAGE)
