"""The record of a scope in its store, and what was last seen of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeVar

import anyio

from alexa_props.concurrency import being_cancelled
from alexa_props.errors import ConfigurationError
from alexa_props.pipeline.rate_limit.controller import Controller
from alexa_props.pipeline.rate_limit.record import Record, UnknownFormatError
from alexa_props.redaction import sanitize
from alexa_props.settings import RateLimit
from alexa_props.shared import Shared, SharedUnavailable

__all__ = ["LostError", "SharedRecord"]

T = TypeVar("T")

_FIRST_CONTACT: Final = 2.0
"""Seconds that the first transaction may take."""
_FAR: Final = 0.005
"""Seconds to the store and back above which turns would come too late."""
_NEAR: Final = 0.004
"""Seconds below which a store that was too far away is used again, so that small changes have no effect."""


class LostError(Exception):
    """The store cannot be used. The message says why."""


class SharedRecord:
    """A record in a store. Its methods raise `LostError` if the store cannot be used."""

    def __init__(self, settings: RateLimit, store: Shared, key: str) -> None:
        self.store: Final = store.name
        """Name of the store."""
        self.time: Final = store.now
        """Returns the time by the clock of the store."""
        self.seen: Record | None = None
        """The record after the last transaction."""
        self._settings = settings
        self._store = store
        self._key = key
        self._contacted = False
        # Usually nobody else has changed the record since: then it need not be unpacked.
        self._last: dict[bytes | None, Record] = {}

    @property
    def members(self) -> int:
        """Clients that share the record, as last seen; at least 1."""
        return 1 if self.seen is None else max(1, len(self.seen.members))

    def too_far(self, *, again: bool = False) -> str | None:
        """Return why the store is too far away, or too far to be used again; None if it is near enough."""
        distance = self._store.distance
        if distance is None or distance <= (_NEAR if again else _FAR):
            return None
        return f"it is {distance * 1000:.0f} ms away, and turns need less than {_FAR * 1000:.0f} ms"

    async def update(self, act: Callable[[Record, float], T], start: Callable[[], Controller], *, hurry: bool) -> T:
        """Let a function change the record, and return its result.

        Args:
            act: A function of the record and the time. It may be called several times.
            start: Returns the controller of a new record, if there is none and none was seen.
            hurry: Whether the first transaction gets no more time than others.

        Raises:
            ConfigurationError: The record has other settings, or the store refuses to be used.

        """

        def change(stored: bytes | None, now: float) -> tuple[bytes, tuple[Record, T]]:
            record, self._last = self._last.get(stored), {}
            if record is None:
                record = Record.unpack(stored, now, self._settings)
                record = record or Record(self._settings, self._known(now) or start())
            else:
                record = record.at(now)
            result = act(record, now)
            packed = record.pack()
            self._last = {packed: record}
            return packed, (record, result)

        try:
            self.seen, result = await self._store.update(
                self._key, change, patience=None if self._contacted or hurry else _FIRST_CONTACT
            )
        except ConfigurationError:
            raise
        except SharedUnavailable as error:
            # The log line and the event name the store themselves.
            raise LostError(str(error).removeprefix(f"{self.store}: ")) from None
        except UnknownFormatError:
            raise LostError("its record was written by another release, and is left unchanged") from None
        except (Exception, anyio.get_cancelled_exc_class()) as error:  # a custom store may raise anything
            if not isinstance(error, Exception) and being_cancelled():
                raise
            raise LostError(sanitize(f"{type(error).__name__}: {error}")) from None
        self._contacted = True
        return result

    def _known(self, now: float) -> Controller | None:
        """Return the state that was last seen, for a record that was lost."""
        if self.seen is None:
            return None
        controller = Controller(self._settings.per_second, self._settings.burst)
        controller.restore(self.seen.controller.state(), latest=math.inf)
        if now < self.seen.seen - Record.CLOCK_SLACK:
            # The server that has lost it was replaced by one with another clock.
            controller.forget_times()
        return controller
