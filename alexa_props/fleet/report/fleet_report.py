"""The report of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TextIO, TypeVar, overload

import attrs

from alexa_props import export
from alexa_props.errors import AlexaError
from alexa_props.fleet.outcome import Outcome, RecordedError, Status
from alexa_props.fleet.report import display
from alexa_props.fleet.report.rows import (
    FAILURE_COLUMNS,
    OUTCOME_COLUMNS,
    FailureRow,
    Groups,
    failure_rows,
    group_by,
    outcome_row,
)

__all__ = ["FleetReport", "FleetStopped"]

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

    def __iter__(self) -> Iterator[Outcome[T, R]]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        return f"<FleetReport: {self}>"

    def __str__(self) -> str:
        return display.plain(self._summary(self.failures))

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
        """The failures of all outcomes: one per endpoint that an error names, or else one per outcome."""
        return tuple(row for outcome in self.outcomes for row in failure_rows(outcome))

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

    def to_rows(self, *, failures: bool = False) -> list[dict[str, Any]]:
        """Return a dict per outcome, or per failure if `failures` is true. All have the same keys in the same order.

        The code, description, operation and request id of an outcome are those of its first failure.
        """
        if failures:
            return [{name: getattr(row, name) for name in FAILURE_COLUMNS} for row in self.failures]
        return [outcome_row(outcome) for outcome in self.outcomes]

    def to_dataframe(self, *, failures: bool = False) -> Any:
        """Return the rows as a DataFrame of pandas, or of polars if pandas is not installed.

        The types of the columns do not depend on the rows.

        Raises:
            ConfigurationError: Neither is installed.

        """
        return export.to_dataframe(self.to_rows(failures=failures), _columns(failures=failures))

    @overload
    def to_jsonl(self, target: None = None, *, failures: bool = False) -> str: ...

    @overload
    def to_jsonl(self, target: str | os.PathLike[str] | TextIO, *, failures: bool = False) -> None: ...

    def to_jsonl(self, target: export.Target = None, *, failures: bool = False) -> str | None:
        """Return or write the rows as JSON, one per line, in ASCII. All values are exact.

        Args:
            target: A path, which is overwritten, or an open text file. None returns the text.
            failures: A row per failure instead of per outcome.

        Raises:
            ConfigurationError: `target` is none of these.
            OSError: The file cannot be written.

        """
        return export.write("to_jsonl", target, export.to_jsonl(self.to_rows(failures=failures)))

    @overload
    def to_csv(self, target: None = None, *, failures: bool = False) -> str: ...

    @overload
    def to_csv(self, target: str | os.PathLike[str] | TextIO, *, failures: bool = False) -> None: ...

    def to_csv(self, target: export.Target = None, *, failures: bool = False) -> str | None:
        """Return or write the rows as CSV (RFC 4180, with a header), safe to open in a spreadsheet.

        An apostrophe is put before text that a spreadsheet would run as a formula, also after a semicolon, a tab or a
        line break inside a cell. `to_jsonl` has the exact values. Spaces separate several endpoint ids in a cell.

        Args:
            target: A path, which is overwritten in UTF-8 with the byte order mark that Excel needs; or an open text
                file (with `newline=""`, and `encoding="utf-8-sig"` for Excel). None returns the text.
            failures: A row per failure instead of per outcome.

        Raises:
            ConfigurationError: `target` is none of these.
            OSError: The file cannot be written.

        """
        text = export.to_csv(self.to_rows(failures=failures), _columns(failures=failures))
        return export.write("to_csv", target, [text], encoding="utf-8-sig")

    def _repr_html_(self) -> str:
        return display.to_html(self._summary(), self.failures)

    def __rich__(self) -> Any:
        """Return tables for `rich.print` and consoles of rich.

        Raises:
            ConfigurationError: rich is not installed.

        """
        return display.to_rich(self._summary(), self.failures)

    def _summary(self, failures: Sequence[FailureRow] = ()) -> str:
        counts: dict[Any, int] = self.counts
        return display.summary(
            counts, skipped=self.skipped, elapsed=self.elapsed, stopped=self.stopped, failures=failures
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


def _columns(*, failures: bool) -> dict[str, type]:
    return FAILURE_COLUMNS if failures else OUTCOME_COLUMNS


def _error_with_note(outcome: Outcome[Any, Any]) -> Exception:
    error = outcome.error or RecordedError(f"{outcome.key}: {outcome.status}, without an error", ())
    note = f"item: {outcome.key}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    return error
