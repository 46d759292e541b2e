"""The report of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, TextIO, TypeVar, overload

import attrs

from alexa_props import export
from alexa_props.arguments import require_list
from alexa_props.errors import ConfigurationError
from alexa_props.fleet.names import NO_NAMES, KnownNames, Names
from alexa_props.fleet.outcome import Outcome, RecordedError, Status
from alexa_props.fleet.report.display import ReportTables, summary
from alexa_props.fleet.report.pickling import portable
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

__all__ = ["FleetReport"]

T = TypeVar("T")
R = TypeVar("R")


@attrs.frozen
class Dropped:
    """Outcomes that are done, and that a brief report only counts."""

    done: int = 0
    rooms: int = 0
    """How many of them were rooms."""

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(self.done + other.done, self.rooms + other.rooms)


NOTHING: Final = Dropped()


@attrs.frozen(repr=False)
class FleetReport(Generic[T, R]):
    """The outcomes of a run.

    It can be pickled if its items and values can. A pickle holds no headers of requests. Errors that cannot be
    pickled, and those of httpx, become `RecordedError` in it: the text and the failures are the same.
    """

    outcomes: tuple[Outcome[T, R], ...]
    """In the order in which the run yielded them. Those of a brief report are the ones that are not done."""
    skipped: int = 0
    """Items without an outcome: an earlier run did them, or they came twice."""
    stopped: str | None = None
    """Why the run ended before its items did; None if it did not."""
    elapsed: float = 0.0
    """Seconds that the run took."""
    _names: KnownNames = attrs.field(default=NO_NAMES, kw_only=True, alias="names")
    _dropped: Dropped = attrs.field(default=NOTHING, kw_only=True, alias="dropped")

    @classmethod
    def merge(cls, reports: Iterable[FleetReport[T, R]], *, elapsed: float | None = None) -> FleetReport[T, R]:
        """Join the reports of the partitions of a fleet. Any of them may be brief.

        If several reports have outcomes of one key, those of the last one count. A brief report does not know the keys
        of what is done: what it did for an item that failed in another report counts beside that failure.

        Args:
            reports: The reports, such as a list. Without any, the result is the report of no items.
            elapsed: Seconds that all runs took together; None for those of the longest run.

        Raises:
            ConfigurationError: They are not reports.

        """
        listed: tuple[FleetReport[T, R], ...] = require_list("reports", reports)
        for each in listed:
            if not isinstance(each, FleetReport):
                raise ConfigurationError(f"reports must be a list of FleetReports, not of {each!r:.80}")
        last = {outcome.key: number for number, report in enumerate(listed) for outcome in report.outcomes}
        return cls(
            outcomes=tuple(
                outcome
                for number, report in enumerate(listed)
                for outcome in report.outcomes
                if last[outcome.key] == number
            ),
            skipped=sum(report.skipped for report in listed),
            stopped="; ".join(dict.fromkeys(report.stopped for report in listed if report.stopped)) or None,
            elapsed=max((report.elapsed for report in listed), default=0.0) if elapsed is None else elapsed,
            names=KnownNames.merge(report._names for report in listed),  # noqa: SLF001 - private to this class
            dropped=sum((report._dropped for report in listed), NOTHING),  # noqa: SLF001 - private to this class
        )

    def brief(self) -> FleetReport[T, R]:
        """Return the report without the outcomes that are done, which it only counts.

        A program that merges the reports of many partitions can hold brief ones, however many items there are. `done`
        is empty in it, and only what is not done has rows.
        """
        kept = tuple(outcome for outcome in self.outcomes if outcome.status != "done")
        if len(kept) == len(self.outcomes):
            return self
        rooms = sum(place_in(outcome, self._names).is_room for outcome in self.done)
        return attrs.evolve(
            self,
            outcomes=kept,
            names=self._names.of_keys({str(outcome.key) for outcome in kept}),
            dropped=self._dropped + Dropped(len(self.done), rooms),
        )

    def __reduce__(self) -> tuple[Callable[..., FleetReport[Any, Any]], tuple[Any, ...]]:
        fields = attrs.asdict(self, recurse=False)
        outcomes = tuple(map(portable, fields.pop("outcomes")))
        return _unpickled, (type(self), outcomes, {name.removeprefix("_"): value for name, value in fields.items()})

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
        return {"done": found["done"] + self._dropped.done, "failed": found["failed"], "unknown": found["unknown"]}

    @property
    def done(self) -> tuple[Outcome[T, R], ...]:
        """The outcomes that are done; none in a brief report."""
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
        is_empty = not self.outcomes and not self._dropped.done
        rooms = (place_in(outcome, self._names).is_room for outcome in self.outcomes)
        return "room" if not is_empty and self._dropped.rooms == self._dropped.done and all(rooms) else "item"

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


def _unpickled(
    kind: type[FleetReport[Any, Any]], outcomes: tuple[Outcome[Any, Any], ...], fields: dict[str, Any]
) -> FleetReport[Any, Any]:
    return kind(outcomes, **fields)


def _columns(*, failures: bool) -> dict[str, type]:
    return FAILURE_COLUMNS if failures else OUTCOME_COLUMNS


def _error_with_note(outcome: Outcome[Any, Any]) -> Exception:
    error = outcome.error or RecordedError(f"{outcome.key}: {outcome.status}, without an error", ())
    note = f"item: {outcome.key}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    return error
