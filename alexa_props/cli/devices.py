"""The devices that a command is about: one device, or those in a room."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

import alexa_props
from alexa_props.cli.unresolved import Unresolved
from alexa_props.errors import AlexaError

if TYPE_CHECKING:
    from alexa_props.cli.session import Session

__all__ = ["Change", "Devices", "change_all", "devices_of"]


@attrs.frozen
class Devices:
    """Devices in one room."""

    names: Mapping[str, str | None]
    """Their names by id."""
    place: Mapping[str, str | None]
    """The room: its name, its path, and its id."""
    title: str
    """The device or the room, for a sentence."""

    def members(self, endpoint_id: str) -> dict[str, Any]:
        """Return the members of a row about a device, names first and ids last."""
        return {"device": self.names[endpoint_id], "room": self.place["room"], "path": self.place["path"]}


async def devices_of(opened: Session, text: str) -> Devices:
    """Return the devices that a name, a path, a serial number or an id stands for.

    Raises:
        Unresolved: No device is in the room.

    """
    from alexa_props.smart_properties.endpoints import Endpoint  # help and completion do without

    names = opened.names
    found = await names.target(text)
    if isinstance(found, Endpoint):
        unit_id = next((ref.id for ref in found.associated_units), None)
        place = {**await names.describe_device(found), "unit_id": unit_id}
        name = found.friendly_name or found.serial_number
        path = " / ".join(filter(None, (place["path"], place["room"])))
        return Devices({found.id: name}, place, f"{name or found.id}" + (f" ({path})" if path else ""))
    inside = {each.id: each.friendly_name async for each in opened.asp.endpoints.list(unit_id=found, expand="all")}
    if not inside:
        raise Unresolved(
            f"no device is directly in {names.title(found)}: see `alexa-props endpoints --under {shlex.quote(text)}`"
        )
    return Devices(inside, {**names.describe(found), "unit_id": found.id}, names.title(found))


@attrs.frozen
class Change:
    """A change of one device."""

    name: str
    """Such as "do not disturb"."""
    operation: str
    """Such as "endpoint_settings.set"."""
    make: Callable[[str], Awaitable[object]]
    """Makes it, on the device with this id."""


async def change_all(devices: Devices, changes: Sequence[Change]) -> alexa_props.fleet.Steps:
    """Make changes on devices, on all of them concurrently. One that fails does not stop the others."""
    import functools

    from alexa_props.concurrency import gather  # help and completion do without

    async def change_one(endpoint_id: str) -> list[alexa_props.fleet.Step]:
        return [await _step(change, endpoint_id) for change in changes]

    steps = await gather(functools.partial(change_one, each) for each in devices.names)
    return alexa_props.fleet.Steps(str(devices.place["unit_id"]), tuple(step for each in steps for step in each))


async def _step(change: Change, endpoint_id: str) -> alexa_props.fleet.Step:
    error: AlexaError | None = None
    try:
        await change.make(endpoint_id)
    except AlexaError as raised:
        error = raised
    return alexa_props.fleet.Step(change.name, change.operation, endpoint_id, error)
