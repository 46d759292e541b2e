"""What the clients of a run learn about their limits, in a file beside its journal: the next run starts with it."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

import anyio
import anyio.to_thread

from alexa_props.concurrency import run_in_thread
from alexa_props.errors import ConfigurationError
from alexa_props.hooks import logger
from alexa_props.item import Limiter
from alexa_props.learned_limits import has_news, load_learned, save_learned
from alexa_props.limits import Limits

__all__ = ["LearnedLimits"]


class LearnedLimits:
    """Loads and stores the limits. Its failures are logged and never raised: a run can do without."""

    INTERVAL: Final = 30.0
    """Seconds between two savings while the run lasts: it may be killed."""

    def __init__(self, journal: str) -> None:
        # Beside the file, if the name is a link.
        self._path = Path(f"{os.path.realpath(journal)}-limits")
        self._stored: dict[str, Limits] = {}
        self._limiters: dict[str, Limiter | None] = {}
        """By name; None for a name of several clients, which may have different quotas."""
        self._saved_at = anyio.current_time()
        self._failed = False
        # A thread may outlive the task that started it.
        self._lock = threading.Lock()

    @classmethod
    @asynccontextmanager
    async def beside(cls, journal: str) -> AsyncGenerator[Self, None]:
        """Load the limits beside a journal that this run holds, and store them at the end of the block."""
        this = cls(journal)
        await run_in_thread(this._load)
        try:
            yield this
        finally:
            save = this._saving()
            if save is not None:
                await run_in_thread(save)

    def before_call(self, limiter: Limiter) -> None:
        """Pass the stored limits to a client that is new to the run."""
        if limiter.name not in self._limiters:
            self._limiters[limiter.name] = limiter
            if limiter.name in self._stored:
                limiter.adopt(self._stored[limiter.name])
        elif self._limiters[limiter.name] is not limiter:
            self._limiters[limiter.name] = None

    async def save_sometimes(self) -> None:
        """Store what was learned, if that was last done some time ago."""
        now = anyio.current_time()
        if now - self._saved_at < self.INTERVAL:
            return
        self._saved_at = now
        save = self._saving()
        if save is not None:
            await anyio.to_thread.run_sync(save, limiter=anyio.CapacityLimiter(1))

    def _saving(self) -> Callable[[], None] | None:
        """Return a function that stores what was learned until now; None if it is not worth it."""
        learned = {name: limiter.limits() for name, limiter in self._limiters.items() if limiter is not None}
        if not has_news(learned, self._stored):
            return None

        def save() -> None:
            try:
                with self._lock:
                    self._stored = save_learned(self._path, learned)
            except OSError as error:
                if not self._failed:
                    logger.info("the learned limits are not stored in %s: %s", self._path, error)
                self._failed = True

        return save

    def _load(self) -> None:
        try:
            self._stored = load_learned(self._path)
        except (ConfigurationError, OSError) as error:
            logger.info("the learned limits in %s are not used: %s", self._path, error)
