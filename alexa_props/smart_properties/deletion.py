"""A bulk deletion that has not been sent yet: awaited for everything, or iterated for the failures."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from typing import Any

from alexa_props.errors import ConfigurationError, EndpointFailure, EndpointFailures

__all__ = ["Deletion"]


class Deletion:
    """A bulk deletion that has not been sent yet. It is one shot: await it or iterate it, once.

    - `await deletion` is strict: it returns if everything was deleted, and raises `EndpointFailures` if any device
      failed;
    - `async for failure in deletion` streams one `EndpointFailure` per device that failed, in the order received.

    A failure of the call as a whole raises in both forms. A deletion is no coroutine (`asyncio.create_task` refuses
    it), but like one it warns if it is neither awaited nor iterated.
    """

    def __init__(self, send: Callable[[], Awaitable[None]], description: str) -> None:
        self._send = send
        self._description = description
        self._started = False

    def __repr__(self) -> str:
        state = "started" if self._started else "not sent yet: await it, or iterate it for the failures"
        return f"<{self._description}, {state}>"

    def __await__(self) -> Generator[Any, Any, None]:
        self._start()
        return self._send().__await__()

    def __aiter__(self) -> AsyncGenerator[EndpointFailure, None]:
        self._start()
        return self._stream()

    def __del__(self) -> None:
        # If the constructor raised, there is nothing to warn of.
        if not getattr(self, "_started", True):
            warnings.warn(
                f"{self._description} was never awaited or iterated: nothing was deleted",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )

    def _start(self) -> None:
        if self._started:
            raise ConfigurationError(f"{self._description} was started before: a deletion is one shot, make a new one")
        self._started = True

    async def _stream(self) -> AsyncGenerator[EndpointFailure, None]:
        failures: Sequence[EndpointFailure] = ()
        try:
            await self._send()
        except EndpointFailures as error:
            failures = error.failures
        for failure in failures:
            yield failure
