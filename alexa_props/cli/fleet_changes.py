"""The changes that a job would make in a room, from values of the service."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import attrs

from alexa_props import SmartProperties
from alexa_props.cli.fleet_jobs import Job, shown_value
from alexa_props.errors import AlexaError
from alexa_props.fleet import Step, Steps
from alexa_props.smart_properties.endpoints import Endpoint

__all__ = ["Change", "Changes", "in_words", "read_changes"]


@attrs.frozen
class Change:
    """A value now, and after the job."""

    step: str
    """The setting, as a step of a reset is called."""
    current: Any
    new: Any
    device: Endpoint | None = None
    """None if it is about the room."""


@attrs.frozen
class Changes(Steps):
    """What would change in a room. Its steps are the calls that read it."""

    changes: Sequence[Change] = ()
    """The values that differ."""
    devices: Sequence[Endpoint] = ()
    """The devices in the room."""

    def device_name(self, endpoint_id: str | None) -> str | None:
        """Return the name of a device in the room; None if it is unknown."""
        return next((device.friendly_name for device in self.devices if device.id == endpoint_id), None)


def in_words(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the changes of a room as texts: "volume 40, 55 → 30" is about several devices."""
    steps: dict[str, list[Change]] = {}
    for change in changes:
        steps.setdefault(change.step, []).append(change)
    for step, alike in steps.items():
        current = ", ".join(dict.fromkeys(shown_value(change.current) for change in alike))
        yield f"{step} {current} → {shown_value(alike[0].new)}"


async def read_changes(asp: SmartProperties, job: Job, unit_id: str) -> Changes:
    """Read the current values of a room, and return the changes of a job. A failed call is a failed step."""
    reader = _Reader(asp, job, unit_id)
    if job.defaults.station is not None:
        await reader.step("station", "unit_settings.get_default_music_station", reader.read_station())
    if job.name == "reset":
        await reader.step("endpoints", "endpoints.list", reader.list_devices())
    for device in reader.devices:
        if any(job.defaults.of_endpoints()):
            await reader.step("settings", "endpoint_settings.get_many", reader.read_settings(device), device)
        if job.defaults.volume is not None:
            await reader.step("volume", "features.get_speaker", reader.read_volume(device), device)
    return Changes(unit_id, tuple(reader.steps), reader.changes, reader.devices)


@attrs.define
class _Reader:
    asp: SmartProperties
    job: Job
    unit_id: str
    steps: list[Step] = attrs.field(factory=list)
    changes: list[Change] = attrs.field(factory=list)
    devices: list[Endpoint] = attrs.field(factory=list)

    async def step(
        self, name: str, operation: str, read: Coroutine[Any, Any, None], device: Endpoint | None = None
    ) -> None:
        """Make a call, and add how it ended."""
        error = None
        try:
            await read
        except AlexaError as raised:
            error = raised
        self.steps.append(Step(name, operation, None if device is None else device.id, error))

    async def read_station(self) -> None:
        current = await self.asp.unit_settings.get_default_music_station(self.unit_id)
        self._compare("station", current, self.job.defaults.station)

    async def list_devices(self) -> None:
        async for device in self.asp.endpoints.list(unit_id=self.unit_id, expand="all"):
            self.devices.append(device)

    async def read_settings(self, device: Endpoint) -> None:
        wanted = [(name, setting, setting.check(value)) for name, setting, value in self.job.defaults.of_endpoints()]
        values = await self.asp.endpoint_settings.get_many(device, [setting for _, setting, _ in wanted])
        for name, setting, new in wanted:
            self._compare(name, values[setting], new, device)

    async def read_volume(self, device: Endpoint) -> None:
        speaker = await self.asp.features.get_speaker(device)
        self._compare("volume", speaker.volume, self.job.defaults.volume, device)

    def _compare(self, step: str, current: Any, new: Any, device: Endpoint | None = None) -> None:
        if current != new:
            self.changes.append(Change(step, current, new, device))
