"""A rule of `stop_on`: end a run when the service does not respond."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import attrs
import httpx

from alexa_props.errors import ConfigurationError, DeadlineExceeded, ServerError, TransportError
from alexa_props.fleet.outcome import Outcome, StepsFailed, safe_str

__all__ = ["ServiceDown"]

_DOWN: Final = (TransportError, DeadlineExceeded, ServerError, httpx.TransportError)
_Sign = Literal["down", "up"] | None
"""The state of the service by an outcome; None if unknown."""


def _whole(_: Any, field: Any, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{field.name} must be a whole number of at least 1, not {value!r:.80}")


@attrs.frozen
class ServiceDown:
    """A rule for `stop_on`: begin no more items if the service is down.

        report = await fleet.collect(reset, rooms, journal="reset.db", stop_on=[fleet.ServiceDown(), 0.2])

    The service is down if successive items fail without a connection, without a response, or with a server error (5xx).
    Refused calls and failures of devices do not count.

    Raises:
        ConfigurationError: A number is out of range.

    """

    at_start: int = attrs.field(default=5, validator=_whole)
    """Successive failures that stop a run in which the service has not responded."""
    later: int = attrs.field(default=20, validator=_whole)
    """Successive failures that stop a run after a response. More than at the start: the rooms of a floor may share a
    server error."""

    def begin(self) -> Callable[[Outcome[Any, Any]], str | None]:
        """Return a function that takes every outcome of a run, and returns the reason to stop it, or None."""
        failed = 0
        most = self.at_start
        last: Exception | None = None

        def check(outcome: Outcome[Any, Any]) -> str | None:
            nonlocal failed, most, last
            sign = "up" if outcome.error is None else _sign(outcome.error)
            if sign == "up":
                failed, most = 0, self.later
            elif sign == "down" and outcome.error is not last:
                # The items of a batch share one call, and its error.
                failed, last = failed + 1, outcome.error
            if last is None or failed < most:
                return None
            return f"the service is down: {failed} items in succession failed, the last with {_cause(last)}"

        return check


def _sign(error: Exception) -> _Sign:
    if isinstance(error, StepsFailed):
        signs = {"up" if step.error is None else _sign(step.error) for step in error.steps}
    elif isinstance(error, ExceptionGroup):
        signs = {_sign(each) for each in error.exceptions}
    elif isinstance(error, _DOWN):
        return "down"
    else:
        # Nothing was sent.
        return None if isinstance(error, ConfigurationError) else "up"
    return "up" if "up" in signs else "down" if "down" in signs else None


def _cause(error: Exception) -> str:
    """Return the failure of the request, without its item."""
    if isinstance(error, StepsFailed):
        return _cause(next(step.error for step in error.steps if step.error is not None))
    if isinstance(error, ExceptionGroup):
        return _cause(error.exceptions[0])
    if isinstance(error, ServerError):
        return f"HTTP status {error.status}"
    cause = error.__cause__ if isinstance(error.__cause__, httpx.TransportError) else error
    return f"{type(cause).__name__}: {safe_str(cause)}"
