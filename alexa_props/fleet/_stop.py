"""When a run begins no more items: the signal, and the rules of `stop_on`."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, Final, TypeAlias

import attrs

from alexa_props.concurrency import call_foreign, discard_awaitable, is_async
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.job import name_of
from alexa_props.fleet.outcome import Outcome, lacks_credentials, safe_str
from alexa_props.fleet.service_down import ServiceDown

__all__ = ["Rule", "StopOn", "StopSignal", "stop_after"]

StopOn: TypeAlias = float | int | ServiceDown | Callable[[Outcome[Any, Any]], bool]

_MINIMUM: Final = 20
"""Outcomes before a share of failures is significant."""
_WINDOW: Final = 100
"""The share is that of the latest 100 outcomes: a failure after thousands of successes is noticed as soon."""

Rule: TypeAlias = Callable[["StopSignal", Outcome[Any, Any], Context], None]


def stop_after(stop_on: StopOn | Sequence[StopOn] | None, *, resumable: bool) -> Rule:
    """Return a function that takes every outcome of a run, and stops the run if a rule says so.

    Args:
        stop_on: The rules.
        resumable: Whether there is a journal.

    Raises:
        ConfigurationError: A rule is invalid.

    """
    given: Sequence[Any] = stop_on if isinstance(stop_on, list | tuple) else () if stop_on is None else (stop_on,)
    rules = [_rule(each, resumable=resumable) for each in given]

    def check(signal: StopSignal, outcome: Outcome[Any, Any], context: Context) -> None:
        if outcome.error is not None and lacks_credentials(outcome.error):
            # Every other item would fail too, and request a token before it does.
            signal.stop(f"no credentials: {outcome.error}")
            return
        for rule in rules:
            rule(signal, outcome, context)

    return check


def _rule(stop_on: Any, *, resumable: bool) -> Rule:
    if isinstance(stop_on, ServiceDown):
        return _stop_when_down(stop_on, resumable=resumable)
    if isinstance(stop_on, float) and 0 <= stop_on < 1 and math.isfinite(stop_on):
        return _stop_by_share(stop_on)
    if isinstance(stop_on, int) and not isinstance(stop_on, bool) and stop_on >= 1:
        return _stop_by_count(stop_on)
    if callable(stop_on) and not is_async(stop_on) and stop_on is not ServiceDown:
        return _stop_by_function(stop_on)
    raise ConfigurationError(
        "stop_on must be a share (a float from 0 and below 1), a count of at least 1, a function of an outcome that is "
        f"not async, fleet.ServiceDown(), or a list of these, not {stop_on!r:.80}"
    )


def _stop_when_down(rule: ServiceDown, *, resumable: bool) -> Rule:
    check = rule.begin()

    def stop(signal: StopSignal, outcome: Outcome[Any, Any], _: Context) -> None:
        reason = check(outcome)
        if reason is not None:
            then = "run it again later to resume" if resumable else "run it again later"
            signal.stop(f"{reason}; {then}")

    return stop


def _stop_by_function(stop_on: Callable[..., object]) -> Rule:
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


def _stop_by_count(most: int) -> Rule:
    not_done = 0

    def rule(signal: StopSignal, outcome: Outcome[Any, Any], _: Context) -> None:
        nonlocal not_done
        not_done += outcome.status != "done"
        if not_done >= most:
            signal.stop(f"{not_done} items are not done (stop_on={most})")

    return rule


def _stop_by_share(share: float) -> Rule:
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
