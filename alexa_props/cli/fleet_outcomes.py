"""The outcomes of `fleet run` on standard output."""

from __future__ import annotations

from typing import Any, Final

import attrs

from alexa_props import fleet
from alexa_props.cli.output import Output
from alexa_props.cli.rows import Rows
from alexa_props.cli.shared import Access
from alexa_props.cli.streams import OutputLost, write

__all__ = ["Outcomes"]

_COLUMNS: Final = ("status", "code", "description", "unit_id", "endpoint_id")


class Outcomes:
    """Print each outcome as it arrives; on a terminal, print a table of the failures at the end."""

    lost: OutputLost | None
    """Why nothing is printed any more; None until then."""

    def __init__(self, access: Access) -> None:
        self.lost = None
        self._whole = access.format in (Output.JSON, Output.JSONL, Output.YAML)
        self._rows = Rows(_COLUMNS, access)
        self._failures: list[dict[str, Any]] | None = [] if self._rows.is_table else None

    def add(self, outcome: fleet.Outcome[str, object]) -> None:
        """Print an outcome. A lost output is not raised: the rooms in flight must still be waited for."""
        if self._failures is not None:
            self._failures.extend(_rows(outcome) if outcome.failures else ())
            return
        self._print([_object(outcome)] if self._whole else _rows(outcome))

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
