"""Waiting for a journal that another run holds."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from alexa_props.errors import ConfigurationError
from alexa_props.fleet.journal.store import HeldError

__all__ = ["open_when_free"]

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


async def open_when_free(attempt: Callable[[], Awaitable[None]], name: str, seconds: float) -> None:
    """Open a journal. While another run holds it, try again for so many seconds.

    Raises:
        ConfigurationError: Another run still holds it.
        Exception: Whatever `attempt` raises, except `HeldError`.

    """
    started = anyio.current_time()
    pause = _FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except HeldError:
            waited = anyio.current_time() - started
        if waited >= seconds:
            raise ConfigurationError(
                f"the journal {name!r} is held by another run{f' after {waited:.1f} s' if seconds else ''}: wait until "
                "that run ends, or use another journal"
            )
        # Jitter: many workers may wait for one journal.
        await anyio.sleep(min(seconds - waited, random.uniform(pause / 2, pause)))  # noqa: S311 - jitter
        pause = min(2 * pause, _LONGEST_PAUSE)
