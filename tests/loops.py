"""The event loops that tests run on, and one whose clock jumps whenever all tasks sleep and that counts its work."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import selectors
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar, TypeVarTuple

import pytest

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop  # there is none for Windows and PyPy

    return uvloop.new_event_loop()


if sys.version_info >= (3, 12):

    def _with_eager_tasks() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        return loop


OTHERS: Final = [
    pytest.param(
        ("asyncio", {"loop_factory": _uvloop}),
        id="uvloop",
        marks=pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"),
    ),
]
"""Values of `anyio_backend` other than asyncio's default."""
if sys.version_info >= (3, 12):
    OTHERS.append(pytest.param(("asyncio", {"loop_factory": _with_eager_tasks}), id="eager"))
EVERY: Final = [pytest.param(("asyncio", {"loop_factory": asyncio.new_event_loop}), id="asyncio"), *OTHERS]


def runner(backend: tuple[str, dict[str, Any]]) -> asyncio.Runner:
    """Return a runner on a new loop of a kind, which is one of `EVERY`."""
    return asyncio.Runner(loop_factory=backend[1]["loop_factory"])


class _Selector(selectors.SelectSelector):
    """Asked once per turn of the loop; advances the clock instead of waiting."""

    loop: JumpingLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.loop.turns += 1
        # What `look` has caused comes before any time passes.
        if not self.loop.look():
            if timeout is None:
                raise AssertionError("all tasks wait forever")
            self.loop.now += max(timeout, 0.0)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """Time is virtual and begins at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = 0
        self.look: Callable[[], object] = lambda: False
        """Called before each turn; returns whether it has done anything."""
        self.timers: list[asyncio.TimerHandle] = []
        """All that were ever set."""
        self.calls = 0
        """Callbacks that were ever scheduled, mostly steps of tasks."""
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        self.timers.append(timer)
        return timer

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        self.calls += 1
        return super().call_soon(callback, *args, context=context)

    @property
    def pending_timers(self) -> int:
        return sum(not timer.cancelled() and timer.when() > self.now for timer in self.timers)


def run(main: Callable[[JumpingLoop], Coroutine[Any, Any, T]]) -> T:
    """Return what `main(loop)` returns, on a new loop."""
    loop = JumpingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(loop))
