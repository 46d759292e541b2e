"""The reports of runs that did not end by themselves, in the exceptions that ended them."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from alexa_props.errors import AlexaError
from alexa_props.fleet.report.fleet_report import FleetReport

__all__ = ["FleetStopped", "attach_report", "report_of"]


class FleetStopped(AlexaError):
    """The items, `key`, `stop_on` or the journal of a run failed. The cause is the exception that was raised."""

    report: FleetReport[Any, Any]
    """The outcomes until then."""

    def __init__(self, message: str, report: FleetReport[Any, Any]) -> None:
        super().__init__(message)
        self.report = report


def report_of(error: BaseException | None = None) -> FleetReport[Any, Any] | None:
    """Return the report of a run that was interrupted or stopped, from the exception that ended it.

    The exception may be a `FleetStopped`, the cancellation itself, or one that was raised because of it: the
    `KeyboardInterrupt` of a script after Ctrl-C, or the `TimeoutError` of `asyncio.timeout`.

        try:
            asyncio.run(main())
        except KeyboardInterrupt as error:
            report = fleet.report_of(error)

    Args:
        error: The exception. None takes the one that an interactive session showed last: after interrupting a cell of
            a notebook, call `fleet.report_of()` in the next one.

    Returns:
        The report; None if there is none. Of several runs, it is that of the one that ended last.

    """
    waiting = [getattr(sys, "last_value", None) if error is None else error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        report = getattr(each, "report", None)
        if isinstance(report, FleetReport):
            return report
        waiting += [each.__cause__, each.__context__]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
    return None


def attach_report(error: BaseException, report: FleetReport[Any, Any]) -> None:
    """Let an exception that interrupted a run carry its report, for `report_of`."""
    # Some classes of exceptions refuse new attributes.
    with contextlib.suppress(AttributeError):
        error.report = report  # type: ignore[attr-defined]
        error.add_note(f"{report}: fleet.report_of() returns this report from this exception")
