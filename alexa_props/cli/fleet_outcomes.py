"""The outcomes of `fleet run` on standard output."""

from __future__ import annotations

import sys
from typing import Any, Final

import attrs

from alexa_props import fleet
from alexa_props.cli.rows import Rows
from alexa_props.cli.streams import OutputLost, write

__all__ = ["Outcomes"]

_COLUMNS: Final = ("unit_id", "status", "endpoint_id", "code", "description")


class Outcomes:
    """Print each outcome as it arrives; on a terminal, print a table of the failures at the end."""

    lost: OutputLost | None
    """Why nothing is printed any more; None until then."""

    def __init__(self, *, as_json: bool) -> None:
        self.lost = None
        self._as_json = as_json
        self._rows = Rows(_COLUMNS, as_json=as_json)
        self._failures: list[dict[str, Any]] | None = [] if sys.stdout.isatty() and not as_json else None

    def add(self, outcome: fleet.Outcome[str, object]) -> None:
        """Print an outcome. A lost output is not raised: the rooms in flight must still be waited for."""
        if self._failures is not None:
            self._failures.extend(_rows(outcome) if outcome.failures else ())
            return
        self._print([_object(outcome)] if self._as_json else _rows(outcome))

    def end(self) -> None:
        """Print the table of failures, on a terminal."""
        if self._failures:
            self._print(self._failures)

    def _print(self, rows: list[dict[str, Any]]) -> None:
        if self.lost is not None:
            return
        try:
            with self._rows:
                for row in rows:
                    self._rows.add(row)
            write()
        except OutputLost as error:
            self.lost = error


def _object(outcome: fleet.Outcome[str, object]) -> dict[str, Any]:
    room = {name: getattr(outcome.item, name, None) for name in ("name", "property_id", "property_name")}
    return {
        "unit_id": outcome.key,
        **room,
        "status": outcome.status,
        "attempts": outcome.attempts,
        "elapsed": round(outcome.elapsed, 3),
        "failures": [attrs.asdict(failure) for failure in outcome.failures],
    }


def _rows(outcome: fleet.Outcome[str, object]) -> list[dict[str, Any]]:
    """Return a row per failure, or one row if there is none."""
    row = {"unit_id": outcome.key, "status": outcome.status}
    return [{**row, **attrs.asdict(failure), "status": outcome.status} for failure in outcome.failures] or [row]
