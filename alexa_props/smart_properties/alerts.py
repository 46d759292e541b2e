"""Bulk deletion of alerts: alarms, timers and reminders of all devices of a unit.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/asp-core-unit-api.html
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any, Final, Literal

from alexa_props.client import Client
from alexa_props.errors import ConfigurationError, EndpointFailure, EndpointFailures
from alexa_props.operation import Operation, Param
from alexa_props.settings import require_id
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "Alerts", "Deletion"]


def _delete(what: str, page: str) -> Operation:
    return Operation(
        name=f"alerts.delete_{what}",
        method="DELETE",
        path=f"/v1/alerts/{what}",
        params=(Param("unit_id", "unitId", "query"),),
        per_endpoint=True,
        subject="unit_id",
        source=f"https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/{page}",
    )


DELETE_ALARMS: Final = _delete("alarms", "asp-core-unit-api.html")
DELETE_TIMERS: Final = _delete("timers", "unit-api.html")
DELETE_REMINDERS: Final = _delete("reminders", "unit-api.html")
OPERATIONS: Final = (DELETE_ALARMS, DELETE_TIMERS, DELETE_REMINDERS)


class Deletion:
    """A bulk deletion, not yet sent. It is one shot: await it or iterate it, once.

    - `await deletion` is the strict form: it returns when everything was deleted, and raises `EndpointFailures` if any
      device failed;
    - `async for failure in deletion` streams one `EndpointFailure` for each device that failed, in the order sent.

    A failure of the call as a whole raises in both forms. It is no coroutine (`asyncio.create_task` refuses it), but
    one that is neither awaited nor iterated warns as a coroutine does.
    """

    def __init__(self, client: Client, operation: Operation, unit_id: str, scheme: Literal["Bearer", "bare"]) -> None:
        self._client = client
        self._operation = operation
        self._unit_id = unit_id
        self._scheme = scheme
        self._started = False

    def __repr__(self) -> str:
        state = "started" if self._started else "not sent yet: await it, or iterate it for the failures"
        return f"<{self._operation.name}({self._unit_id!r}), {state}>"

    def __await__(self) -> Generator[Any, Any, None]:
        self._start()
        return self._send().__await__()

    def __aiter__(self) -> AsyncGenerator[EndpointFailure, None]:
        self._start()
        return self._stream()

    def __del__(self) -> None:
        # Where the constructor raised, there is nothing to warn of.
        if not getattr(self, "_started", True):
            warnings.warn(
                f"{self._operation.name}({self._unit_id!r}) was never awaited or iterated: nothing was deleted",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )

    def _start(self) -> None:
        if self._started:
            raise ConfigurationError(
                f"{self._operation.name}({self._unit_id!r}) was started before: a deletion is one shot, make a new one"
            )
        self._started = True

    async def _send(self) -> None:
        await self._client.call(self._operation, {"unit_id": self._unit_id}, token_scheme=self._scheme)

    async def _stream(self) -> AsyncGenerator[EndpointFailure, None]:
        failures: Sequence[EndpointFailure] = ()
        try:
            await self._send()
        except EndpointFailures as error:
            failures = error.failures
        for failure in failures:
            yield failure


class Alerts:
    """`client.alerts`."""

    def __init__(self, client: Client, scheme: Literal["Bearer", "bare"]) -> None:
        self._client = client
        self._scheme: Literal["Bearer", "bare"] = scheme

    def delete_alarms(self, unit_id: UnitId) -> Deletion:
        """Delete all alarms on all devices of a unit; nothing to delete counts as done.

        Best effort: a device that fails does not stop the others, and deleting twice is the same as once.

        Args:
            unit_id: the unit, normally a room.

        Returns:
            A `Deletion`: await it or iterate it.

        Raises:
            ConfigurationError: `unit_id` cannot be an id.
            EndpointFailures: when awaited, some devices failed; never retried.
            DeviceUnreachable: 504, and the service does not say which device.
            BadRequest: 400.
            Unauthorized: the token was refused (401 UNAUTHORIZED).
            Forbidden: no permission, or no such unit (401 FORBIDDEN, 403).
            ServerError: 500 or 503 without a word about devices, retries included.
            Throttled: over the quota, retries included (429).
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/asp-core-unit-api.html

        """
        return self._deletion(DELETE_ALARMS, unit_id)

    def delete_timers(self, unit_id: UnitId) -> Deletion:
        """Delete all timers on all devices of a unit. As `delete_alarms`, from which its answers are inferred.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/unit-api.html
        """
        return self._deletion(DELETE_TIMERS, unit_id)

    def delete_reminders(self, unit_id: UnitId) -> Deletion:
        """Delete all reminders on all devices of a unit. As `delete_alarms`, from which its answers are inferred.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/unit-api.html
        """
        return self._deletion(DELETE_REMINDERS, unit_id)

    def _deletion(self, operation: Operation, unit_id: UnitId) -> Deletion:
        return Deletion(self._client, operation, require_id("unit_id", unit_id), self._scheme)
