"""The report of a run."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, Generic, TextIO, TypeVar, overload

import attrs

from alexa_props import export
from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.fleet.names import NO_NAMES, KnownNames, Names
from alexa_props.fleet.outcome import Outcome, RecordedError, Status
from alexa_props.fleet.report.display import ReportTables, summary
from alexa_props.fleet.report.rows import (
    FAILURE_COLUMNS,
    OUTCOME_COLUMNS,
    FailureRow,
    Groups,
    device_rows,
    failure_row,
    failure_rows,
    group_by,
    outcome_row,
    place_in,
)
from alexa_props.tables import plain

__all__ = ["FleetReport", "FleetStopped", "attach_report", "report_of"]

T = TypeVar("T")
R = TypeVar("R")


@attrs.frozen(repr=False)
class FleetReport(Generic[T, R]):
    """The outcomes of a run."""

    outcomes: tuple[Outcome[T, R], ...]
    """In the order in which the run yielded them."""
    skipped: int = 0
    """Items without an outcome: an earlier run did them, or they came twice."""
    stopped: str | None = None
    """Why the run ended before its items did; None if it did not."""
    elapsed: float = 0.0
    """Seconds that the run took."""
    _names: KnownNames = attrs.field(default=NO_NAMES, kw_only=True)

    def __iter__(self) -> Iterator[Outcome[T, R]]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        return f"<FleetReport: {self}>"

    def __str__(self) -> str:
        return plain(self._summary(codes=self.failures_by_code))

    @property
    def counts(self) -> dict[Status, int]:
        """The number of outcomes that are "done", "failed" and "unknown", always in this order."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {"done": found["done"], "failed": found["failed"], "unknown": found["unknown"]}

    @property
    def done(self) -> tuple[Outcome[T, R], ...]:
        """The outcomes that are done."""
        return self._with_status("done")

    @property
    def failed(self) -> tuple[Outcome[T, R], ...]:
        """The outcomes that the service refused, or for which nothing was sent."""
        return self._with_status("failed")

    @property
    def unknown(self) -> tuple[Outcome[T, R], ...]:
        """The outcomes that the service may have done, although no response says so."""
        return self._with_status("unknown")

    @property
    def failures(self) -> tuple[FailureRow, ...]:
        """The failures of all outcomes: one per step and endpoint that an error names, or else one per outcome."""
        return self._failures(by_step=True)

    @property
    def failures_by_code(self) -> Groups:
        """The failures by code, the most frequent first."""
        return group_by(self.failures, "code")

    @property
    def failures_by_property(self) -> Groups:
        """The failures by property id, the most frequent first; None for items without a property.

        The property is read from the attributes `property_id` and `property_name` of an item. The rooms of `walk_rooms`
        have them.
        """
        return group_by(self.failures, "property_id")

    @property
    def failures_by_endpoint(self) -> Groups:
        """The failures by endpoint id, the most frequent first; None for failures of whole units."""
        return group_by(self.failures, "endpoint_id")

    def raise_for_failures(self) -> None:
        """Raise the errors of all outcomes that are not done.

        Raises:
            ExceptionGroup: The errors, each with the key of its item in a note.

        """
        found = [_error_with_note(outcome) for outcome in self.outcomes if outcome.status != "done"]
        if found:
            raise ExceptionGroup(str(self), found)

    def with_names(self, names: Names) -> FleetReport[T, R]:
        """Return the report with the names that an `Inventory` has for its ids.

        Names that the items have are unchanged.

            inventory = await Inventory.load(asp, organization_id)
            report = report.with_names(inventory)

        Raises:
            ConfigurationError: `names` is no inventory.

        """
        if isinstance(names, type) or not all(hasattr(names, each) for each in ("unit", "endpoint", "room_of")):
            raise ConfigurationError(f"names must be an Inventory, not {names!r:.80}")
        endpoint_ids = {failure.endpoint_id for failure in self.failures if failure.endpoint_id is not None}
        keys = dict.fromkeys(str(outcome.key) for outcome in self.outcomes)
        return attrs.evolve(self, names=KnownNames.look_up(names, keys, endpoint_ids))

    def table(self, *, ids: bool = True, by_step: bool = False) -> ReportTables:
        """Return the tables that a report shows, with other options.

        Show them as the last expression of a notebook's cell, with `print`, or with `rich.print`. A terminal that is
        too narrow for the ids shows them below their rows.

        Args:
            ids: Whether to show ids.
            by_step: A row per failed step instead of per device.

        """
        rows = self._failures(by_step=by_step)
        return ReportTables(self._summary(), self._noun, rows, rows if by_step else self.failures, ids)

    def to_rows(self, *, failures: bool = False, by_step: bool = False) -> list[dict[str, Any]]:
        """Return a dict per outcome. All have the same keys in the same order.

        The names of items and devices are None if neither the items, nor the steps, nor `with_names` say them. The
        code, description, operation and request id of an outcome are those of its first failure; `failures` is the
        number of its rows with `failures=True`.

        Args:
            failures: A row per device that failed, and per item that failed as a whole. The steps and the codes of a
                device are joined; the description and the request id are those of the first.
            by_step: With `failures`: a row per step that failed on a device.

        Raises:
            ConfigurationError: `by_step` without `failures`.

        """
        if failures:
            return [failure_row(row) for row in self._failures(by_step=by_step)]
        if by_step:
            raise ConfigurationError("by_step=True is for rows of failures: pass failures=True too")
        return [outcome_row(outcome, self._names) for outcome in self.outcomes]

    def to_dataframe(self, *, failures: bool = False, by_step: bool = False) -> Any:
        """Return the rows as a DataFrame of pandas, or of polars if pandas is not installed.

        The types of the columns do not depend on the rows. The arguments are those of `to_rows`. pandas cuts ids when
        it shows them, unless `pd.set_option("display.max_colwidth", None)` is set.

        Raises:
            ConfigurationError: Neither is installed, or as for `to_rows`.

        """
        return export.to_dataframe(self.to_rows(failures=failures, by_step=by_step), _columns(failures=failures))

    @overload
    def to_jsonl(self, target: None = None, *, failures: bool = False, by_step: bool = False) -> str: ...

    @overload
    def to_jsonl(
        self, target: str | os.PathLike[str] | TextIO, *, failures: bool = False, by_step: bool = False
    ) -> None: ...

    def to_jsonl(self, target: export.Target = None, *, failures: bool = False, by_step: bool = False) -> str | None:
        """Return or write the rows as JSON, one per line, in ASCII. All values are exact.

        Args:
            target: A path, which is overwritten, or an open text file. None returns the text.
            failures: As for `to_rows`.
            by_step: As for `to_rows`.

        Raises:
            ConfigurationError: `target` is none of these, or as for `to_rows`.
            OSError: The file cannot be written.

        """
        return export.write("to_jsonl", target, export.to_jsonl(self.to_rows(failures=failures, by_step=by_step)))

    @overload
    def to_csv(self, target: None = None, *, failures: bool = False, by_step: bool = False) -> str: ...

    @overload
    def to_csv(
        self, target: str | os.PathLike[str] | TextIO, *, failures: bool = False, by_step: bool = False
    ) -> None: ...

    def to_csv(self, target: export.Target = None, *, failures: bool = False, by_step: bool = False) -> str | None:
        """Return or write the rows as CSV (RFC 4180, with a header), safe to open in a spreadsheet.

        An apostrophe is put before text that a spreadsheet would run as a formula, also after a semicolon, a tab or a
        line break inside a cell. `to_jsonl` has the exact values. Spaces separate several endpoint ids in a cell.

        Args:
            target: A path, which is overwritten in UTF-8 with the byte order mark that Excel needs; or an open text
                file (with `newline=""`, and `encoding="utf-8-sig"` for Excel). None returns the text.
            failures: As for `to_rows`.
            by_step: As for `to_rows`.

        Raises:
            ConfigurationError: `target` is none of these, or as for `to_rows`.
            OSError: The file cannot be written.

        """
        text = export.to_csv(self.to_rows(failures=failures, by_step=by_step), _columns(failures=failures))
        return export.write("to_csv", target, [text], encoding="utf-8-sig")

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def __rich__(self) -> ReportTables:
        return self.table()

    def _failures(self, *, by_step: bool) -> tuple[FailureRow, ...]:
        rows = (failure_rows(outcome, self._names) for outcome in self.outcomes)
        return tuple(row for of_one in rows for row in (of_one if by_step else device_rows(of_one)))

    @property
    def _noun(self) -> str:
        rooms = (place_in(outcome, self._names).is_room for outcome in self.outcomes)
        return "room" if self.outcomes and all(rooms) else "item"

    def _summary(self, codes: Groups | None = None) -> str:
        return summary(
            dict(self.counts.items()),
            noun=self._noun,
            skipped=self.skipped,
            elapsed=self.elapsed,
            stopped=self.stopped,
            failures=self.failures,
            codes=codes,
        )

    def _with_status(self, status: Status) -> tuple[Outcome[T, R], ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status == status)


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


def _columns(*, failures: bool) -> dict[str, type]:
    return FAILURE_COLUMNS if failures else OUTCOME_COLUMNS


def _error_with_note(outcome: Outcome[Any, Any]) -> Exception:
    error = outcome.error or RecordedError(f"{outcome.key}: {outcome.status}, without an error", ())
    note = f"item: {outcome.key}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    return error
