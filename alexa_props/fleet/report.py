"""What became of a whole run: counts, failures by code, property and endpoint, and tables of them for any tool."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Generic, TextIO, TypeVar, overload

import attrs

from alexa_props.errors import AlexaError, ConfigurationError
from alexa_props.fleet.outcome import Failure, Outcome, RecordedError, Status
from alexa_props.fleet.spreadsheet import guard

__all__ = ["FailureRow", "FleetReport", "FleetStopped"]

T = TypeVar("T")
R = TypeVar("R")

_SHOWN: Final = 50
"""Failures, and lines of each other table, that a notebook or a terminal shows."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

_PROPERTY: Final = ("property_id", "property_name")
_OUTCOME_COLUMNS: Final[dict[str, type]] = {
    "key": str,
    **dict.fromkeys(_PROPERTY, str),
    "status": str,
    "attempts": int,
    "elapsed": float,
    "failures": int,
    "code": str,
    "description": str,
    "operation": str,
    "request_id": str,
    "endpoint_ids": list,
}


@attrs.frozen(kw_only=True)
class FailureRow(Failure):
    """A `Failure`, and what it was in.

    Attributes:
        key: of the item.
        property_id: the property that the item is in; None for items that do not say.
        property_name: its name for people.

    """

    key: str
    property_id: str | None
    property_name: str | None


Groups = dict[str | None, tuple[FailureRow, ...]]

_FAILURE_COLUMNS: Final[dict[str, type]] = dict.fromkeys(
    ("key", *_PROPERTY, "endpoint_id", "step", "status", "code", "description", "operation", "request_id"), str
)


@attrs.frozen(repr=False)
class FleetReport(Generic[T, R]):
    """What became of every item of a run.

    Attributes:
        outcomes: in the order in which the run gave them.
        skipped: items that an earlier run had done, or that came twice; they have no outcome.
        stopped: why the run ended before its items did; None if it did not.
        elapsed: seconds that the run took.

    """

    outcomes: tuple[Outcome[T, R], ...]
    skipped: int = 0
    stopped: str | None = None
    elapsed: float = 0.0

    def __iter__(self) -> Iterator[Outcome[T, R]]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        return f"<FleetReport: {self}>"

    def __str__(self) -> str:
        """One line."""
        return _plain(_summary(self, self.failures))

    @property
    def counts(self) -> dict[Status, int]:
        """How many outcomes are "done", "failed" and "unknown", always in this order."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {"done": found["done"], "failed": found["failed"], "unknown": found["unknown"]}

    @property
    def done(self) -> tuple[Outcome[T, R], ...]:
        """The outcomes that are done."""
        return self._of("done")

    @property
    def failed(self) -> tuple[Outcome[T, R], ...]:
        """The outcomes to which the service said no, or of which nothing was sent."""
        return self._of("failed")

    @property
    def unknown(self) -> tuple[Outcome[T, R], ...]:
        """The outcomes that may be done, with no answer that says so."""
        return self._of("unknown")

    def _of(self, status: Status) -> tuple[Outcome[T, R], ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status == status)

    @property
    def failures(self) -> tuple[FailureRow, ...]:
        """Everything that went wrong: an outcome has one for each endpoint that is named, else one in all."""
        return tuple(row for outcome in self.outcomes for row in _rows_of(outcome))

    @property
    def failures_by_code(self) -> Groups:
        """The failures of each code, the most frequent first."""
        return _grouped(self.failures, "code")

    @property
    def failures_by_property(self) -> Groups:
        """The failures of each property, by its id; None for items that do not say. The most frequent first.

        An item says so by attributes `property_id` and `property_name`; those of `walk_rooms` have them.
        """
        return _grouped(self.failures, "property_id")

    @property
    def failures_by_endpoint(self) -> Groups:
        """The failures of each endpoint; None for those about a whole unit. The most frequent first."""
        return _grouped(self.failures, "endpoint_id")

    def raise_for_failures(self) -> None:
        """Return if all outcomes are done.

        Raises:
            ExceptionGroup: the errors of all others, each with its item's key in a note.

        """
        found = [_noted(outcome) for outcome in self.outcomes if outcome.status != "done"]
        if found:
            raise ExceptionGroup(str(self), found)

    def to_rows(self, *, failures: bool = False) -> list[dict[str, Any]]:
        """A dict an outcome, or with `failures=True` a dict a failure. All dicts have the same keys in the same order.

        The code, description, operation and request id of an outcome are those of its first failure.
        """
        if failures:
            return [{name: getattr(row, name) for name in _FAILURE_COLUMNS} for row in self.failures]
        return [_row(outcome) for outcome in self.outcomes]

    def to_dataframe(self, *, failures: bool = False) -> Any:
        """The rows as a DataFrame of pandas, or of polars where there is no pandas. Columns have their types always.

        Raises:
            ConfigurationError: neither is installed.

        """
        rows, columns = self._table(failures=failures)
        # Extras, and slow to import: nobody pays for them who does not ask for them.
        try:
            import pandas as pd  # type: ignore[import-untyped]
        except ImportError:
            pass
        else:
            # Its own inference would make other columns of an empty report, and of one without failures.
            types = {
                name: "string" if kind is str else object if kind is list else kind for name, kind in columns.items()
            }
            return pd.DataFrame(rows, columns=list(columns)).astype(types)
        try:
            import polars as pl
        except ImportError:
            raise ConfigurationError(
                'a DataFrame needs pandas or polars, and neither is installed: pip install "alexa-props[notebook]"'
            ) from None
        return pl.DataFrame(
            rows, schema={name: pl.List(pl.String) if kind is list else kind for name, kind in columns.items()}
        )

    @overload
    def to_jsonl(self, target: None = None, *, failures: bool = False) -> str: ...

    @overload
    def to_jsonl(self, target: str | os.PathLike[str] | TextIO, *, failures: bool = False) -> None: ...

    def to_jsonl(self, target: str | os.PathLike[str] | TextIO | None = None, *, failures: bool = False) -> str | None:
        """The rows as JSON, one a line, in ASCII. All values are exact.

        Args:
            target: a path, which is written anew, or a text file that is open; None returns it.
            failures: rows are failures, not outcomes.

        Raises:
            ConfigurationError: target is none of these.
            OSError: the file cannot be written.

        """
        return _written("to_jsonl", target, (json.dumps(row) + "\n" for row in self.to_rows(failures=failures)))

    @overload
    def to_csv(self, target: None = None, *, failures: bool = False) -> str: ...

    @overload
    def to_csv(self, target: str | os.PathLike[str] | TextIO, *, failures: bool = False) -> None: ...

    def to_csv(self, target: str | os.PathLike[str] | TextIO | None = None, *, failures: bool = False) -> str | None:
        """Return or write the rows as CSV (RFC 4180, with a header), safe to open in a spreadsheet.

        Text that a spreadsheet would take for a formula gets an apostrophe in front, also after a semicolon, a tab or a
        line break inside a cell. `to_jsonl` has the exact values. Several endpoint ids in a cell have a space between
        them.

        Args:
            target: a path, which is written anew in UTF-8 with a byte order mark, which Excel needs to read it as
                UTF-8; or a text file that is open (with `newline=""`, and for Excel `encoding="utf-8-sig"`); None
                returns the text.
            failures: rows are failures, not outcomes.

        Raises:
            ConfigurationError: target is none of these.
            OSError: the file cannot be written.

        """
        rows, columns = self._table(failures=failures)
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
        return _written("to_csv", target, [text.getvalue()], encoding="utf-8-sig")

    def _table(self, *, failures: bool) -> tuple[list[dict[str, Any]], dict[str, type]]:
        return self.to_rows(failures=failures), _FAILURE_COLUMNS if failures else _OUTCOME_COLUMNS

    def _repr_html_(self) -> str:
        rows = self.failures
        parts = [f"<p><strong>{html.escape(_summary(self, rows, codes=0))}</strong></p>"]
        for title, header, lines, more in _tables(rows):
            cells = ["".join(f"<th>{html.escape(name)}</th>" for name in header)]
            cells += ["".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in lines]
            body = "".join(f"<tr>{line}</tr>" for line in cells)
            parts.append(f"<table><caption>{title}</caption>{body}</table>" + (f"<p>{more}</p>" if more else ""))
        return "".join(parts)

    def __rich__(self) -> Any:
        """For `rich.print`, and consoles of rich.

        Raises:
            ConfigurationError: rich is not installed.

        """
        try:
            from rich.console import Group  # an extra, as above
            from rich.table import Table
            from rich.text import Text
        except ImportError:
            raise ConfigurationError('a rich table needs rich: pip install "alexa-props[cli]"') from None
        rows = self.failures
        # `Text`, for what the service says is not markup; and `_plain`, for it is no command to the terminal either.
        parts: list[Any] = [Text(_plain(_summary(self, rows, codes=0)), style="bold")]
        for title, header, lines, more in _tables(rows):
            table = Table(*header, title=title, caption=more or None)
            for line in lines:
                table.add_row(*(Text(_plain(cell)) for cell in line))
            parts.append(table)
        return Group(*parts)


class FleetStopped(AlexaError):
    """The items could not be read on, or the journal not be written; the cause is what was raised there.

    Attributes:
        report: what became of all items until then.

    """

    def __init__(self, message: str, report: FleetReport[Any, Any]) -> None:
        super().__init__(message)
        self.report = report


def _property(item: object) -> dict[str, Any]:
    found = {name: getattr(item, name, None) for name in _PROPERTY}
    return {name: None if value is None else str(value) for name, value in found.items()}


def _rows_of(outcome: Outcome[Any, Any]) -> Iterator[FailureRow]:
    if outcome.error is None:
        return
    where = _property(outcome.item)
    for failure in outcome.failures:
        yield FailureRow(key=str(outcome.key), **where, **attrs.asdict(failure, recurse=False))


def _row(outcome: Outcome[Any, Any]) -> dict[str, Any]:
    failures = outcome.failures
    first = failures[0] if failures else None
    return {
        "key": str(outcome.key),
        **_property(outcome.item),
        "status": outcome.status,
        "attempts": outcome.attempts,
        "elapsed": outcome.elapsed,
        "failures": len(failures),
        "code": first and first.code,
        "description": first and first.description,
        "operation": first and first.operation,
        "request_id": first and first.request_id,
        "endpoint_ids": list(dict.fromkeys(failure.endpoint_id for failure in failures if failure.endpoint_id)),
    }


def _grouped(rows: Iterable[FailureRow], name: str) -> Groups:
    groups: dict[str | None, list[FailureRow]] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0] or ""))
    return {value: tuple(members) for value, members in ordered}


def _noted(outcome: Outcome[Any, Any]) -> Exception:
    error = outcome.error or RecordedError(f"{outcome.key}: {outcome.status}, and nothing was raised", ())
    note = f"item: {outcome.key}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    return error


def _summary(report: FleetReport[Any, Any], rows: Sequence[FailureRow], codes: int = 5) -> str:
    parts = [f"{count:,} {status}" for status, count in report.counts.items()]
    if report.skipped:
        parts.append(f"{report.skipped:,} skipped")
    text = f"{len(report):,} item{'' if len(report) == 1 else 's'}: {', '.join(parts)}, in {report.elapsed:,.1f} s"
    frequent = [f"{code} ({len(members):,})" for code, members in _grouped(rows, "code").items()]
    if codes and frequent:
        text += f"; most frequent: {', '.join(frequent[:codes])}" + (", …" if len(frequent) > codes else "")
    return text + (f"; stopped: {report.stopped}" if report.stopped else "")


_Shown = tuple[str, Sequence[str], Sequence[Sequence[str]], str]
"""A table for people: title, header, lines, and how many more there are."""


def _tables(rows: Sequence[FailureRow]) -> Iterator[_Shown]:
    if not rows:
        return
    yield _counted("Failures by code", "code", "code", _grouped(rows, "code"))
    properties = _grouped(rows, "property_id")
    if set(properties) != {None}:
        yield _counted("Failures by property", "property", "property_name", properties)
    columns = {
        "key": [row.key for row in rows[:_SHOWN]],
        "property": [row.property_name or row.property_id or "" for row in rows[:_SHOWN]],
        **{
            name.removesuffix("_id"): [getattr(row, name) or "" for row in rows[:_SHOWN]]
            for name in ("endpoint_id", "step", "status", "code", "description")
        },
    }
    told = {name: cells for name, cells in columns.items() if any(cells)}
    yield "Failures", list(told), list(zip(*told.values(), strict=True)), _more(rows)


def _counted(title: str, column: str, name: str, groups: Groups) -> _Shown:
    lines = [
        (getattr(members[0], name) or value or "none", f"{len(members):,}")
        for value, members in list(groups.items())[:_SHOWN]
    ]
    return title, (column, "failures"), lines, _more(groups)


def _more(all_of_them: Sequence[Any] | Groups) -> str:
    more = len(all_of_them) - _SHOWN
    return f"and {more:,} more" if more > 0 else ""


def _plain(text: str) -> str:
    """Without line breaks, and without what a terminal takes for a command."""
    return _CONTROL.sub(" ", text)


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(value)
    return guard(value) if isinstance(value, str) else value


def _written(name: str, target: object, parts: Iterable[str], encoding: str = "utf-8") -> str | None:
    if target is None:
        return "".join(parts)
    if isinstance(target, str | os.PathLike):
        # Half a character may be in an id; and every line has its end already.
        with Path(target).open("w", encoding=encoding, errors="backslashreplace", newline="") as file:
            file.writelines(parts)
    elif callable(write := getattr(target, "write", None)):
        for part in parts:
            write(part)
    else:
        raise ConfigurationError(f"{name}: give a path, a text file that is open, or None, not {target!r:.80}")
    return None
