"""When a run begins no more items: the signal, and the rules of `stop_on`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.concurrency import call_foreign, discard_awaitable
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.job import name_of
from alexa_props.fleet.outcome import Outcome, lacks_credentials, safe_str

__all__ = ["StopOn", "StopSignal", "stop_after"]

StopOn: TypeAlias = float | int | Callable[[Outcome[Any, Any]], bool]

_MINIMUM: Final = 20
"""Outcomes before a share of failures is significant."""
_WINDOW: Final = 100
"""The share is that of the latest 100 outcomes: a failure after thousands of successes is noticed as soon."""

_Rule: TypeAlias = Callable[["StopSignal", Outcome[Any, Any], Context], None]


def stop_after(stop_on: StopOn | None) -> _Rule:
    """Return a function that sees every outcome of a run and stops the run if it has to."""
    rule = _rule(stop_on)

    def check(signal: StopSignal, outcome: Outcome[Any, Any], context: Context) -> None:
        if outcome.error is not None and lacks_credentials(outcome.error):
            # Every other item would fail too, and request a token before it does.
            signal.stop(f"no credentials: {outcome.error}")
        elif rule is not None:
            rule(signal, outcome, context)

    return check


def _rule(stop_on: StopOn | None) -> _Rule | None:
    if stop_on is None:
        return None
    if callable(stop_on):
        return _stop_by_function(stop_on)
    return _stop_by_count(stop_on) if isinstance(stop_on, int) else _stop_by_share(stop_on)


def _stop_by_function(stop_on: Callable[[Outcome[Any, Any]], bool]) -> _Rule:
    name = name_of(stop_on)

    def rule(signal: StopSignal, outcome: Outcome[Any, Any], context: Context) -> None:
        if outcome.status == "done":
            return
        try:
            result = call_foreign("stop_on=", context.run, stop_on, outcome)
            if discard_awaitable(result):
                raise ConfigurationError(f"stop_on must not be async: it returned {result!r:.80}")
            if result:
                signal.stop(f"stop_on={name} is true of {outcome.key}")
        except Exception as error:  # noqa: BLE001 - the user's function may raise anything
            signal.fail(error, f"stop_on={name} failed: {safe_str(error)}")

    return rule


def _stop_by_count(most: int) -> _Rule:
    not_done = 0

    def rule(signal: StopSignal, outcome: Outcome[Any, Any], _: Context) -> None:
        nonlocal not_done
        not_done += outcome.status != "done"
        if not_done >= most:
            signal.stop(f"{not_done} items are not done (stop_on={most})")

    return rule


def _stop_by_share(share: float) -> _Rule:
    latest: deque[bool] = deque(maxlen=_WINDOW)  # whether each is not done

    def rule(signal: StopSignal, outcome: Outcome[Any, Any], _: Context) -> None:
        latest.append(outcome.status != "done")
        not_done = sum(latest)
        if len(latest) >= _MINIMUM and not_done > share * len(latest):
            signal.stop(f"{not_done} of the latest {len(latest)} items are not done (stop_on={share:g})")

    return rule


@attrs.define(eq=False)
class StopSignal:
    """Why a run begins no more items, and the error that its iteration ends with."""

    reason: str | None = None
    """None until the run is stopped."""
    error: Exception | None = None
    """The first error that stopped the run; None if none did."""
    listeners: list[Callable[[], object]] = attrs.field(factory=list)
    """Called once, when the run is stopped."""

    def stop(self, reason: str) -> None:
        """Begin no more items. The first reason stays."""
        if self.reason is None:
            self.reason = reason
            for listener in self.listeners:
                listener()

    def fail(self, error: Exception, reason: str) -> None:
        """Begin no more items, and raise the error after the outcomes of those that have begun."""
        if self.error is None:
            self.error = error
        self.stop(reason)
