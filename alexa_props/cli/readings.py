"""Values that commands read from several devices: rows of values, and one per device that did not respond."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from alexa_props.cli.exit import Exit
from alexa_props.cli.rows import Rows
from alexa_props.errors import AlexaError, ApiError

if TYPE_CHECKING:
    from alexa_props.cli.devices import Devices
    from alexa_props.cli.shared import Access

__all__ = ["print_readings", "read_all"]

Readings: TypeAlias = "dict[str, list[dict[str, Any]] | AlexaError]"


async def read_all(devices: Devices, read: Callable[[str], Awaitable[list[dict[str, Any]]]]) -> Readings:
    """Return what `read` returns for each device, or the error that it raised."""
    from alexa_props.concurrency import gather  # help and completion do without

    async def read_one(endpoint_id: str) -> list[dict[str, Any]] | AlexaError:
        try:
            return await read(endpoint_id)
        except AlexaError as error:
            if len(devices.names) == 1:
                # A row of the output.
                raise
            return error

    results = await gather(functools.partial(read_one, each) for each in devices.names)
    return dict(zip(devices.names, results, strict=True))


def print_readings(readings: Readings, devices: Devices, members: Sequence[str], access: Access) -> Exit:
    """Print the rows of all devices, and return the status: `Exit.FAILED` if some did not respond."""
    columns = ("device", "room", "path", *members, "status", "code", "endpoint_id")
    failed = any(isinstance(each, AlexaError) for each in readings.values())
    table = ("device", *members, *(("code",) if failed else ()), "endpoint_id")
    with Rows(columns, access, table=table) as rows:
        for endpoint_id, reading in readings.items():
            for row in [_failure(reading)] if isinstance(reading, AlexaError) else reading:
                found = {**dict.fromkeys(members), "status": "done", "code": None, **row}
                rows.add({**devices.members(endpoint_id), **found, "endpoint_id": endpoint_id})
    return Exit.FAILED if failed else Exit.DONE


def _failure(error: AlexaError) -> dict[str, Any]:
    code = error.code if isinstance(error, ApiError) else None
    return {"status": "failed", "code": code or type(error).__name__, "description": str(error)}
