"""Units and devices read concurrently, as fast as the rate limiter allows."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

import anyio
import attrs

from alexa_props.concurrency import Tasks, call_foreign, flattening_task_group, gather
from alexa_props.errors import AlexaError, Forbidden, NotFound
from alexa_props.fleet.concurrency import AdaptiveConcurrency
from alexa_props.fleet.rooms import PAGE, refuse_rings
from alexa_props.inventory.sharing import Shared
from alexa_props.item import Item, current_item
from alexa_props.paging import Page, Pager
from alexa_props.smart_properties import SmartProperties
from alexa_props.smart_properties.endpoints import Endpoint
from alexa_props.smart_properties.units import Unit

__all__ = ["Progress", "read"]

T = TypeVar("T")

Progress = Callable[[int, int], object]

_QUERY: Final = 50
"""Units whose devices are queried together."""
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
    reading = _Reading(asp, await asp.units.get(root), endpoints, progress)
    raised: Exception | None = None
    try:
        async with flattening_task_group(cancelled=False) as tasks:
            reading.start(tasks)
    except ExceptionGroup as several:
        # Several calls failed in the same moment, as when the client is closed. The first one explains the others.
        raised = several.exceptions[0]
    if raised is not None:
        raise raised
    return reading.top, reading.found(), list(reading.devices.values())


class _Lists:
    """Lists that are read concurrently: as many as keep the queue of the rate limiter from running empty."""

    def __init__(self) -> None:
        self._concurrency = AdaptiveConcurrency(None)
        self.slots = anyio.CapacityLimiter(self._concurrency.now)

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
                self._concurrency.ended(
                    elapsed=anyio.current_time() - started,
                    called=calls.called,
                    waited=calls.waited,
                    connections=calls.connections,
                )
                self.slots.total_tokens = self._concurrency.now
                yield page

    async def first(self, pager: Pager[T]) -> Page[T]:
        """Return the first page of a list."""
        async with aclosing(self.pages(pager)) as pages:
            return await anext(pages)


@attrs.define(eq=False)
class _Reading:
    """What was read so far, and what is being read."""

    asp: SmartProperties
    top: Unit
    with_endpoints: bool
    progress: Progress | None
    units: dict[str, Unit] = attrs.field(factory=dict)
    devices: dict[str, Endpoint] = attrs.field(factory=dict)
    _gone: set[str] = attrs.field(factory=set)
    """Units that were deleted while they were read."""
    _waiting: list[str] = attrs.field(factory=list)
    """Units whose devices are not queried yet."""
    _branches: int = 0
    """Branches that are being read."""
    _started: set[str] = attrs.field(factory=set)
    _unit_lists: _Lists = attrs.field(factory=_Lists)
    _queries: _Lists = attrs.field(factory=_Lists)
    _shared: Shared = attrs.field(factory=Shared)
    _ids: dict[object, str] = attrs.field(factory=dict)
    """The id of each device by what stays the same if it is moved."""
    _request_id: str | None = None
    _tasks: Tasks = attrs.field(init=False)

    def start(self, tasks: Tasks) -> None:
        """Start reading in a task group."""
        self._tasks = tasks
        self._waiting.append(self.top.id)
        self._start_branch(self.top, None)

    def found(self) -> list[Unit]:
        """Return the units that still exist."""
        refuse_rings(self.top, list(self.units.values()), self._request_id)
        exists = dict.fromkeys(self._gone, False)
        for unit in self.units.values():
            climbed: list[str] = []
            step: Unit | None = unit
            while step is not None and step.id not in exists:
                climbed.append(step.id)
                step = self.units.get(step.parent_id or "")
            exists |= dict.fromkeys(climbed, step is None or exists[step.id])
        return [unit for unit in self.units.values() if exists[unit.id]]

    # Units.

    def _start_branch(self, unit: Unit, sample: Page[Unit] | None) -> None:
        if unit.id in self._started:
            # A unit that is listed below itself.
            return
        self._started.add(unit.id)
        self._branches += 1
        self._tasks.start_soon(self._branch, unit, sample)

    async def _branch(self, unit: Unit, sample: Page[Unit] | None) -> None:
        async with self._unit_lists.slots:
            try:
                await self._read_branch(unit, sample)
            except (NotFound, Forbidden):
                if not await self._is_deleted(unit.id):
                    raise
        self._branches -= 1
        if self._branches == 0:
            self._query_devices(least=1)

    async def _read_branch(self, unit: Unit, sample: Page[Unit] | None) -> None:
        """Read the units below a unit, of which a sample may be the first page."""
        pager, number, tried = _below(self.asp, unit.id), 0, False
        if sample is not None:
            if sample.next_token is None:
                return
            pager, number = pager.resume(sample.next_token), 1
        async with aclosing(self._unit_lists.pages(pager)) as pages:
            async for page in pages:
                number += 1
                self._add_units(page)
                if page.next_token is None or tried or number > _EARLY or self._branches >= _BUSY:
                    continue
                tried = True
                if await self._split(unit):
                    return

    async def _split(self, unit: Unit) -> bool:
        """Start to read what is directly below a unit as branches, unless most of them would be small.

        Pages come one after the other: a single list of a large property would take longer than all queries of devices.
        """
        first = await self._children(unit)
        for _ in range(_LEVELS):
            if len(first) != 1 or first.next_token is not None:
                break
            unit = first.items[0]
            first = await self._children(unit)
        children = first.items
        sampled = children[:: max(1, len(children) // _SAMPLE)][:_SAMPLE]
        pages = await gather(functools.partial(self._sample, child) for child in sampled)
        samples = {child.id: page for child, page in zip(sampled, pages, strict=True) if page is not None}
        units = sum(len(page) + (PAGE if page.next_token else 0) for page in samples.values())
        if not sampled or units < _WORTHWHILE * len(sampled):
            return False
        for child in children:
            self._start_branch(child, samples.get(child.id))
        if first.next_token is not None:
            rest = self.asp.units.list(unit.id, expand="all", page_size=PAGE).resume(first.next_token)
            async with aclosing(self._unit_lists.pages(rest)) as more:
                async for page in more:
                    self._add_units(page)
                    for child in page.items:
                        self._start_branch(child, None)
        return True

    async def _sample(self, unit: Unit) -> Page[Unit] | None:
        """Return the first page below a unit; None if it was deleted meanwhile: the list above goes on without it."""
        try:
            page = await self._unit_lists.first(_below(self.asp, unit.id))
        except (NotFound, Forbidden):
            return None
        self._add_units(page)
        return page

    async def _children(self, unit: Unit) -> Page[Unit]:
        page = await self._unit_lists.first(self.asp.units.list(unit.id, expand="all", page_size=PAGE))
        self._add_units(page)
        return page

    def _add_units(self, page: Page[Unit]) -> None:
        self._request_id = self._request_id or page.request_id
        for unit in page.items:
            if unit.id not in self.units and unit.id != self.top.id:
                self.units[unit.id] = self._shared.unit(unit)
                self._waiting.append(unit.id)
        self._query_devices(least=_QUERY)
        self._tell()

    async def _is_deleted(self, unit_id: str) -> bool:
        """Return whether a unit that cannot be read was deleted, and record it. Its parent shows that, if it can."""
        unit = self.units.get(unit_id)
        if unit is None:
            return False
        parent = self.asp.units.list(unit.parent_id or self.top.id, page_size=PAGE)
        try:
            async with aclosing(self._unit_lists.pages(parent)) as pages:
                async for page in pages:
                    if any(each.id == unit_id for each in page.items):
                        return False
        except AlexaError:
            return False
        self._gone.add(unit_id)
        return True

    # Devices.

    def _query_devices(self, *, least: int) -> None:
        """Start queries for the units that wait, if there are enough of them."""
        if not self.with_endpoints:
            return
        while len(self._waiting) >= least:
            chunk, self._waiting = self._waiting[:_QUERY], self._waiting[_QUERY:]
            self._tasks.start_soon(self._query, chunk)

    async def _query(self, unit_ids: Sequence[str]) -> None:
        async with self._queries.slots:
            await self._read_devices(unit_ids)

    async def _read_devices(self, unit_ids: Sequence[str]) -> None:
        """Read the devices of units. If one of them was deleted, those of the others."""
        pager = self.asp.endpoints.query(unit_ids=unit_ids, expand=("all", "feature:connectivity"))
        try:
            async with aclosing(self._queries.pages(pager)) as pages:
                async for page in pages:
                    for device in page.items:
                        self._add_device(device)
                    self._tell()
        except (NotFound, Forbidden):
            if len(unit_ids) == 1:
                if not await self._is_deleted(unit_ids[0]):
                    raise
                return
            half = len(unit_ids) // 2
            # One after the other: if all are refused, the first one ends the reading.
            await self._read_devices(unit_ids[:half])
            await self._read_devices(unit_ids[half:])

    def _add_device(self, device: Endpoint) -> None:
        """Add a device. One that was moved meanwhile may come twice, the second time with another id."""
        macs = tuple(sorted(each.mac_address for each in device.connections if each.mac_address))
        if device.serial_number and macs:
            # Serial numbers alone may be placeholders.
            before = self._ids.setdefault((device.serial_number, macs), device.id)
            if before != device.id:
                self.devices.pop(before, None)
                self._ids[(device.serial_number, macs)] = device.id
        self.devices[device.id] = self._shared.endpoint(device)

    def _tell(self) -> None:
        if self.progress is not None:
            call_foreign("progress=", self.progress, len(self.units), len(self.devices))


def _below(asp: SmartProperties, unit_id: str) -> Pager[Unit]:
    return asp.units.list(unit_id, depth="all", expand="all", page_size=PAGE)
